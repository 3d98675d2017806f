"""Commands of napari's menus, command palette and keys."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image, Layer

__all__ = [
    "activate",
    "adapt_to_stack",
    "align_focus_stack",
    "apply_decision",
    "cancel_fusion",
    "compare",
    "compare_layers",
    "compare_result",
    "fuse_focus_stack",
    "fuse_many_stacks",
    "measure_fused_images",
    "preview_fusion",
    "retouch_image",
    "save_figure",
    "save_fusion",
    "save_turntable",
    "train_model",
]


def activate(_context: object) -> None:
    """Register keys with napari, where they can be seen and changed: Preferences > Shortcuts, viewer key bindings."""
    from napari.components import ViewerModel
    from napari.settings import get_settings
    from napari.utils.action_manager import action_manager

    changed = get_settings().shortcuts.shortcuts
    for command, key, description in (
        (align_focus_stack, "Ctrl+Alt+A", "Align focus stack"),
        (fuse_focus_stack, "Ctrl+Alt+F", "Fuse focus stack"),
        (preview_fusion, "Ctrl+Alt+P", "Preview focus stack fusion"),
        (retouch_image, "Ctrl+Alt+R", "Retouch the fused image"),
        (compare_layers, "Ctrl+Alt+C", "Compare layers"),
        (measure_fused_images, "Ctrl+Alt+M", "Measure fused images"),
        (save_fusion, "Ctrl+Alt+S", "Save focus stack fusion"),
        (fuse_many_stacks, "Ctrl+Alt+B", "Fuse many stacks"),
        (train_model, "Ctrl+Alt+N", "Train a fusion model"),
    ):
        name = f"napari-focusfuse:{command.__name__}"
        action_manager.register_action(name, command, description, ViewerModel)
        if name not in changed:
            action_manager.bind_shortcut(name, key)


def fuse_focus_stack(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Fuse focus stack" with the selected image layer set, and press Run.

    If a result is selected, its source stack is used.
    """
    widget = _opened(viewer, "Fuse focus stack")
    source = _chosen_stack(viewer)
    if source is not None:
        widget.layer = source
        widget.run()


