"""Stacks and results on disk."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_focusfuse.io import Pair, StackFile


def open_stack(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    axis: str | None = None,
    rgb: bool = False,
    channel: int | str | None = None,
    slices: slice | Sequence[int] | None = None,
    exclude: Sequence[str] = (),
) -> StackFile:
    """Open a folder of slices, a TIFF, OME-TIFF or OME-Zarr lazily, as a focus stack.

    Parameters
    ----------
    path : path, or sequence of paths
        Folder or file; or image files, the slices in this order.
    axis : str, optional
        Letter or number of the stack axis, if the file does not give it.
    rgb : bool
        Whether a channel axis of 3 or 4 is colour.
    channel : int or str, optional
        Name of one channel, or its number from 0 on, of a file or folder that holds several.
    slices : slice or sequence of int, optional
        A range of the slices, or every k-th: ``slice(10, 50, 2)`` takes 10, 12... 48 of 0, 1, 2...; or their numbers,
        ascending.
    exclude : sequence of str
        Names of files in the folder that are not slices, such as an earlier result; ``*`` matches anything.

    Returns
    -------
    StackFile
        ``data`` is (Z, Y, X) or (Z, Y, X, 3|4); z-step, pixel size and uneven positions in um where the file states
        them. Metadata that cannot be right give a `FocusFuseWarning`.

    Raises
    ------
    StackError
        It cannot be read, or is not a focus stack; the message says why.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> import numpy as np, tifffile
    >>> tifffile.imwrite("cells.tif", np.zeros((5, 64, 64), np.uint16), imagej=True, metadata={"axes": "ZYX"})
    >>> stack = ff.open_stack("cells.tif")
    >>> ff.fuse(stack.data, method="sf", z=stack.positions()).image.shape
    (64, 64)
    """
    from napari_focusfuse import io

    file = _read(path, exclude=exclude)
    if channel is not None:
        file = io.at_channel(file, channel)
    stack = told(file.focus_stack(axis, rgb=rgb))
    return stack if slices is None else io.some_slices(stack, slices)


def open_file(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    exclude: Sequence[str] = (),
    by_name: bool = False,
) -> StackFile:
    """Open a file lazily with all its axes, such as time and channels; see `open_stack`.

    With `by_name` a sequence of files is read as if it was all of a folder: in the order of their names, which may tell
    of channels.

    Raises
    ------
    StackError
        It cannot be read; the message says why.

    Examples
    --------
    >>> import napari_focusfuse as ff, numpy as np, tifffile
    >>> tifffile.imwrite("cells.tif", np.zeros((5, 2, 64, 64), np.uint16), imagej=True, metadata={"axes": "ZCYX"})
    >>> ff.open_file("cells.tif").axes
    'ZCYX'
    """
    return told(_read(path, exclude=exclude, by_name=by_name))


def in_order(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Paths in the natural order of their names, z2 before z10."""
    from napari_focusfuse import io

    return io.in_order(Path(path) for path in paths)


def _read(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    exclude: Sequence[str] = (),
    by_name: bool = False,
) -> StackFile:
    from napari_focusfuse import io

    if isinstance(path, (str, os.PathLike)):
        return io.read_stack(path, exclude=exclude)
    return io.read_files(path, by_name=by_name)


def told(file: StackFile) -> StackFile:
    """`file`, once its notes are told."""
    for note in file.notes:
        named = [path.name for path in file.suspects if path.name in note]
        settings = {"exclude": named[0] if len(named) == 1 else ""} if named else {}
        warnings.warn(FocusFuseWarning(f"{file.path} {note}", settings=settings), stacklevel=3)
    return file


def pairs_in(path: str | os.PathLike[str]) -> list[Pair]:
    """The pairs of a folder that holds nothing else, by their names (NAME_A and NAME_B, NAME_1 and NAME_2).

    Parameters
    ----------
    path : path
        Anything; other paths than folders of pairs give an empty list.

    Returns
    -------
    list of Pair
        In natural order; each has a ``name`` and the files ``first``, ``second`` and ``truth`` (or None).

    Raises
    ------
    StackError
        The names are those of pairs, but one is not complete.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> ff.pairs_in(".")
    []
    """
    from napari_focusfuse import io

    return io.pairs_in(Path(path)) if Path(path).is_dir() else []


def open_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one image, (Y, X) or (Y, X, 3|4), at full bit depth; `StackError` if it cannot be read."""
    from napari_focusfuse import io

    return io.read_image(Path(path))


def stack_name(path: str | os.PathLike[str]) -> str:
    """Name of a stack by its path: without suffixes."""
    from napari_focusfuse import io

    return io.title(Path(path))


def is_stack_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path may be opened, by its name; a folder must hold two images. Cheap, and never raises."""
    from napari_focusfuse import io

    try:
        return io.is_stack_file(Path(path))
    except (OSError, FocusFuseError):
        return False


def is_slice_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of an image file by its name."""
    from napari_focusfuse import io

    return io.is_image_file(Path(path)) and not Path(path).is_dir()


def image_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files in a folder, in the natural order of their names; none if it cannot be read."""
    from napari_focusfuse import io

    try:
        return io.slice_files(folder)
    except FocusFuseError:
        return []


def check_image_target(path: str | os.PathLike[str], dtype: Any = None, *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `save_image` would later; see `napari_focusfuse.io.check_image_target`."""
    from napari_focusfuse import io

    io.check_image_target(path, dtype, overwrite=overwrite)


def check_result_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `save_result` would later; see `napari_focusfuse.io.check_result_folder`."""
    from napari_focusfuse import io

    io.check_result_folder(path, overwrite=overwrite)


def save_image(path: str | os.PathLike[str], image: NDArray[Any], **options: Any) -> Path:
    """Write one image by its suffix; see `napari_focusfuse.io.write_image`."""
    from napari_focusfuse import io

    return io.write_image(path, image, **options)


def save_stack(path: str | os.PathLike[str], stack: NDArray[Any], **options: Any) -> Path:
    """Write a stack as OME-TIFF; see `napari_focusfuse.io.write_stack`."""
    from napari_focusfuse import io

    return io.write_stack(path, stack, **options)


def save_table(path: str | os.PathLike[str], rows: Sequence[Sequence[Any]], *, overwrite: bool = False) -> Path:
    """Write rows as comma-separated values, complete or not at all; see `napari_focusfuse.io.write_table`."""
    from napari_focusfuse import io

    return io.write_table(path, rows, overwrite=overwrite)
