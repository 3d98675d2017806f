"""A TIFF that is not trusted, and its pages as they are meant to be seen: white is bright, colours are no numbers.

It is looked through once, before anything is made of what it states. A file whose end is missing often still opens,
with fewer pages or without its metadata: tifffile only logs that.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC, FileHandle, TiffFile, TiffFormat, TiffPage

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.limits import MOST_PAGES, check_count, check_images, check_room

__all__ = [
    "as_stored",
    "check_complete",
    "check_page",
    "open_tiff",
    "page_notes",
    "seen",
    "seen_kind",
    "turned",
    "turned_shape",
]

#: Bytes of a value of each TIFF data type.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
#: Tags that matter here: bits, description, where the pixels are, resolution, colour map, sample format, JPEG tables.
_TAGS = {258, 270, 273, 279, 282, 283, 320, 324, 325, 339, 347}
_ORIENTATION = 274
#: TIFF's ExtraSamples that are transparency.
_ALPHA = (1, 2)


@contextmanager
def open_tiff(path: Path) -> Iterator[TiffFile]:
    """A TIFF whose pages end, and whose OME-XML states no more than can be and names files of its own folder alone.

    Raises
    ------
    StackError, OSError, EOFError, ValueError
        It is not so.
    """
    check_regular(path)
    with TiffFile(path) as tif:
        check_complete(tif)
        if tif.is_ome:
            _check_ome(tif, path)
        yield tif


def _check_ome(tif: TiffFile, path: Path) -> None:
    text = tif.ome_metadata or ""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("its OME-XML defines its own entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - what could grow was refused above
    except ET.ParseError:
        return  # it is told later that it is damaged
    for element in root.iter():
        name, stated = element.tag.rpartition("}")[2], element.attrib
        if name == "Pixels":
            sizes = [int(stated.get(f"Size{axis}", 1)) for axis in "XYZCT"]
            check_images(path, sizes[2:], pixels=sizes[:2], page=tif.pages.first.size)
        elif name == "TiffData":
            for key in ("IFD", "PlaneCount", "NumPlanes", "FirstZ", "FirstC", "FirstT"):
                check_count(path, int(stated.get(key, 0)))
        elif name.startswith("ModuloAlong") and "Start" in stated:
            start, end, step = (float(stated.get(key, 1)) for key in ("Start", "End", "Step"))
            check_count(path, abs(round((end - start) / step)))
        elif name == "UUID" and "FileName" in stated and element.text != root.attrib.get("UUID"):
            _check_companion(path, stated["FileName"])


def _check_companion(path: Path, name: str) -> None:
    """Refuse a file that is named and is not in the folder, or has no end of its own."""
    folder = path.absolute().parent
    other = Path(os.path.normpath(folder / name))
    if not other.is_relative_to(folder):
        raise StackError(f"{path} refers to a file outside its folder ({name}): put all its files into one folder")
    if other != path.absolute() and other.exists():
        check_regular(other)
        with TiffFile(other) as tif:
            check_complete(tif)


def check_complete(tif: TiffFile) -> None:
    """Walk along the directories of the file.

    Raises
    ------
    EOFError
        One of them, or a value in it that matters, lies beyond the end of the file.
    ValueError
        One leads back to another.
    StackError
        There are more than anybody has.
    """
    seen = set[int]()
    for offset in _offsets(tif):
        if offset in seen:
            raise ValueError("its pages lead back to an earlier one")
        seen.add(offset)
        if len(seen) > MOST_PAGES:
            check_count(Path(tif.filehandle.path), len(seen), MOST_PAGES)


def _offsets(tif: TiffFile) -> Iterator[int]:
    """Where the directories are, one after the other."""
    if tif.is_ndpi:  # has offsets of a kind of its own
        yield from (page.offset for page in tif.pages)
        return
    offset = tif.pages.first.offset
    while offset:
        yield offset
        offset = _next_directory(tif.filehandle, tif.tiff, offset)


def _next_directory(file: FileHandle, layout: TiffFormat, offset: int) -> int:
    """Check the directory at `offset` and return where the next one is, 0 for none."""
    try:
        file.seek(offset)
        (entries,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
        table = file.read(entries * layout.tagsize)
        (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    except struct.error as error:
        raise EOFError("the file ends too early") from error
    for start in range(0, len(table), layout.tagsize):
        tag, kind, count, value = struct.unpack_from(layout.tagheaderformat, table, start)
        length = count * _BYTES.get(kind, 0)
        if tag in _TAGS and length > layout.tagoffsetthreshold:
            (position,) = struct.unpack(layout.offsetformat, value)
            if position + length > file.size:
                raise EOFError("the file ends too early")
    return int(following)


def check_page(page: TiffPage, path: Path) -> None:
    """Refuse pages that are incomplete or not grey, RGB or RGBA."""
    size = page.parent.filehandle.size
    if any(o + n > size for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise EOFError("the file ends too early")
    kind = PHOTOMETRIC(page.photometric).name
    colours = (3, 4) if kind in ("RGB", "YCBCR") else (1, 2) if _with_alpha(page) else (1,)
    if page.dtype is None or page.samplesperpixel not in colours:
        raise StackError(
            f"{path} has unsupported pixels ({page.samplesperpixel} samples, {kind.lower()}, "
            f"{page.bitspersample} bits): save it as grey, RGB or RGBA"
        )
    check_room(path, *seen_kind(page))


def as_stored(page: TiffPage) -> bool:
    """Whether the values are seen as they are stored, samples last."""
    special = _white_is_zero(page) or _indexed(page) or _with_alpha(page)
    return not special and page.axes != "SYX" and _orientation(page) == 1


def seen_kind(page: TiffPage) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape (Y, X) or (Y, X, 3|4) and type of what `seen` gives."""
    shape = (*page.shape[1:], page.shape[0]) if page.axes == "SYX" else page.shape
    dtype = np.dtype(page.dtype).newbyteorder("=")
    if _indexed(page):
        shape, dtype = (*shape, 3), _colours(page).dtype
    elif _with_alpha(page):
        shape = (*shape[:2], 4)
    return turned_shape(shape, _orientation(page)), dtype


