"""One image a file: TIFF by tifffile, PNG and JPEG 2000 by imagecodecs (all 16 bits), the rest by Pillow.

Pillow and not imagecodecs reads JPEG, because it notices when the end of the file is missing.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import TiffFile

from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._decode import JPEG_2000, PNG, decode_jpeg_2000, decode_png
from napari_focusfuse.io._facts import Facts, tiff_facts
from napari_focusfuse.io._limits import check_room
from napari_focusfuse.io._page import check_page, page_notes, seen, seen_kind, turned, turned_shape
from napari_focusfuse.io._stack import unreadable
from napari_focusfuse.io._tiff_file import open_tiff

__all__ = ["TIFF", "Header", "count_images", "is_image_file", "read_header", "read_image"]

TIFF = (".tif", ".tiff", ".btf", ".tf8")
_SUFFIXES = (*TIFF, ".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".jp2", ".webp")
_SAMPLES = {"L": (), "I": (), "I;16": (), "RGB": (3,), "RGBA": (4,)}
_PNG_BIT_DEPTH = 24
#: EXIF's tag.
_ORIENTATION = 274


class Header(NamedTuple):
    """What a file says before its pixels are decoded.

    Attributes
    ----------
    shape : tuple of int
        (Y, X) or (Y, X, 3|4).
    dtype : numpy dtype
    pages : int
        Images in the file.
    facts : Facts
        What it says besides; only TIFF says something.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: int = 1
    facts: Facts = Facts()


def is_image_file(path: Path) -> bool:
    """Whether the name is that of an image: a known suffix, not hidden."""
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")


def read_image(path: Path) -> NDArray[Any]:
    """Read one image at full bit depth.

    Parameters
    ----------
    path : Path
        TIFF with one page, PNG, JPEG, JPEG 2000, BMP or WebP.

    Returns
    -------
    (Y, X) or (Y, X, 3|4) array
        Palettes are resolved; grey with transparency becomes RGBA.

    Raises
    ------
    StackError
        The file is missing, damaged, no image, or holds several.
    """
    try:
        check_regular(path)
        image = _read_tiff(path) if path.suffix.lower() in TIFF else _read_picture(path)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    return image.astype(image.dtype.newbyteorder("="), copy=False)


def read_header(path: Path) -> Header:
    """Shape and type of one image; the pixels are decoded only where the header is not enough.

    Raises
    ------
    StackError
        As `read_image`, as far as it can be seen without decoding.
    """
    try:
        check_regular(path)
        header = _tiff_header(path) if path.suffix.lower() in TIFF else _picture_header(path)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    if header is None:
        image = read_image(path)
        header = Header(image.shape, image.dtype)
    check_room(path, header.shape, header.dtype)
    return header


def _tiff_header(path: Path) -> Header:
    with open_tiff(path) as tif:
        page, facts = tif.pages.first, tiff_facts(tif)
        check_page(page, path)
        facts = facts._replace(notes=(*facts.notes, *page_notes(page)))
        return Header(*seen_kind(page), count_images(tif), facts)


def count_images(tif: TiffFile) -> int:
    """Number of pages that are not thumbnails."""
    return sum(not page.aspage().is_reduced for page in tif.pages)


def _read_tiff(path: Path) -> NDArray[Any]:
    with open_tiff(path) as tif:
        page = tif.pages.first
        check_page(page, path)
        if count_images(tif) > 1:
            raise StackError(f"{path} holds several images: give it as a stack by itself")
        return seen(page.asarray(maxworkers=1), page)


def _read_picture(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith(PNG):
        image = decode_png(path)
    elif start.startswith(JPEG_2000):
        image = decode_jpeg_2000(path)
    else:
        image = _read_with_pillow(path)
    if image.ndim == 3 and image.shape[-1] == 2:
        image = image[..., [0, 0, 0, 1]]
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)):
        raise StackError(f"{path} is not a grey, RGB or RGBA image: convert it")
    result: NDArray[Any] = image
    return result


def _read_with_pillow(path: Path) -> NDArray[Any]:
    try:
        with Image.open(path) as picture:
            check_room(path, (picture.height, picture.width, len(picture.getbands())), np.uint8)
            orientation = _orientation(picture)
            if picture.mode in ("P", "PA", "LA"):
                plain = picture.mode == "P" and "transparency" not in picture.info
                return turned(np.asarray(picture.convert("RGB" if plain else "RGBA")), orientation)
            if picture.mode not in ("1", "L", "RGB", "RGBA"):
                raise StackError(f"{path} is a {picture.mode} picture: save it as grey, RGB or RGBA")
            return turned(np.asarray(picture), orientation)
    except Image.DecompressionBombError as error:
        raise StackError(f"{path} has too many pixels for its format: save it as TIFF or PNG") from error


def _orientation(picture: Image.Image) -> int:
    """How a camera was held, by its EXIF; 1 where that is not said or damaged."""
    with suppress(Exception):  # Pillow's parser has many ways to fail
        stated = picture.getexif().get(_ORIENTATION)
        return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1
    return 1


def _picture_header(path: Path) -> Header | None:
    try:
        with Image.open(path) as picture:
            mode, kind, (x, y), info = picture.mode, picture.format, picture.size, picture.info
            orientation = _orientation(picture) if kind == "JPEG" else 1
    except Image.DecompressionBombError:
        return None
    if mode not in _SAMPLES or kind not in ("PNG", "JPEG", "BMP") or "transparency" in info:
        return None
    depth = 8
    if kind == "PNG":
        with path.open("rb") as file:
            depth = file.read(_PNG_BIT_DEPTH + 1)[_PNG_BIT_DEPTH]
    return Header(turned_shape((y, x, *_SAMPLES[mode]), orientation), np.dtype(np.uint16 if depth == 16 else np.uint8))
