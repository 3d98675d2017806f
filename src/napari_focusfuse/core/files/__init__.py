"""Files of the core's own values: written complete or not at all, and checked when read."""
