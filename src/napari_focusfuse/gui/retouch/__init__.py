"""The widget "Mend the decision": what is painted, and layers that follow it."""
