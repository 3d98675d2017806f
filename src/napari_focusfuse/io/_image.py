"""One image a file: TIFF by tifffile, PNG and JPEG 2000 by imagecodecs (all 16 bits), the rest by Pillow.

Pillow and not imagecodecs reads JPEG, because it notices when the end of the file is missing.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from napari_focusfuse.core.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._decode import JPEG_2000, PNG, decode_jpeg_2000, decode_png
from napari_focusfuse.io._facts import Facts, tiff_facts
from napari_focusfuse.io._limits import check_room
from napari_focusfuse.io._stack import unreadable
from napari_focusfuse.io._tiff_file import open_tiff

__all__ = ["TIFF", "Header", "check_page", "count_images", "is_image_file", "read_header", "read_image"]

TIFF = (".tif", ".tiff", ".btf", ".tf8")
_SUFFIXES = (*TIFF, ".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".jp2", ".webp")
_SAMPLES = {"L": (), "I": (), "I;16": (), "RGB": (3,), "RGBA": (4,)}
_PNG_BIT_DEPTH = 24


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


def check_page(page: TiffPage, path: Path) -> None:
    """Refuse pages that are incomplete or not grey, RGB or RGBA."""
    size = page.parent.filehandle.size
    if any(o + n > size for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise EOFError("the file ends too early")
    kind = PHOTOMETRIC(page.photometric).name
    colours = (3, 4) if kind in ("RGB", "YCBCR") else (1,)
    if page.dtype is None or page.samplesperpixel not in colours or _indexed(page):
        raise StackError(
            f"{path} holds pixels of a kind that is not read here ({page.samplesperpixel} samples, {kind.lower()}, "
            f"{page.bitspersample} bits): save it as grey, RGB or RGBA"
        )
    check_room(path, page.shape, page.dtype)


def _indexed(page: TiffPage) -> bool:
    """Whether values are numbers of colours. With a lookup table that gets ever brighter they are intensities."""
    return page.colormap is not None and bool((np.diff(page.colormap.sum(axis=0, dtype=np.int64)) < 0).any())


def _tiff_header(path: Path) -> Header:
    with open_tiff(path) as tif:
        page = tif.pages.first
        check_page(page, path)
        shape = (*page.shape[1:], page.shape[0]) if page.axes == "SYX" else page.shape
        return Header(shape, np.dtype(page.dtype).newbyteorder("="), count_images(tif), tiff_facts(tif))


def count_images(tif: TiffFile) -> int:
    """Number of pages that are not thumbnails."""
    return sum(not page.aspage().is_reduced for page in tif.pages)


def _read_tiff(path: Path) -> NDArray[Any]:
    with open_tiff(path) as tif:
        page = tif.pages.first
        check_page(page, path)
        if count_images(tif) > 1:
            raise StackError(f"{path} holds several images: give it as a stack by itself")
        image: NDArray[Any] = page.asarray(maxworkers=1)
        return np.moveaxis(image, 0, -1) if page.axes == "SYX" else image


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
            if picture.mode in ("P", "PA", "LA"):
                plain = picture.mode == "P" and "transparency" not in picture.info
                return np.asarray(picture.convert("RGB" if plain else "RGBA"))
            if picture.mode not in ("1", "L", "RGB", "RGBA"):
                raise StackError(f"{path} is a {picture.mode} picture: save it as grey, RGB or RGBA")
            return np.asarray(picture)
    except Image.DecompressionBombError as error:
        raise StackError(f"{path} has too many pixels for its format: save it as TIFF or PNG") from error


def _picture_header(path: Path) -> Header | None:
    try:
        with Image.open(path) as picture:
            mode, kind, (x, y), info = picture.mode, picture.format, picture.size, picture.info
    except Image.DecompressionBombError:
        return None
    if mode not in _SAMPLES or kind not in ("PNG", "JPEG", "BMP") or "transparency" in info:
        return None
    depth = 8
    if kind == "PNG":
        with path.open("rb") as file:
            depth = file.read(_PNG_BIT_DEPTH + 1)[_PNG_BIT_DEPTH]
    return Header((y, x, *_SAMPLES[mode]), np.dtype(np.uint16 if depth == 16 else np.uint8))
