"""Files that the core's own values are kept in: written whole or not at all, and read without trust."""
