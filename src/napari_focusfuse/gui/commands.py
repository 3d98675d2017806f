"""Commands of napari's menus and command palette."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["fuse_focus_stack"]


def fuse_focus_stack(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Fuse focus stack" with the selected image layer set, and press Run."""
    from napari.layers import Image

    dock, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack")
    dock.show()
    dock.raise_()
    chosen = [layer for layer in viewer.layers if layer in viewer.layers.selection and isinstance(layer, Image)]
    if chosen:
        widget.layer = chosen[-1]
    widget.run()
