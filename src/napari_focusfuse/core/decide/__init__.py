"""The decision rule: for every pixel which slice it comes from, how much of which, at what depth and how surely.

In the order in which data flow: `statistics` (what is global to a stack: range, flicker, noise) -> `scan` (the activity
of slice after slice) -> `top_k` (the best few of each pixel) -> `weights` -> `depth`, `confidence` -> `Decision`.
`pipeline` tells the walk. Nothing here knows of training, files or viewers.
"""
