"""Micro-Manager: what it states of an acquisition, and its image stack files ("MMStack").

What it states stands in a summary and beside each image, in the TIFF or in a file ``metadata.txt``. An index says where
each plane of a stack file is, in any order of acquisition.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tifffile import read_micromanager_metadata

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Channel, Facts, colour_of, mm_note, position_of, positive, spaced, tiff_facts
from napari_focusfuse.io.limits import readable
from napari_focusfuse.io.places import Places, regular, stack_of
from napari_focusfuse.io.stack_file import StackFile, gapped
from napari_focusfuse.io.tiff import from_page
from napari_focusfuse.io.tiff_pages import check_page, open_tiff, seen_kind

__all__ = ["beside", "is_mmstack", "mm_facts", "mmstack_set", "read_mmstack"]

_FILE = "metadata.txt"
#: More than that no acquisition writes.
_MOST_BYTES = 2**28
_AXES = "TPZC"
#: At byte 8 of the file.
_MARKS = (b"\x90\xc7\x43\x03", b"\x03\x43\xc7\x90")
#: What stands beside each image, in the order of the axes.
_NOTED = ("FrameIndex", "PositionIndex", "SliceIndex", "ChannelIndex")
_NAME = re.compile(r"(?P<set>.+_MMStack)(?:_.+)?\.ome\.tiff?", re.IGNORECASE)
_Key = tuple[int, ...]


def mm_facts(
    summary: Mapping[str, Any],
    slices: Sequence[Mapping[str, Any]],
    channels: Sequence[Any] = (),
    numbers: Sequence[int] = (),
) -> Facts:
    """Sizes, positions and channels.

    Parameters
    ----------
    summary : mapping
        Of the acquisition.
    slices : sequence of mappings
        What stands beside one image of each slice.
    channels : sequence
        Names of the channels, or their numbers in the summary.
    numbers : sequence of int
        Of the slices, where some may be missing.
    """
    first = slices[0] if slices else {}
    pixel = positive(first.get("PixelSizeUm")) or positive(summary.get("PixelSize_um"))
    notes: list[str] = []
    step, heights = positive(summary.get("z-step_um")), [position_of(note) for note in slices]
    stated = [(height, "um") for height in heights if height is not None]
    if len(stated) == len(slices):
        z_step, z = spaced(step, stated, notes)
    else:
        z_step, z, _ = gapped(None, step, numbers or range(len(slices)))
    names, colours = _listed(summary.get("ChNames")), _listed(summary.get("ChColors"))
    places = [k if isinstance(k, int) else names.index(k) if k in names else -1 for k in channels]
    known = tuple(
        Channel(
            str(names[k]) if 0 <= k < len(names) else channel if isinstance(channel, str) else None,
            _colour(colours[k]) if 0 <= k < len(colours) else None,
        )
        for k, channel in zip(places, channels, strict=True)
    )
    return Facts(z_step, None if pixel is None else (pixel, pixel), z, known, tuple(notes))


def beside(files: Sequence[Path], channels: Sequence[Any] = ()) -> Facts:
    """What a ``metadata.txt`` states of the images in its folder; nothing where there is none that can be read.

    Parameters
    ----------
    files : sequence of Path
        One image of each slice.
    channels : sequence
        As for `mm_facts`.
    """
    file = files[0].with_name(_FILE)
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:  # a pipe is no file
            return Facts()
        stated = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        notes = {str(note.get("FileName") or key).rsplit("/", 1)[-1]: note for key, note in stated.items()}
        # Of version 2 an image has an entry for its coordinates and one for the rest.
        notes |= {str(key).rsplit("/", 1)[-1]: note for key, note in stated.items() if position_of(note) is not None}
        slices = [notes.get(path.name, {}) for path in files]
        return mm_facts(stated.get("Summary", {}), slices, channels)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return Facts()


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _colour(value: Any) -> str | None:
    if not isinstance(value, int):
        return None
    rgb = value & 0xFFFFFF
    return colour_of(rgb >> 16, rgb >> 8 & 255, rgb & 255)


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
    with readable(path):
        found: dict[_Key, _Page] = {}
        for file in files:
            found |= _pages(file)
        places = regular(found, _AXES, {}, path)
        facts = _facts(files[0], places)
    first = places.there[0]
    if any((page.shape, page.dtype) != (first.shape, first.dtype) for page in places.there):
        raise StackError(f"{path} holds images of several sizes or types: save those to be fused as OME-TIFF")
    pages, kind = [(page.file, page.number) for page in places.there], (first.shape, first.dtype)
    used = [page.file for page in places.there]
    return stack_of(places, partial(from_page, pages, kind), kind, facts, used, path)


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
        notes = [mm_note(page) for page in pages]
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
        notes=(*places.notes, *facts.notes),
        z_step=facts.z_step or ome.z_step,
        pixel_size=facts.pixel_size or ome.pixel_size,
        channels=ome.channels if fits and not named else facts.channels,
    )
