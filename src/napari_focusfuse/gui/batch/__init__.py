"""The widget that fuses many stacks: list, run, results."""
