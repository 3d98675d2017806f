"""Micro-Manager's image stack files ("MMStack"): an index says where each plane is, in any order of acquisition."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tifffile import TiffPage, read_micromanager_metadata

from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._facts import Facts, tiff_facts
from napari_focusfuse.io._micromanager import mm_facts
from napari_focusfuse.io._page import check_page, seen_kind
from napari_focusfuse.io._places import Places, regular
from napari_focusfuse.io._stack import StackFile, lazy_planes, title, unreadable
from napari_focusfuse.io._tiff import from_page
from napari_focusfuse.io._tiff_file import open_tiff

__all__ = ["is_mmstack", "mmstack_set", "read_mmstack"]

_AXES = "TPZC"
_TAG = 51123
#: At byte 8 of the file.
_MARKS = (b"\x90\xc7\x43\x03", b"\x03\x43\xc7\x90")
#: What stands beside each image, in the order of the axes.
_NOTED = ("FrameIndex", "PositionIndex", "SliceIndex", "ChannelIndex")
_NAME = re.compile(r"(?P<set>.+_MMStack)(?:_.+)?\.ome\.tiff?", re.IGNORECASE)

_Key = tuple[int, ...]


class _Page(NamedTuple):
    """A page, and what stands beside the image."""

    file: Path
    number: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    note: Mapping[str, Any]


def is_mmstack(path: Path) -> bool:
    """Whether a TIFF is such a file."""
    check_regular(path)
    with path.open("rb") as file:
        start = file.read(12)
    return start[8:] in _MARKS


def mmstack_set(files: Sequence[Path]) -> bool:
    """Whether files are those of one acquisition, a position or 4 GB in each."""
    names = [_NAME.fullmatch(file.name) for file in files]
    sets = {match["set"] if match else None for match in names}
    return len(sets) == 1 and None not in sets and all(map(is_mmstack, files))


def read_mmstack(files: Sequence[Path], path: Path) -> StackFile:
    """Open an acquisition lazily.

    Parameters
    ----------
    files : sequence of Path
        Its files; with one alone those that continue it are found beside it.
    path : Path
        What was opened.

    Raises
    ------
    StackError
        A file is damaged, or the images are of several sizes or types.
    """
    files = _continued(files[0]) if len(files) == 1 else list(files)
    try:
        found: dict[_Key, _Page] = {}
        for file in files:
            found |= _pages(file)
        places = regular(found, _AXES, {}, path)
        facts = _facts(files[0], places)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    first = places.there[0]
    if any((page.shape, page.dtype) != (first.shape, first.dtype) for page in places.there):
        raise StackError(f"{path} holds images of several sizes or types: save those to be fused as OME-TIFF")
    pages = [(page.file, page.number) for page in places.there]
    return StackFile(
        lazy_planes(
            partial(from_page, pages, places.lengths, (first.shape, first.dtype)),
            places.lengths,
            first.shape,
            first.dtype,
        ),
        places.axes + "YXS"[: len(first.shape)],
        facts.z_step,
        facts.pixel_size,
        title(path),
        path,
        tuple(dict.fromkeys(page.file for page in places.there)),
        z=facts.z,
        channels=facts.channels,
        notes=(*places.notes, *facts.notes),
    )


def _continued(file: Path) -> list[Path]:
    """A file and those that go on where it ends at 4 GB: a_MMStack_Pos0.ome.tif, a_MMStack_Pos0_1.ome.tif..."""
    stem, *suffix = file.name.partition(".ome.")
    parts = [file]
    while (more := file.with_name(f"{stem}_{len(parts)}{''.join(suffix)}")).is_file() and is_mmstack(more):
        parts.append(more)
    return parts


def _pages(file: Path) -> dict[_Key, _Page]:
    """The pages of a file by their place on the axes: by its index, or by what stands beside each image."""
    with open_tiff(file) as tif:
        pages = [page.aspage() for page in tif.pages]
        for page in pages:
            check_page(page, file)
        notes = [_note(page) for page in pages]
        index = read_micromanager_metadata(tif.filehandle, {"IndexMap"}).get("IndexMap")
    keys = [tuple(int(note.get(name, 0)) for name in _NOTED) for note in notes]
    if index is not None:
        stated = {int(offset): (int(t), int(p), int(z), int(c)) for c, z, t, p, offset in index}
        if all(page.offset in stated for page in pages):
            keys = [stated[page.offset] for page in pages]
    if len(set(keys)) < len(pages):
        raise StackError(f"{file} does not say which image is which slice: save the stack as OME-TIFF")
    made = [
        _Page(file, number, *seen_kind(page), note)
        for number, (page, note) in enumerate(zip(pages, notes, strict=True))
    ]
    return dict(zip(keys, made, strict=True))


def _note(page: TiffPage) -> Mapping[str, Any]:
    note = page.tags[_TAG].value if _TAG in page.tags else None
    return note if isinstance(note, dict) else {}


def _facts(file: Path, places: Places[_Page]) -> Facts:
    """What the summary and the notes state, or the OME-XML where these do not."""
    with open_tiff(file) as tif:
        summary = read_micromanager_metadata(tif.filehandle, {"Summary"}).get("Summary", {})
        ome = tiff_facts(tif)
    slices = [page.note for page in places.each("Z")]
    facts = mm_facts(summary, slices or [places.there[0].note], places.along("C"), places.along("Z"))
    if not slices:
        facts = facts._replace(z_step=None, z=None)
    named = all(channel.name for channel in facts.channels)
    fits = len(ome.channels) == len(facts.channels)
    return facts._replace(
        z_step=facts.z_step or ome.z_step,
        pixel_size=facts.pixel_size or ome.pixel_size,
        channels=ome.channels if fits and not named else facts.channels,
    )
