"""Commands of napari's menus and command palette."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["fuse_focus_stack", "measure_fused_images"]


def fuse_focus_stack(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Fuse focus stack" with the selected image layer set, and press Run.

    A selected result stands for the stack it was made from.
    """
    from napari.layers import Image
    from napari.utils.notifications import show_error

    from napari_focusfuse.gui._layers import source_of

    dock, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack")
    dock.show()
    dock.raise_()
    chosen = [layer for layer in viewer.layers.selection if isinstance(layer, Image)]
    if len(chosen) != 1:
        show_error("Select the image layer that holds the focus stack, and only that one.")
        return
    source = source_of(chosen[0], viewer.layers)
    if source is None:
        show_error(f"The stack that {chosen[0].name!r} was made from is no longer open: open it again.")
        return
    widget.layer = source
    widget.run()


def measure_fused_images(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Measure fused images" with the selected image layers set."""
    from napari.layers import Image
    from napari.utils.notifications import show_error

    dock, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Measure fused images", tabify=True)
    dock.show()
    dock.raise_()
    chosen = [getattr(layer, "__wrapped__", layer) for layer in viewer.layers.selection if isinstance(layer, Image)]
    if not chosen:
        show_error("Select the fused images to measure, and what they were fused from.")
        return
    widget.choose(chosen)