def align_focus_stack(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Align focus stack" with the selected image layer set, and press Align."""
    widget = _opened(viewer, "Align focus stack", tabify=True)
    source = _chosen_stack(viewer)
    if source is not None:
        widget.layer = source
        widget.run()


def measure_fused_images(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Measure fused images" with the selected image layers set."""
    from napari.layers import Image
    from napari.utils.notifications import show_error

    widget = _opened(viewer, "Measure fused images", tabify=True)
    chosen = [getattr(layer, "__wrapped__", layer) for layer in viewer.layers.selection if isinstance(layer, Image)]
    if not chosen:
        show_error("Select the fused images to measure and their source images.")
        return
    widget.choose(chosen)


def compare_layers(viewer: "napari.viewer.Viewer") -> None:
    """Compare the two image layers that are selected, or the one that is selected with the stack it was made from."""
    from napari.layers import Image
    from napari.utils.notifications import show_error

    from napari_focusfuse.gui.layers.results import source_of

    chosen = [layer for layer in viewer.layers if layer in viewer.layers.selection and isinstance(layer, Image)]
    if len(chosen) == 1:
        source = source_of(chosen[0], viewer.layers)
        chosen = [layer for layer in (source, chosen[0]) if layer is not None]
    if len(chosen) == 2 and chosen[0] is not chosen[1]:
        compare(viewer, *chosen)
    else:
        show_error("Select the two image layers to compare, or one result of a stack.")


def compare(viewer: Any, left: "Layer", right: "Layer") -> None:
    """Show two layers in the widget "Compare layers"."""
    _opened(viewer, "Compare layers", tabify=True).compare(left, right)


def compare_result(viewer: Any, right: Any = None) -> None:
    """Compare a fused image, or the one that is shown, with another result of its stack, or with the stack itself."""
    from napari.utils.notifications import show_error

    from napari_focusfuse.gui.layers.results import is_result, note_of, source_of

    fused = [layer for layer in viewer.layers if is_result(layer) and note_of(layer)["role"] == "fused"]
    if right is None:
        right = next((layer for layer in reversed(fused) if layer.visible), fused[-1] if fused else None)
    if right is None:
        show_error("There is no fused image yet: fuse a focus stack first.")
        return
    same = [each for each in fused if each is not right and note_of(each)["source_id"] == note_of(right)["source_id"]]
    left = same[-1] if same else source_of(right, viewer.layers)
    if left is None:
        show_error(f"The stack that {right.name!r} was made from is no longer open: open it again.")
    else:
        compare(viewer, left, right)


def fuse_many_stacks(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Fuse many stacks"."""
    _opened(viewer, "Fuse many stacks", tabify=True)


def train_model(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Train a model"."""
    _opened(viewer, "Train a model", tabify=True)


def adapt_to_stack(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Train a model" at "Adapt to a stack", with the selected image layer set.

    If a result is selected, its source stack is used.
    """
    widget = _opened(viewer, "Train a model", tabify=True)
    source = _chosen_stack(viewer)
    if source is not None:
        widget.choose(source)


def retouch_image(viewer: "napari.viewer.Viewer") -> None:
    """Open the widget "Retouch the fused image" and paint on the result that the selected layer belongs to."""
    _opened(viewer, "Retouch the fused image", tabify=True).start(viewer.layers.selection.active)


def apply_decision(viewer: "napari.viewer.Viewer") -> None:
    """Ask in the widget "Fuse focus stack" to which layers its last decision map is applied."""
    from napari.layers import Image

    widget = _opened(viewer, "Fuse focus stack")
    chosen = [getattr(layer, "__wrapped__", layer) for layer in viewer.layers.selection if isinstance(layer, Image)]
    widget.carrier.choose(chosen[0] if len(chosen) == 1 else None)


def _opened(viewer: "napari.viewer.Viewer", name: str, *, tabify: bool = False) -> Any:
    """One of our widgets, docked and in front."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", name, tabify=tabify)
    dock.show()
    dock.raise_()
    return widget


def _chosen_stack(viewer: "napari.viewer.Viewer") -> "Image | None":
    """The stack that the selected layer is or was made from; says so if there is none."""
    from napari.layers import Image
    from napari.utils.notifications import show_error

    from napari_focusfuse.gui.layers.results import source_of

    chosen = [layer for layer in viewer.layers.selection if isinstance(layer, Image)]
    if len(chosen) != 1:
        show_error("Select the image layer that holds the focus stack, and only that one.")
        return None
    source = source_of(chosen[0], viewer.layers)
    if source is None:
        show_error(f"The stack that {chosen[0].name!r} was made from is no longer open: open it again.")
    return source


_WIDGET = "Fuse focus stack"


def preview_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Start or stop the preview, of the selected image layer if it is a focus stack."""
    from napari.layers import Image

    from napari_focusfuse.gui.layers.results import source_of

    widget = _opened(viewer, _WIDGET)
    chosen = [layer for layer in viewer.layers.selection if isinstance(layer, Image) and layer.ndim > 2]
    source = source_of(chosen[0], viewer.layers) if len(chosen) == 1 else None
    if source is not None and not widget.preview.on:
        widget.layer = source
    widget.preview.box.toggle()


def cancel_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Cancel the running fusion."""
    _opened(viewer, _WIDGET).cancel()


def save_fusion(viewer: "napari.viewer.Viewer") -> None:
    """Ask where to, and save the last result."""
    from napari.utils.notifications import show_error

    widget = _opened(viewer, _WIDGET)
    if widget.save_button.isEnabled():
        widget.save_button.click()
    else:
        show_error("There is no result to save yet: fuse a focus stack first.")


def save_figure(viewer: "napari.viewer.Viewer") -> None:
    """Ask where to, and save a figure of the result that is selected, or of the newest one."""
    from napari_focusfuse.gui.figure import ask_for_figure

    ask_for_figure(viewer)


def save_turntable(viewer: "napari.viewer.Viewer") -> None:
    """Ask where to, and save a film of the surface that is shown."""
    from napari_focusfuse.gui.figure import ask_for_turntable

    ask_for_turntable(viewer)
