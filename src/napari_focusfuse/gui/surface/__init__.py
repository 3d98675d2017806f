"""The surface of a result, in three dimensions."""
