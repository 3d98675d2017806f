"""Opening a stack: which format a path holds; formats of microscope makers by way of bioio, where it is installed."""

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Channel, positive
from napari_focusfuse.io.folder import opened, pairs_of, read_series, slice_files
from napari_focusfuse.io.image import TIFF, has_pages, is_image_file, read_header
from napari_focusfuse.io.limits import unreadable
from napari_focusfuse.io.micromanager import is_mmstack, mmstack_set, read_mmstack
from napari_focusfuse.io.ndtiff import ndtiff_index, read_ndtiff
from napari_focusfuse.io.ome_zarr import is_zarr, read_zarr
from napari_focusfuse.io.series import arranged, in_given_order
from napari_focusfuse.io.stack_file import StackFile, title
from napari_focusfuse.io.tiff import read_ome_set, read_tiff

__all__ = ["VENDOR", "are_stacks", "is_stack_file", "read_files", "read_stack", "read_vendor"]

_RAW = "3fr arw cr2 cr3 crw dng iiq kdc mrw nef nrw orf pef raf raw rw2 sr2 srf srw x3f"
#: Formats of cameras and telephones that people have, and what they are.
_FOREIGN = {f".{suffix}": "camera raw" for suffix in _RAW.split()} | dict.fromkeys((".heic", ".heif", ".hif"), "HEIC")
_FOREIGN |= {".avif": "AVIF", ".jxl": "JPEG XL", ".gif": "GIF"}
#: Suffix and the package that reads it; the extra bioio brings those whose licences fit.
VENDOR = {
    ".czi": "bioio-czi",
    ".dv": "bioio-dv",
    ".lif": "bioio-lif",
    ".nd2": "bioio-nd2",
    ".oib": "bioio-bioformats",
    ".oif": "bioio-bioformats",
    ".oir": "bioio-bioformats",
    ".sldy": "bioio-sldy",
    ".vsi": "bioio-bioformats",
}


