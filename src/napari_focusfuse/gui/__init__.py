"""The napari room: widgets, menu commands, reader and sample data.

Only here are napari, magicgui and Qt imported. Nothing is computed here: settings go to `napari_focusfuse.api`, results
come back and become layers. Each widget has a folder; `common` holds parts of several, `layers` leads from layers to
arrays and back.
"""
