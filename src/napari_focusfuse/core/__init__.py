"""The method: numbers in, numbers out (numpy, scipy, scikit-image, torch).

Long work is a generator that yields `Progress` and returns its result; stopping to iterate cancels it.
Nothing here opens a file, resolves a model's name, or knows of napari or Qt.
"""
