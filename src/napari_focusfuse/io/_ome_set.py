"""OME-TIFF sets of several files, of which some may be missing; their OME-XML may be in a companion file."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import xml2dict

from napari_focusfuse.io._facts import listed, ome_facts
from napari_focusfuse.io._image import read_header
from napari_focusfuse.io._limits import check_count
from napari_focusfuse.io._places import regular
from napari_focusfuse.io._stack import StackFile, gapped, lazy_planes, title
from napari_focusfuse.io._tiff import from_page
from napari_focusfuse.io._tiff_file import open_tiff

__all__ = ["read_ome_set"]

_AXES = "TCZ"
#: More bytes of XML no set needs.
_MOST_BYTES = 2**28

_Key = tuple[int, ...]


def read_ome_set(files: Sequence[Path], folder: Path) -> StackFile | None:
    """The stack that the files of a folder are by the OME-XML of the first; None if it does not name them all.

    Slices and time points of which a file is missing are left out, with a note; their gap is kept in z.

    Raises
    ------
    StackError
        So much is missing that nothing is complete, or a file is damaged.
    """
    pixels = _pixels(files[0])
    if pixels is None:
        return None
    check_count(folder, math.prod(_size(pixels, axis) for axis in _AXES))
    stated = dict(_stated(pixels, folder))
    found = {key: place for key, place in stated.items() if place[0] in files}
    if len(files) < 2 or {file for file, _ in found.values()} != set(files):
        return None
    places = regular(found, _AXES, {axis: range(_size(pixels, axis)) for axis in _AXES}, folder)
    header, facts, slices = read_header(places.there[0][0]), ome_facts(pixels), places.along("Z")
    stated_z = None if facts.z is None or not slices else [facts.z[k] for k in slices]
    z_step, z, slots = gapped(stated_z, facts.z_step, slices or (0,))
    gone = sorted({file.name for file, _ in stated.values()} - {file.name for file in files})
    notes = [f"lacks {', '.join(gone[:3])}{'...' if len(gone) > 3 else ''}, which its OME-XML names"] if gone else []
    return StackFile(
        lazy_planes(
            partial(from_page, places.there, places.lengths, (header.shape, header.dtype)),
            places.lengths,
            header.shape,
            header.dtype,
        ),
        places.axes + "YXS"[: len(header.shape)],
        z_step,
        facts.pixel_size or header.facts.pixel_size,
        title(folder),
        folder,
        tuple(dict.fromkeys(file for file, _ in places.there)),
        z=z,
        channels=facts.channels,
        notes=(*facts.notes, *notes, *places.notes),
        slots=slots,
    )


def _pixels(file: Path) -> dict[str, Any] | None:
    """What the OME-XML of a file, or of its companion in the same folder, says of the only image; None without one."""
    with open_tiff(file) as tif:
        text = tif.pages.first.description
    for _ in range(2):
        try:
            ome = xml2dict(text)["OME"]
            images = listed(ome.get("Image"))
            if len(images) == 1:
                pixels: dict[str, Any] = images[0]["Pixels"]
                return pixels
            name = str(ome["BinaryOnly"]["MetadataFile"])
            companion = file.with_name(name)
            if Path(name).name != name or not companion.is_file() or companion.stat().st_size > _MOST_BYTES:
                return None
            text = companion.read_text(encoding="utf-8")
            if "<!DOCTYPE" in text or "<!ENTITY" in text:
                return None
        except Exception:  # noqa: BLE001 - the parser has many ways to fail
            return None
    return None


def _stated(pixels: dict[str, Any], folder: Path) -> Iterator[tuple[_Key, tuple[Path, int]]]:
    """File and page of each plane that is stated, by its place on the axes."""
    order = str(pixels.get("DimensionOrder", "XYZCT"))[2:]
    lengths = tuple(_size(pixels, axis) for axis in order)
    for data in listed(pixels.get("TiffData")):
        uuid = data.get("UUID")
        name = str(uuid.get("FileName", "")) if isinstance(uuid, dict) else ""
        if not name or Path(name).name != name:
            continue
        page = int(data.get("IFD", 0))
        first = int(np.ravel_multi_index([int(data.get(f"First{axis}", 0)) for axis in order], lengths, order="F"))
        for k in range(min(int(data.get("PlaneCount", 1)), math.prod(lengths) - first)):
            place = dict(zip(order, np.unravel_index(first + k, lengths, order="F"), strict=True))
            yield tuple(int(place[axis]) for axis in _AXES), (folder / name, page + k)


def _size(pixels: dict[str, Any], axis: str) -> int:
    return int(pixels.get(f"Size{axis}", 1))