def read_stack(path: str | os.PathLike[str], *, exclude: Sequence[str] = ()) -> StackFile:
    """Open a focus stack; its values are read when they are needed.

    Parameters
    ----------
    path : str or path
        A folder with one image file for each slice, in the order of the numbers in their names (z2 before z10), or for
        each slice of each channel, time point and position; a multi-page TIFF, ImageJ TIFF or OME-TIFF; an OME-Zarr
        folder (needs the extra ``zarr``); or a format of a microscope's maker (needs the extra ``bioio``).
    exclude : sequence of str
        Names of files in the folder that are no slices; ``*`` and ``?`` as in a shell.

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
        if index := ndtiff_index(path):
            return read_ndtiff(index, path)
        if path.is_dir():
            return read_zarr(path) if is_zarr(path) else _read_folder(path, exclude)
        if not path.is_file():
            raise StackError(f"there is no file or folder {path}: check the name")
    except OSError as error:
        raise unreadable(path, error) from error
    if path.suffix.lower() in TIFF:
        return read_mmstack([path], path) if is_mmstack(path) else read_tiff(path)
    if path.suffix.lower() in VENDOR:
        return read_vendor(path)
    if is_image_file(path):
        header = read_header(path)
        return opened((path,), header, header.facts, title(path), path)
    raise StackError(_no_format(path))


def _no_format(path: Path) -> str:
    """Why a file is not read, and what to do."""
    kind = _FOREIGN.get(path.suffix.lower())
    if kind == "camera raw":
        return (
            f"{path} is a camera raw file, which is not supported: "
            "develop all slices with the same settings, to 16-bit TIFF"
        )
    if kind is not None:
        return f"{path} is {kind}, which is not supported: convert the slices to TIFF, PNG or JPEG"
    return (
        f"{path} is not a format that is read here: "
        "give a folder of images, a TIFF, or an OME-Zarr (other microscope formats: save them as OME-TIFF)"
    )


def read_files(paths: Sequence[str | os.PathLike[str]], *, by_name: bool = False) -> StackFile:
    """Open image files as the slices of one stack, in the order given; named after their folder.

    Parameters
    ----------
    paths : sequence of paths
    by_name : bool
        As the files of a folder: in the order of their names, which may also tell of channels and time points.

    Raises
    ------
    StackError
        There are fewer than two, or they do not fit together.
    """
    files = [Path(path) for path in paths]
    if len(files) < 2:
        raise StackError(f"a focus stack needs at least two slices, not {len(files)}: give two or more images")
    folder = Path(os.path.abspath(files[0])).parent  # noqa: PTH100 - "z.png" has a folder, a link keeps its own
    return read_series(arranged(files) if by_name else in_given_order(files), title(folder), folder)


def is_stack_file(path: Path) -> bool:
    """Whether `read_stack` may know what to do with a path, by its name; a folder must hold two images, or one TIFF."""
    if path.is_dir():
        files = slice_files(path)
        return (
            is_zarr(path)
            or ndtiff_index(path) is not None
            or len(files) > 1
            or any(file.suffix.lower() in TIFF for file in files)
        )
    return is_image_file(path) or path.suffix.lower() in VENDOR


def are_stacks(files: Sequence[Path], folder: Path) -> bool:
    """Whether each of the image files of a folder is a stack by itself: no slices, nor parts of one acquisition."""
    if not has_pages(files) or mmstack_set(files) or ndtiff_index(folder):
        return False
    return len(files) == 1 or _linked(files, folder) is None


def _read_folder(folder: Path, exclude: Sequence[str]) -> StackFile:
    files = _without(slice_files(folder), exclude, folder)
    if not files:
        if foreign := next((file for file in sorted(folder.iterdir()) if file.suffix.lower() in _FOREIGN), None):
            raise StackError(_no_format(foreign))
        if any(file.is_dir() for file in folder.iterdir()):
            raise StackError(f"{folder} holds folders and no images: give the folder that holds the slices")
        raise StackError(f"{folder} holds no images: give the folder that holds the slices")
    if pairs := pairs_of(files, folder):
        raise StackError(
            f"{folder} holds {len(pairs)} pairs ({pairs[0].first.name} and {pairs[0].second.name}...), not one stack: "
            "give the images of one pair"
        )
    if len(files) == 1:
        return read_stack(files[0])
    if mmstack_set(files):
        return read_mmstack(files, folder)
    return _linked(files, folder) or read_series(arranged(files), title(folder), folder)


def _without(files: list[Path], exclude: Sequence[str], folder: Path) -> list[Path]:
    """Files but those of some names."""
    for name in exclude:
        left = [file for file in files if not fnmatch(file.name, name)]
        if len(left) == len(files):
            raise StackError(f"{folder} contains no image {name!r} to exclude: check the name")
        files = left
    return files


def _linked(files: Sequence[Path], folder: Path) -> StackFile | None:
    """The stack that OME-XML makes of files that name each other, if it is all of the folder; otherwise None."""
    if not files[0].name.lower().endswith((".ome.tif", ".ome.tiff")):
        return None
    try:
        return read_ome_set(files, folder)
    except (OSError, ValueError):
        return None


def read_vendor(path: Path) -> StackFile:
    """Open one image lazily; axes and sizes are those of bioio.

    Raises
    ------
    StackError
        bioio or its plugin for the format is not installed, the file is damaged, or it holds several images.
    """
    try:
        from bioio import BioImage
    except ImportError as error:
        raise StackError(f"{path} needs bioio: {_advice(path)}, or save it as OME-TIFF") from error
    try:
        image = BioImage(path)
        scenes = list(image.scenes)
        data, axes, sizes = image.dask_data, str(image.dims.order), image.physical_pixel_sizes
        names = [str(name) for name in image.channel_names or ()]
    except Exception as error:
        if type(error).__name__ == "UnsupportedFileFormatError":
            raise StackError(f"{path} needs a plugin of bioio: {_advice(path)}, or save it as OME-TIFF") from error
        raise unreadable(path, error) from error
    if len(scenes) > 1:
        named = ", ".join(scenes[:4])
        raise StackError(f"{path} holds {len(scenes)} images ({named}...): save the one to be fused as OME-TIFF")
    y, x = positive(sizes.Y), positive(sizes.X)
    return StackFile(
        data.rechunk({i: -1 for i, a in enumerate(axes) if a in "YXS"} | _one_by_one(axes)),
        axes,
        positive(sizes.Z),
        None if y is None or x is None else (y, x),
        title(path),
        path,
        (path,),
        channels=tuple(Channel(name) for name in names),
    )


def _one_by_one(axes: str) -> dict[int, Any]:
    return {i: 1 for i, a in enumerate(axes) if a not in "YXS"}


def _advice(path: Path) -> str:
    plugin = VENDOR[path.suffix.lower()]
    extra = 'pip install "napari-focusfuse[bioio]"'
    return extra if plugin in ("bioio-lif", "bioio-nd2") else f"{extra} {plugin}"
