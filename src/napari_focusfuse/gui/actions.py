"""Commands of what the fusion widget does besides running."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.viewer

__all__ = ["cancel_fusion", "preview_fusion", "save_fusion"]

_WIDGET = "Fuse focus stack"


def preview_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Begin or end the preview of the fusion, of the selected image layer where that is a focus stack."""
    from napari.layers import Image

    from napari_focusfuse.gui.layers.results import source_of

    widget = _widget(viewer)
    chosen = [layer for layer in viewer.layers.selection if isinstance(layer, Image) and layer.ndim > 2]
    source = source_of(chosen[0], viewer.layers) if len(chosen) == 1 else None
    if source is not None and not widget.preview.on:
        widget.layer = source
    widget.preview.box.toggle()


def cancel_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Cancel the fusion that is under way."""
    _widget(viewer).cancel()


def save_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Ask where to, and save the last result."""
    from napari.utils.notifications import show_error

    widget = _widget(viewer)
    if widget.save_button.isEnabled():
        widget.save_button.click()
    else:
        show_error("There is no result to save yet: fuse a focus stack first.")


def _widget(viewer: "napari.viewer.Viewer") -> Any:
    """The fusion widget, docked and in front."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", _WIDGET)
    dock.show()
    dock.raise_()
    return widget