def seen(image: NDArray[Any], page: TiffPage) -> NDArray[Any]:
    """The values of a page as they are meant: palettes resolved, grey with transparency as RGBA, upright."""
    if page.axes == "SYX":
        image = np.moveaxis(image, 0, -1)
    if _indexed(page):
        image = _colours(page)[image]
    elif _with_alpha(page):
        image = image[..., [0, 0, 0, 1]]
    if _white_is_zero(page):
        image = ~image if image.dtype.kind == "b" else (_largest(page) - image).astype(image.dtype)
    return turned(image, _orientation(page))


def page_notes(page: TiffPage) -> list[str]:
    """What was made of the values, where that is not what is stored."""
    if not _white_is_zero(page):
        return []
    return ["stores white as 0 (MINISWHITE): its values are inverted, so that bright is large"]


def turned(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An image upright, by the orientation of 1 to 8 that TIFF and EXIF state."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    rows = slice(None, None, -1) if orientation in (3, 4, 7, 8) else slice(None)
    columns = slice(None, None, -1) if orientation in (2, 3, 6, 7) else slice(None)
    return np.ascontiguousarray(image[rows, columns])


def turned_shape(shape: tuple[int, ...], orientation: int) -> tuple[int, ...]:
    """Shape of an image upright."""
    return (shape[1], shape[0], *shape[2:]) if orientation in (5, 6, 7, 8) else shape


def _orientation(page: TiffPage) -> int:
    """As stated, unless by a program of microscopes: these turn nothing, and show it as it is stored."""
    stated = page.tags[_ORIENTATION].value if _ORIENTATION in page.tags else 1
    known = isinstance(stated, int) and 1 <= stated <= 8
    return int(stated) if known and not (page.is_ome or page.is_imagej or page.is_micromanager) else 1


def _white_is_zero(page: TiffPage) -> bool:
    return page.photometric == PHOTOMETRIC.MINISWHITE and np.dtype(page.dtype).kind in "bu"


def _largest(page: TiffPage) -> int:
    return (1 << int(np.max(page.bitspersample))) - 1


def _with_alpha(page: TiffPage) -> bool:
    """Grey with transparency."""
    grey = page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
    return grey and page.samplesperpixel == 2 and len(page.extrasamples) == 1 and page.extrasamples[0] in _ALPHA


def _indexed(page: TiffPage) -> bool:
    """Whether values are numbers of colours. With a lookup table that gets ever brighter they are intensities."""
    return page.colormap is not None and bool((np.diff(page.colormap.sum(axis=0, dtype=np.int64)) < 0).any())


def _colours(page: TiffPage) -> NDArray[Any]:
    """RGB of each number; in 8 bits where that is all."""
    table: NDArray[Any] = np.asarray(page.colormap).T
    small = table >> 8
    return small.astype(np.uint8) if np.isin(table, (small << 8, small * 257)).all() else table
