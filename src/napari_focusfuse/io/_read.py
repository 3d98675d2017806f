"""What to do with a path: a folder of slices, a TIFF or an OME-Zarr."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._image import TIFF, Header, is_image_file, read_header, read_image, read_sizes
from napari_focusfuse.io._stack import StackFile, lazy_planes, title, unreadable
from napari_focusfuse.io._tiff import read_tiff
from napari_focusfuse.io._zarr import is_zarr, read_zarr

__all__ = ["read_slices", "read_stack", "slice_files"]


def read_stack(path: str | os.PathLike[str]) -> StackFile:
    """Open a focus stack; its values are read when they are needed.

    Parameters
    ----------
    path : str or path
        A folder with one image file for each slice, in the natural order of their names (z2 before z10); a multi-page
        TIFF, ImageJ TIFF or OME-TIFF; or an OME-Zarr folder (needs the extra ``zarr``).

    Returns
    -------
    StackFile

    Raises
    ------
    StackError
        There is nothing there, it is damaged, or it is not a stack. Sizes are checked now; what cannot be decoded may
        only be noticed when the values are read, with the same error.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return read_zarr(path) if is_zarr(path) else _read_folder(path)
        if not path.is_file():
            raise StackError(f"there is no file or folder {path}: check the name")
    except OSError as error:
        raise unreadable(path, error) from error
    if path.suffix.lower() in TIFF:
        return read_tiff(path)
    if is_image_file(path):
        header = read_header(path)
        return _opened((path,), header, title(path), path)
    raise StackError(
        f"{path} is not a format that is read here: "
        "give a folder of images, a TIFF, or an OME-Zarr (other microscope formats: save them as OME-TIFF)"
    )


def slice_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Image files in a folder in the natural order of their names, z2 before z10; not hidden ones.

    Raises
    ------
    StackError
        There is no such folder.
    """
    try:
        files = [file for file in Path(folder).iterdir() if is_image_file(file) and not file.is_dir()]
    except OSError as error:
        raise unreadable(Path(folder), error) from error
    return sorted(files, key=_natural)


def read_slices(files: Sequence[Path], name: str, path: Path) -> StackFile:
    """Open image files as the slices of one stack, in the order given.

    Parameters
    ----------
    files : sequence of Path
        One image each, of one size and type.
    name, path : str, Path
        What to call the stack, and where it is.

    Raises
    ------
    StackError
        A file is damaged, no image, or differs from the first; the message names it.
    """
    first = read_header(files[0])
    for file in files:
        header = read_header(file) if file != files[0] else first
        if header.pages > 1:
            raise StackError(
                f"{file} holds {header.pages} images, and a slice is one: give that file itself if it is a stack"
            )
        if header.shape[:2] != first.shape[:2]:
            raise StackError(
                f"{file} is {_px(header.shape)}, {files[0].name} is {_px(first.shape)}: "
                "all slices must be of one size, crop it or take it out of the folder"
            )
        if (header.shape, header.dtype) != (first.shape, first.dtype):
            raise StackError(
                f"{file} is {_kind(header.shape, header.dtype)}, {files[0].name} is {_kind(first.shape, first.dtype)}: "
                "all slices must be of one kind, convert it or take it out of the folder"
            )
    return _opened(tuple(files), first, name, path)


def _read_folder(folder: Path) -> StackFile:
    files = slice_files(folder)
    if not files:
        if any(file.is_dir() for file in folder.iterdir()):
            raise StackError(f"{folder} holds folders and no images: give the folder that holds the slices")
        raise StackError(f"{folder} holds no images: give the folder that holds the slices")
    return read_slices(files, title(folder), folder)


def _opened(files: tuple[Path, ...], header: Header, name: str, path: Path) -> StackFile:
    """The files as slices; `path` itself is one image, not a stack."""
    leading = () if files == (path,) else (len(files),)
    data = lazy_planes(partial(_file, files), leading, header.shape, header.dtype)
    axes = "Z" * len(leading) + "YXS"[: len(header.shape)]
    return StackFile(data, axes, *read_sizes(files[0]), name, path, files)


def _file(files: tuple[Path, ...], where: tuple[int, ...]) -> tuple[Path, NDArray[Any]]:
    path = files[where[0] if where else 0]
    return path, read_image(path)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key: runs of digits by their value, the rest without regard to case."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)], path.name


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} px (height x width)"


def _kind(shape: tuple[int, ...], dtype: Any) -> str:
    colours = {(): "grey", (3,): "RGB", (4,): "RGBA"}
    return f"{dtype} {colours[shape[2:]]}"
