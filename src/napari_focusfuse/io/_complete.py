"""Whether a TIFF has all its bytes.

A file whose end is missing often still opens, with fewer pages or without its metadata: tifffile only logs that.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from tifffile import FileHandle, TiffFile, TiffFormat

from napari_focusfuse.io._limits import MOST_PAGES, check_count

__all__ = ["check_complete"]

#: Bytes of a value of each TIFF data type.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
#: Tags that matter here: bits, description, where the pixels are, resolution, colour map, sample format, JPEG tables.
_TAGS = {258, 270, 273, 279, 282, 283, 320, 324, 325, 339, 347}


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
