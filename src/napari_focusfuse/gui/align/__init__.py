"""The widget "Align focus stack"."""
