"""The method: numbers in, numbers out (numpy, scipy, scikit-image, torch).

Long work is a generator that yields `Progress` and returns its result; stopping to iterate cancels it.
Nothing here opens a stack's file, resolves a model's name, or knows of napari or Qt. Read in this order: `stack` ->
`encode` -> `decide` -> `result` -> `blend`.
"""
