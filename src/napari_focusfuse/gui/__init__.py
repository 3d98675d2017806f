"""The napari room: widgets, menu commands, reader and sample data.

Only here are napari, magicgui and Qt imported. Nothing is computed here: settings go to `napari_focusfuse.api`, results
come back and become layers.
"""
