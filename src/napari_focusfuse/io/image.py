"""One image a file: TIFF by tifffile, PNG and JPEG 2000 by imagecodecs (all 16 bits), the rest by Pillow.

Pillow and not imagecodecs reads JPEG, because it notices when the end of the file is missing. What a file states of
itself is looked at before it is decoded.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import TiffFile

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Facts, tiff_facts
from napari_focusfuse.io.limits import check_room, readable
from napari_focusfuse.io.tiff_pages import check_page, open_tiff, page_notes, seen, seen_kind, turned, turned_shape

__all__ = [
    "JPEG_2000",
    "PNG",
    "TIFF",
    "Header",
    "count_images",
    "decode_jpeg_2000",
    "decode_png",
    "has_pages",
    "is_image_file",
    "png_chunk",
    "read_header",
    "read_image",
    "read_reduced",
]

TIFF = (".tif", ".tiff", ".btf", ".tf8")
_SUFFIXES = (*TIFF, ".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".jp2", ".webp")
_SAMPLES = {"L": (), "I": (), "I;16": (), "RGB": (3,), "RGBA": (4,)}
_PNG_BIT_DEPTH = 24
#: EXIF's tags: how the camera was held; its maker and model, and the program.
_ORIENTATION, _MADE_BY = 274, (271, 272, 305)
PNG = b"\x89PNG\r\n\x1a\n"
#: How a file begins, and a bare code stream.
JPEG_2000 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")
#: Chunks that say what the values are. Of the others libpng tells on the terminal what it does not like.
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
#: Values of a pixel by the colour type; a palette may have transparency.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}


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
    made_by : tuple of str
        Camera and program, as EXIF or TIFF tags name them; "" for what they do not say.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: int = 1
    facts: Facts = Facts()
    made_by: tuple[str, ...] = ()


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
    with readable(path):
        check_regular(path)
        image = _read_tiff(path) if path.suffix.lower() in TIFF else _read_picture(path)
    return image.astype(image.dtype.newbyteorder("="), copy=False)


def read_header(path: Path) -> Header:
    """Shape and type of one image; the pixels are decoded only where the header is not enough.

    Raises
    ------
    StackError
        As `read_image`, as far as it can be seen without decoding.
    """
    with readable(path):
        check_regular(path)
        header = _tiff_header(path) if path.suffix.lower() in TIFF else _picture_header(path)
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
        made_by = tuple(str(page.tags.valueof(tag, default="")) for tag in _MADE_BY)
        return Header(*seen_kind(page), count_images(tif), facts, made_by)


def count_images(tif: TiffFile) -> int:
    """Number of pages that are not thumbnails."""
    return sum(not page.aspage().is_reduced for page in tif.pages)


def has_pages(files: Sequence[Path]) -> bool:
    """Whether the first of some files that can be read is a TIFF of several images."""
    for path in files:
        with suppress(StackError):
            return read_header(path).pages > 1
    return False


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


def read_reduced(path: Path, factor: int) -> NDArray[Any] | None:
    """A grey or RGB JPEG at 1/2, 1/4 or 1/8 size, which takes a fraction of the time; None of any other file."""
    if path.suffix.lower() not in (".jpg", ".jpeg", ".jpe"):
        return None
    with Image.open(path) as picture:
        if picture.format != "JPEG" or picture.mode not in ("L", "RGB"):
            return None
        orientation = _orientation(picture)
        picture.draft(picture.mode, (picture.width // factor, picture.height // factor))
        return turned(np.asarray(picture), orientation)


def _orientation(picture: Image.Image) -> int:
    """How a camera was held, by its EXIF; 1 where that is not said or damaged."""
    with suppress(Exception):  # Pillow's parser has many ways to fail
        stated = picture.getexif().get(_ORIENTATION)
        return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1
    return 1


def _made_by(picture: Image.Image) -> tuple[str, ...]:
    """Camera and program by the EXIF of a picture; "" for what it does not say."""
    with suppress(Exception):
        exif = picture.getexif()
        return tuple(str(exif.get(tag) or "").strip("\0 ") for tag in _MADE_BY)
    return ("",) * len(_MADE_BY)


def _picture_header(path: Path) -> Header | None:
    try:
        with Image.open(path) as picture:
            mode, kind, (x, y), info = picture.mode, picture.format, picture.size, picture.info
            orientation = _orientation(picture) if kind == "JPEG" else 1
            made_by = _made_by(picture) if kind == "JPEG" else ()
    except Image.DecompressionBombError:
        return None
    if mode not in _SAMPLES or kind not in ("PNG", "JPEG", "BMP") or "transparency" in info:
        return None
    depth = 8
    if kind == "PNG":
        with path.open("rb") as file:
            depth = file.read(_PNG_BIT_DEPTH + 1)[_PNG_BIT_DEPTH]
    dtype = np.dtype(np.uint16 if depth == 16 else np.uint8)
    return Header(turned_shape((y, x, *_SAMPLES[mode]), orientation), dtype, made_by=made_by)


def decode_png(path: Path) -> NDArray[Any]:
    """The image in a PNG.

    Raises
    ------
    StackError, OSError, EOFError, ValueError
        It is damaged, or larger than memory.
    """
    chunks = list(_chunks(path.read_bytes()))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise ValueError("it does not begin as a PNG does")
    width, height, bits, colour = struct.unpack_from(">IIBB", chunks[0][1])
    check_room(path, (height, width, _PNG_SAMPLES.get(colour, 4)), np.uint16 if bits > 8 else np.uint8)
    image: NDArray[Any] = imagecodecs.png_decode(PNG + b"".join(starmap(png_chunk, chunks)))
    return image


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of those that are needed, up to the last one."""
    at, name = len(PNG), b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise EOFError("the file ends too early")
        length, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        at += 12 + length
        if name in _NEEDED:
            if at > len(data):
                raise EOFError("the file ends too early")
            if struct.unpack_from(">I", data, at - 4)[0] != zlib.crc32(name + content):
                raise ValueError("its content does not fit its checksum")
            yield name, content


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A part of a PNG with its length and checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def decode_jpeg_2000(path: Path) -> NDArray[Any]:
    """The image in a JPEG 2000; errors as for a PNG."""
    data = path.read_bytes()
    at = data.find(JPEG_2000[1])
    if at < 0 or at + 42 > len(data):
        raise EOFError("the file ends too early")
    right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
    (samples,) = struct.unpack_from(">H", data, at + 40)
    check_room(path, (max(bottom - top, 0), max(right - left, 0), samples), np.uint16)
    image: NDArray[Any] = imagecodecs.jpeg2k_decode(data)
    return image
