"""Menu commands that open a focus stack with this plugin's reader, without asking which reader to use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

    from napari_focusfuse.gui._opened import LayerData

__all__ = ["open_folder", "open_stack"]

_ALL = "all of them, a layer each"

_FILTER = (
    "Focus stacks (*.tif *.tiff *.btf *.tf8 *.czi *.lif *.nd2 *.png *.jpg *.jpeg *.jp2 *.bmp *.webp);;All files (*)"
)


def open_stack(viewer: "napari.viewer.Viewer") -> None:
    """Ask for files and open them: one file as it is, several images as the slices of one stack."""
    from napari.utils.history import get_open_history
    from qtpy.QtWidgets import QApplication, QFileDialog

    window = QApplication.activeWindow()
    names, _ = QFileDialog.getOpenFileNames(window, "Open focus stack", get_open_history()[0], _FILTER)
    _open(viewer, names)


def open_folder(viewer: "napari.viewer.Viewer") -> None:
    """Ask for a folder and open it: slices, pairs, or an OME-Zarr."""
    from napari.utils.history import get_open_history
    from qtpy.QtWidgets import QApplication, QFileDialog

    window = QApplication.activeWindow()
    name = QFileDialog.getExistingDirectory(window, "Open folder as focus stack", get_open_history()[0])
    _open(viewer, [name] if name else [])


def _open(viewer: "napari.viewer.Viewer", names: list[str]) -> None:
    """Add what the files hold to the viewer; several are one stack."""
    from napari.layers import Image
    from napari.utils.history import update_open_history
    from napari.utils.notifications import show_error

    from napari_focusfuse.core.plain import plain
    from napari_focusfuse.errors import FocusFuseError
    from napari_focusfuse.gui.reader import read_stack

    if not names:
        return
    update_open_history(names[0])
    try:
        made = _wanted(read_stack(names[0] if len(names) == 1 else names))
    except FocusFuseError as error:
        show_error(plain(f"{str(error)[0].upper()}{str(error)[1:]}."))
        return
    if not made:
        return
    layers = [viewer.add_layer(Image(data, **arguments)) for data, arguments, _ in made]
    viewer.layers.selection = {next(layer for layer in layers if layer.visible)}


def _wanted(made: "list[LayerData]") -> "list[LayerData]":
    """Those layers that are wanted, where image files are several channels by their names; none if none is."""
    from qtpy.QtWidgets import QApplication, QInputDialog

    from napari_focusfuse.gui._source import KEY

    notes = [arguments["metadata"][KEY] for _, arguments, _ in made]
    if len(made) < 2 or not all("in_file" in note and len(note["inputs"]) > 1 for note in notes):
        return made
    names = [_ALL, *(str(arguments["name"]) for _, arguments, _ in made)]
    question = f"By their names these files are {len(made)} channels. Open"
    window = QApplication.activeWindow()
    name, agreed = QInputDialog.getItem(window, "Open focus stack", question, names, 0, False)
    if not agreed or name == _ALL:
        return made if agreed else []
    return [made[names.index(name) - 1]]
