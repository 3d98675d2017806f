"""Opens focus stacks: napari's reader, and menu commands that use it without asking which reader to use.

Folders of slices or of pairs, TIFF, OME-TIFF and OME-Zarr; lazily, with axes and sizes.
"""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.viewer

    from napari_focusfuse.gui.layers.opened import LayerData
    from napari_focusfuse.io import Pair, StackFile

__all__ = ["get_reader", "open_folder", "open_stack", "read_stack"]

#: As many layers as a viewer shows well.
_MOST_PAIRS = 20
#: The same as `source.KEY`, which is not imported: readers load no napari.
_KEY = "napari-focusfuse"


def get_reader(path: str | Sequence[str]) -> "Callable[[str | Sequence[str]], list[LayerData]] | None":
    """Give `read_stack` for what it can open by its name, else None.

    Parameters
    ----------
    path : str or sequence of str
        A file or folder; or image files, the slices of one stack in the natural order of their names.
    """
    from napari_focusfuse import api

    if isinstance(path, str):
        return read_stack if api.is_stack_file(path) else None
    return read_stack if len(path) > 1 and all(api.is_slice_file(file) for file in path) else None


def read_stack(path: str | Sequence[str]) -> "list[LayerData]":
    """Read a file or folder as image layers.

    A picture in a folder that is of another size than the slices is left out, and one that is unlike them by its name,
    camera or program is named, with a button that leaves it out.

    Parameters
    ----------
    path : str or sequence of str
        As for `get_reader`.

    Returns
    -------
    list of layer data
        One layer, one a channel, or one a pair, of which only the first is shown.

    Raises
    ------
    StackError
        It cannot be read; the message names the file and says why.
    """
    from napari_focusfuse import api
    from napari_focusfuse.gui.layers.opened import layers_of

    pairs = api.pairs_in(path) if isinstance(path, str) else []
    return _layers_of_pairs(pairs, str(path)) if pairs else layers_of(_opened(path))


def _opened(path: str | Sequence[str]) -> "StackFile":
    """A file or folder. What cannot be a slice is left out, and what may be none offered to be; both are named."""
    from napari_focusfuse.errors import FocusFuseWarning, StackError

    left: list[str] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", FocusFuseWarning)
        while True:
            try:
                file = _without(path, left)
                break
            except StackError as error:
                if not error.settings.get("exclude") or error.settings["exclude"] in left:
                    raise
                left.append(error.settings["exclude"])
                reason = str(error).partition(": ")[0]
                warnings.warn(FocusFuseWarning(f"{reason}: it was left out"), stacklevel=2)
    for warning in told:
        if file.suspects and isinstance(warning.message, FocusFuseWarning) and warning.message.settings:
            _offer(str(warning.message), [str(suspect) for suspect in file.suspects])
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return file


def _without(path: str | Sequence[str], left: Sequence[str]) -> "StackFile":
    from napari_focusfuse import api

    if isinstance(path, str):
        return api.open_file(path, exclude=left)
    return api.open_file([file for file in path if Path(file).name not in left], by_name=True)


def _offer(warning: str, suspects: list[str]) -> None:
    """Name files that may be no slices, with a button that takes them out of their layer."""
    from napari.utils.notifications import Notification, notification_manager

    from napari_focusfuse.errors import plain
    from napari_focusfuse.gui.layers.opened import ASKED

    def leave(_notification: object = None) -> None:
        from napari import current_viewer
        from napari.layers import Image

        from napari_focusfuse.gui.layers.axes import leave_out, suspects_of

        viewer = current_viewer()
        for layer in [] if viewer is None else viewer.layers:
            numbers = suspects_of(layer) if isinstance(layer, Image) else []
            if {layer.metadata[_KEY]["inputs"][k] for k in numbers} & set(suspects):
                leave_out(layer, 0, numbers)

    actions = (("Leave out", leave),)
    told = warning.partition(" holds ")[2].partition(": ")[0]
    notification_manager.dispatch(Notification(plain(f"{told}: {ASKED}"), "warning", actions))


def _layers_of_pairs(pairs: "list[Pair]", folder: str) -> "list[LayerData]":
    """A layer each, of which only the first is shown."""
    from napari_focusfuse import api
    from napari_focusfuse.errors import FocusFuseWarning
    from napari_focusfuse.gui.layers.opened import layers_of

    if len(pairs) > _MOST_PAIRS:
        text = f"{folder} holds {len(pairs)} pairs, the first {_MOST_PAIRS} are opened: focusfuse fuse takes them all"
        warnings.warn(text, FocusFuseWarning, stacklevel=3)
    made = []
    for pair in pairs[:_MOST_PAIRS]:
        ((data, arguments, kind),) = layers_of(api.open_file((pair.first, pair.second)))
        made.append((data, {**arguments, "name": pair.name, "visible": pair is pairs[0]}, kind))
    return made


_FILTER = (
    "Focus stacks (*.tif *.tiff *.btf *.tf8 *.czi *.lif *.nd2 *.png *.jpg *.jpeg *.jp2 *.bmp *.webp);;All files (*)"
)

_ALL = "all of them, one layer each"


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

    from napari_focusfuse.errors import FocusFuseError, plain

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

    from napari_focusfuse.gui.layers.source import KEY

    notes = [arguments["metadata"][KEY] for _, arguments, _ in made]
    if len(made) < 2 or not all("in_file" in note and len(note["inputs"]) > 1 for note in notes):
        return made
    names = [_ALL, *(str(arguments["name"]) for _, arguments, _ in made)]
    question = f"The file names contain {len(made)} channels. Open"
    window = QApplication.activeWindow()
    name, agreed = QInputDialog.getItem(window, "Open focus stack", question, names, 0, False)
    if not agreed or name == _ALL:
        return made if agreed else []
    return [made[names.index(name) - 1]]
