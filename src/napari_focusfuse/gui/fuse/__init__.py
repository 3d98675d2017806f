"""The widget "Fuse focus stack": its form, preview, results, and the decision applied to other layers."""
