"""An NDTiff data set of Micro-Manager or Pycro-Manager (version 2 or 3): its index says where each plane is."""

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tifffile import FileHandle, read_micromanager_metadata, read_ndtiff_index

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.limits import check_room, readable
from napari_focusfuse.io.micromanager import mm_facts
from napari_focusfuse.io.places import regular, stack_of
from napari_focusfuse.io.stack_file import StackFile

__all__ = ["ndtiff_index", "read_ndtiff"]

_INDEX, _FINEST = "NDTiff.index", "Full resolution"
_LETTERS = {"time": "T", "position": "P", "z": "Z", "channel": "C"}
_ORDER = "TPZC"
#: More bytes of notes no image has.
_MOST_NOTES = 2**24
#: Shape behind (Y, X) and type of each kind of pixel.
_KINDS: dict[int, tuple[tuple[int, ...], str]] = dict.fromkeys((1, 3, 4, 5, 6), ((), "<u2"))
_KINDS |= {0: ((), "u1"), 2: ((3,), "u1")}


class _Plane(NamedTuple):
    """Where a plane is, and what stands beside it: offset and length."""

    file: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    note: tuple[int, int]


def ndtiff_index(path: Path) -> Path | None:
    """The index of the data set that a folder or a TIFF in it is; None if it is none."""
    folders = (path, path / _FINEST) if path.is_dir() else (path.parent,) if "NDTiffStack" in path.name else ()
    return next((folder / _INDEX for folder in folders if (folder / _INDEX).is_file()), None)


def read_ndtiff(index: Path, path: Path) -> StackFile:
    """Open a data set lazily.

    Parameters
    ----------
    index : Path
        As `ndtiff_index` finds it.
    path : Path
        What was opened.

    Raises
    ------
    StackError
        The index or a file that it names is damaged or missing, or its images are of several sizes.
    """
    with readable(path):
        found, axes = _planes(index)
        places = regular(found, axes, {}, path)
        first = places.there[0]
        check_room(first.file, first.shape, first.dtype)
        for plane in places.there:
            _check(plane, first)
        facts = mm_facts(
            _summary(first.file), [_note(plane) for plane in places.each("Z")], places.along("C"), places.along("Z")
        )
    facts, used = facts._replace(notes=(*places.notes, *facts.notes)), [plane.file for plane in places.there]
    return stack_of(places, partial(_load, places.there), (first.shape, first.dtype), facts, used, path)


def _planes(index: Path) -> tuple[dict[tuple[Any, ...], _Plane], str]:
    """Where each plane is by its place on some axes, and these."""
    found: list[tuple[dict[str, Any], _Plane]] = []
    for axes, name, offset, width, height, kind, compression, note, length, packed in read_ndtiff_index(index):
        if compression or packed or kind not in _KINDS or min(width, height) < 1:
            raise StackError(f"{index} names images of a kind that is not supported: save the data as OME-TIFF")
        if Path(name).name != name:
            raise StackError(f"{index} names a file in another folder ({name!r}): save the data as OME-TIFF")
        samples, dtype = _KINDS[kind]
        plane = _Plane(index.parent / name, offset, (height, width, *samples), np.dtype(dtype), (note, length))
        found.append((dict(axes), plane))
    if not found:
        raise StackError(f"{index} names no image: use an intact copy")
    names = {name for axes, _ in found for name in axes}
    letters = _letters(names)
    ordered = sorted(names, key=lambda name: (_ORDER + letters[name]).index(letters[name]))
    return {tuple(axes.get(name, 0) for name in ordered): plane for axes, plane in found}, "".join(
        letters[name] for name in ordered
    )


def _letters(names: set[str]) -> dict[str, str]:
    """A letter for each axis; those of one's own get one that nothing else has."""
    free = iter("QIREHLAVM")
    return {name: _LETTERS.get(name.lower()) or next(free) for name in sorted(names)}


def _check(plane: _Plane, first: _Plane) -> None:
    if (plane.shape, plane.dtype) != (first.shape, first.dtype):
        raise StackError(f"{plane.file} holds images of several sizes or types: save those to be fused as OME-TIFF")
    if not plane.file.is_file():  # a pipe is none either
        raise StackError(f"{plane.file} is missing, but named in the index of the data: restore it")
    if plane.offset + math.prod(plane.shape) * plane.dtype.itemsize > plane.file.stat().st_size:
        raise EOFError(f"{plane.file.name} ends too early")


def _summary(file: Path) -> dict[str, Any]:
    """What is said of the whole acquisition."""
    with FileHandle(file) as handle:
        summary: dict[str, Any] = read_micromanager_metadata(handle, {"Summary"}).get("Summary", {})
    return summary


def _note(plane: _Plane) -> dict[str, Any]:
    """What stands beside an image; nothing where that cannot be read."""
    offset, length = plane.note
    if not 0 < length < _MOST_NOTES:
        return {}
    with plane.file.open("rb") as file:
        file.seek(offset)
        try:
            note = json.loads(file.read(length).rstrip(b"\0"))
        except (ValueError, RecursionError):
            return {}
    return note if isinstance(note, dict) else {}


def _load(planes: Sequence[_Plane], number: int) -> tuple[Path, NDArray[Any]]:
    plane = planes[number]
    with readable(plane.file):
        values = np.fromfile(plane.file, plane.dtype, math.prod(plane.shape), offset=plane.offset)
        return plane.file, values.reshape(plane.shape)
