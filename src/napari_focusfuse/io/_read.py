"""What to do with a path: a folder of slices, a TIFF, an OME-Zarr, or a format of a microscope's maker."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._image import TIFF, is_image_file, read_header
from napari_focusfuse.io._pairs import pairs_in
from napari_focusfuse.io._slices import opened, read_slices, slice_files
from napari_focusfuse.io._stack import StackFile, title, unreadable
from napari_focusfuse.io._tiff import read_tiff
from napari_focusfuse.io._tiff_file import open_tiff
from napari_focusfuse.io._vendor import VENDOR, read_vendor
from napari_focusfuse.io._zarr import is_zarr, read_zarr

__all__ = ["is_stack_file", "read_files", "read_stack"]


def read_stack(path: str | os.PathLike[str]) -> StackFile:
    """Open a focus stack; its values are read when they are needed.

    Parameters
    ----------
    path : str or path
        A folder with one image file for each slice, in the natural order of their names (z2 before z10); a multi-page
        TIFF, ImageJ TIFF or OME-TIFF; an OME-Zarr folder (needs the extra ``zarr``); or a format of a microscope's
        maker (needs the extra ``bioio``).

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
    if path.suffix.lower() in VENDOR:
        return read_vendor(path)
    if is_image_file(path):
        header = read_header(path)
        return opened((path,), header, header.facts, title(path), path)
    raise StackError(
        f"{path} is not a format that is read here: "
        "give a folder of images, a TIFF, or an OME-Zarr (other microscope formats: save them as OME-TIFF)"
    )


def read_files(paths: Sequence[str | os.PathLike[str]]) -> StackFile:
    """Open image files as the slices of one stack, in the order given; named after their folder.

    Raises
    ------
    StackError
        There are fewer than two, or they do not fit together.
    """
    files = [Path(path) for path in paths]
    if len(files) < 2:
        raise StackError(f"a focus stack needs at least two slices, {len(files)} is given: give two or more images")
    folder = Path(os.path.abspath(files[0])).parent  # noqa: PTH100 - "z.png" has a folder, a link keeps its own
    return read_slices(files, title(folder), folder)


def is_stack_file(path: Path) -> bool:
    """Whether `read_stack` may know what to do with a path, by its name; a folder must hold two images, or one TIFF."""
    if path.is_dir():
        files = slice_files(path)
        return is_zarr(path) or len(files) > 1 or any(file.suffix.lower() in TIFF for file in files)
    return is_image_file(path) or path.suffix.lower() in VENDOR


def _read_folder(folder: Path) -> StackFile:
    files = slice_files(folder)
    if not files:
        if any(file.is_dir() for file in folder.iterdir()):
            raise StackError(f"{folder} holds folders and no images: give the folder that holds the slices")
        raise StackError(f"{folder} holds no images: give the folder that holds the slices")
    if pairs := pairs_in(folder):
        raise StackError(
            f"{folder} holds {len(pairs)} pairs ({pairs[0].first.name} and {pairs[0].second.name}...), not one stack: "
            "give the images of one pair"
        )
    if len(files) == 1:
        return read_stack(files[0])
    return _linked(files, folder) or read_slices(files, title(folder), folder)


def _linked(files: Sequence[Path], folder: Path) -> StackFile | None:
    """The stack that OME-XML makes of files that name each other, if it is all of the folder; otherwise None."""
    if not files[0].name.lower().endswith((".ome.tif", ".ome.tiff")) or len(files) == 1:
        return None
    with suppress(Exception):  # what is wrong with it is told where it is read as a slice
        with open_tiff(files[0]) as tif:
            several = any(series.is_multifile for series in tif.series)
        file = read_tiff(files[0]) if several else None
        if file is not None and set(file.inputs) == set(files):
            return replace(file, name=title(folder), path=folder)
    return None
