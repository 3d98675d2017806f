"""What a photograph says besides its pixels, taken over by a result: the colour profile, and the camera's EXIF."""

import os
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from tifffile import TiffFile

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.io.image import TIFF, is_image_file, png_chunk

__all__ = ["Carried", "add_exif", "carried_of", "png_chunks", "tiff_tags"]

#: Make, model, date, artist and copyright; what is left is of the pixels, and they are others.
_WORDS = (271, 272, 306, 315, 33432)
_DATE, _EXIF = 306, 34665
#: A number that nobody uses, next to EXIF's, which tifffile does not write.
_PLACE = 34666
#: Notes that only their maker reads, and places and sizes in the old file.
_LEFT_OUT = (37500, 40962, 40963, 40965)
_MOMENT = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"RGB "}


class Carried(NamedTuple):
    """A colour profile, words and settings of the camera by their number in EXIF; empty where there is none."""

    profile: bytes
    words: dict[int, Any]
    settings: dict[int, Any]


def carried_of(file: str | os.PathLike[str] | None, samples: int) -> Carried:
    """What an image file says of itself; nothing where it says nothing, or cannot be read.

    Parameters
    ----------
    file : path or None
    samples : int
        Values of a pixel of the result: a profile for colour says nothing of grey.
    """
    path = Path(file or "")
    if not is_image_file(path):
        return Carried(b"", {}, {})
    profile, exif = b"", Image.Exif()
    with suppress(Exception):  # neither parser is made for files that are not trusted
        check_regular(path)
        if path.suffix.lower() in TIFF:
            with TiffFile(path) as tif:
                profile = bytes(tif.pages.first.iccprofile or b"")
            with path.open("rb") as stream:
                exif.load_from_fp(stream)
                return _kept(profile, exif, samples)
        with Image.open(path) as picture:
            return _kept(picture.info.get("icc_profile") or b"", picture.getexif(), samples)
    return _kept(profile, exif, samples)


def _kept(profile: bytes, exif: Image.Exif, samples: int) -> Carried:
    fits = profile[16:20] == _SPACES.get(samples)
    words: dict[int, Any] = {}
    settings: dict[int, Any] = {}
    with suppress(Exception):
        words = {tag: str(exif[tag]).strip("\0 ") for tag in _WORDS if exif.get(tag)}
        if not _MOMENT.fullmatch(words.get(_DATE, "")):
            words.pop(_DATE, None)
        settings = {tag: value for tag, value in exif.get_ifd(_EXIF).items() if tag not in _LEFT_OUT}
    return Carried(profile if fits else b"", words, settings)


def png_chunks(carried: Carried) -> bytes:
    """Chunks that follow the header of a PNG."""
    chunks = b""
    if carried.profile:
        chunks += png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(carried.profile))
    if carried.words or carried.settings:
        exif = Image.Exif()
        for tag, text in carried.words.items():
            exif[tag] = text
        if carried.settings:
            exif[_EXIF] = carried.settings
        with suppress(Exception):
            chunks += png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    return chunks


def tiff_tags(carried: Carried) -> dict[str, Any]:
    """Options for tifffile, which keeps a place for `add_exif`."""
    words = {tag: text for tag, text in carried.words.items() if tag != _DATE}
    tags: list[Any] = [(tag, 2, 0, text.encode("ascii", "replace"), True) for tag, text in words.items()]
    tags += [(_PLACE, 4, 1, 0, True)] if carried.settings else []
    options: dict[str, Any] = {"extratags": tags} if tags else {}
    options |= {"iccprofile": carried.profile} if carried.profile else {}
    return options | ({"datetime": carried.words[_DATE]} if _DATE in carried.words else {})


def add_exif(path: Path, carried: Carried) -> None:
    """Write the settings of the camera behind a TIFF that keeps a place for them, which then tells where they are."""
    if not carried.settings:
        return
    with TiffFile(path) as tif:
        place, classic = tif.pages.first.tags[_PLACE].offset, not tif.is_bigtiff
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        offset = end + end % 2
        table = ImageFileDirectory_v2(b"II*\0\0\0\0\0", group=_EXIF)
        for key, value in carried.settings.items():
            table[key] = value
        if classic:
            file.write(b"\0" * (end % 2) + table.tobytes(offset))
            file.seek(place)
            file.write(struct.pack("<HHII", _EXIF, 4, 1, offset))
