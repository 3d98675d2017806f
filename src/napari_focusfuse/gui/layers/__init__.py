"""From layers to arrays and back: what a layer holds, where it lies and comes from, and the layers of results.

Nothing here is a widget.
"""
