"""A page of a TIFF as it should be displayed: white is bright, palettes are colours, the image is upright."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC, TiffPage

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._limits import check_room

__all__ = ["as_stored", "check_page", "page_notes", "seen", "seen_kind", "turned", "turned_shape"]

_ORIENTATION = 274
#: TIFF's ExtraSamples that are transparency.
_ALPHA = (1, 2)


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
