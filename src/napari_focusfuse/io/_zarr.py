"""An OME-Zarr image (versions 0.1 to 0.5) as a stack: its full resolution, chunk by chunk."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files.regular import read_json
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._facts import Channel
from napari_focusfuse.io._limits import check_count, check_room
from napari_focusfuse.io._stack import StackFile, lazy_planes, title, unreadable
from napari_focusfuse.io._zarr_space import letters_of, space_of

__all__ = ["is_zarr", "read_zarr"]

#: Versions 0.1 and 0.2 have these axes and do not say so.
_OLD_AXES = "tczyx"
_COLOUR = re.compile("[0-9A-Fa-f]{6}")
_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr group or array, or is named like one."""
    return path.suffix.lower() == ".zarr" or any((path / name).is_file() for name in _MARKS)


def read_zarr(path: Path) -> StackFile:
    """Open an OME-Zarr image lazily; axes and physical sizes are those of its metadata.

    Raises
    ------
    StackError
        The package zarr is not installed, or the folder is no OME-Zarr image.
    """
    try:
        import zarr  # noqa: F401 - tried alone, so that only its absence is told of
    except ImportError as error:
        raise StackError(
            f'{path} is OME-Zarr, which needs the package zarr: pip install "napari-focusfuse[zarr]"'
        ) from error
    from napari_focusfuse.io import _zarr_store

    if is_array(path):
        raise StackError(_no_image(path))
    try:
        group: Any = _zarr_store.open_group(path)
        ome: dict[str, Any] = dict(group.attrs).get("ome", dict(group.attrs))
        if _holds_one(ome, group):
            return replace(read_zarr(path / "0"), name=title(path), path=path, inputs=(path,))
        image = _image(ome, group, path)
        axes = [a if isinstance(a, dict) else {"name": a} for a in image.get("axes", _OLD_AXES)]
        letters = letters_of(axes)
        space = space_of(image, letters, [axis.get("unit") for axis in axes])
        levels = [_zarr_store.array_of(group, str(level["path"]), path) for level in image["datasets"]]
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    if len(letters) != levels[0].ndim or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise StackError(f"{path} has unsupported axes ({letters}): name them t, c, z, y, x, each once")
    data, *coarser = [_lazy(path, level, letters) for level in levels if level.ndim == len(letters)]
    order = "".join(a for a in letters if a not in "YX") + "YX"
    y, x = space.um.get("Y"), space.um.get("X")
    return StackFile(
        data,
        order,
        space.um.get("Z"),
        None if y is None or x is None else (y, x),
        title(path),
        path,
        (path,),
        channels=tuple(_channels(ome)),
        notes=space.notes,
        coarser=tuple(coarser),
        origin=space.origin,
        ratio=space.ratio,
    )


def _lazy(path: Path, array: Any, letters: str) -> Any:
    """Planes (Y, X) of an array whose axes may be in any order."""
    plane = (letters.index("Y"), letters.index("X"))
    leading = [i for i in range(len(letters)) if i not in plane]

    def load(where: tuple[int, ...]) -> tuple[Path, NDArray[Any]]:
        index = dict(zip(leading, where, strict=True))
        try:
            image = np.asarray(array[tuple(index.get(i, slice(None)) for i in range(len(letters)))])
        except Exception as error:
            raise unreadable(path, error) from error
        return path, image if plane[0] < plane[1] else image.T

    shape = array.shape
    check_room(path, (shape[i] for i in plane), array.dtype)
    check_count(path, math.prod(shape[i] for i in leading))
    return lazy_planes(load, tuple(shape[i] for i in leading), tuple(shape[i] for i in plane), array.dtype)


def _holds_one(ome: dict[str, Any], group: Any) -> bool:
    """Whether it is a collection, as a converter writes it, of one image."""
    return "bioformats2raw.layout" in ome and "0" in group and "1" not in group


def is_array(path: Path) -> bool:
    """Whether a folder is an array by itself, without the description of an image."""
    try:
        described = read_json(path / "zarr.json") if (path / "zarr.json").is_file() else {}
    except (OSError, ValueError):
        return False
    return (path / ".zarray").is_file() or (isinstance(described, dict) and described.get("node_type") == "array")


def _no_image(path: Path) -> str:
    """Why an array is not read, and what to do."""
    if is_zarr(path.absolute().parent):
        return f"{path} is one resolution of an OME-Zarr image: give the folder above"
    return f"{path} is a Zarr array that does not name its axes: save it as OME-Zarr or OME-TIFF"


def _first(ome: dict[str, Any], group: Any) -> str:
    """Where in a collection an image is."""
    try:
        if "plate" in ome:
            well = str(ome["plate"]["wells"][0]["path"])
            attributes = dict(group[well].attrs)
            return f"{well}/{_first(attributes.get('ome', attributes), group[well])}"
        if "well" in ome:
            return str(ome["well"]["images"][0]["path"])
    except (KeyError, IndexError, TypeError):
        return "A/1/0" if "plate" in ome else "0"
    return "0"


def _image(ome: dict[str, Any], group: Any, path: Path) -> dict[str, Any]:
    """Metadata of the image, refusing what holds several."""
    images: list[dict[str, Any]] = ome.get("multiscales", [])
    if len(images) == 1:
        return images[0]
    if "plate" in ome or "well" in ome or "bioformats2raw.layout" in ome:
        raise StackError(f"{path} is a collection of images: give one of them, such as {path / _first(ome, group)}")
    raise StackError(f"{path} is not one OME-Zarr image (it describes {len(images)}): save it as OME-Zarr or OME-TIFF")


def _channels(ome: dict[str, Any]) -> Iterator[Channel]:
    for channel in ome.get("omero", {}).get("channels", []):
        name, colour = channel.get("label"), str(channel.get("color", ""))
        yield Channel(str(name) if name else None, f"#{colour.lower()}" if _COLOUR.fullmatch(colour) else None)
