"""Stacks and results on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_focusfuse.io import StackFile


def open_stack(path: str | os.PathLike[str], *, axis: str | None = None, rgb: bool = False) -> StackFile:
    """Open a folder of slices, a TIFF, OME-TIFF or OME-Zarr lazily, as a focus stack.

    Parameters
    ----------
    path : path
        Folder or file.
    axis : str, optional
        Letter or number of the stack axis, where the file does not say it.
    rgb : bool
        Whether a channel axis of 3 or 4 is colour.

    Returns
    -------
    StackFile
        ``data`` is (Z, Y, X) or (Z, Y, X, 3|4); z-step and pixel size in um where the file states them.

    Raises
    ------
    StackError
        It cannot be read, or is no focus stack; the message says why.
    """
    from napari_focusfuse import io

    return io.read_stack(path).focus_stack(axis, rgb=rgb)


def open_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one image, (Y, X) or (Y, X, 3|4), at full bit depth; `StackError` if it cannot be read."""
    from napari_focusfuse import io

    return io.read_image(Path(path))


def stack_name(path: str | os.PathLike[str]) -> str:
    """Name of a stack by its path: without suffixes."""
    from napari_focusfuse import io

    return io.title(Path(path))


def is_stack_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with at least two images; cheap, and never raises."""
    from napari_focusfuse import io

    try:
        return Path(path).is_dir() and len(io.slice_files(path)) > 1
    except (OSError, FocusFuseError):
        return False


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
    """Write rows as comma-separated values, whole or not at all; see `napari_focusfuse.io.write_table`."""
    from napari_focusfuse import io

    return io.write_table(path, rows, overwrite=overwrite)
