"""What fits: sizes that files state, of which a few bytes can name a billion images, and room for large results."""

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from napari_focusfuse.core.files.checked import GIB, largest
from napari_focusfuse.errors import OutputError, StackError

__all__ = ["MOST_PAGES", "check_count", "check_images", "check_room", "reserve", "room"]

#: Images in one TIFF, and in any file or folder.
MOST_PAGES, MOST_IMAGES = 100_000, 1_000_000
#: Arrays of more bytes lie on the disk.
_IN_MEMORY = 2**30


def check_room(path: Path, shape: Iterable[int], dtype: Any) -> None:
    """Refuse an image, or a chunk of one, that does not fit in memory.

    Raises
    ------
    StackError
        The message says how large it would be.
    """
    sides = [int(n) for n in shape]
    size, most = math.prod(sides) * np.dtype(dtype).itemsize, largest()
    if size > most:
        raise StackError(
            f"{path} states an image of {' x '.join(map(str, sides))} values, {size / GIB:.1f} GiB, and more than "
            f"{most / GIB:.1f} GiB would fill the memory of this machine: crop it, or check the file"
        )


def check_count(path: Path, images: int, most: int = MOST_IMAGES) -> None:
    """Refuse more images than anybody has in one file.

    Raises
    ------
    StackError
    """
    if images > most:
        raise StackError(f"{path} states {images} images, and no more than {most} are read: check the file")


def check_images(path: Path, counts: Iterable[int], *, pixels: Iterable[int], page: int) -> None:
    """Refuse an image of so many pixels a side for each of so many positions, if pages of `page` values cannot be it.

    Raises
    ------
    StackError
    """
    sides, images = list(pixels), math.prod(counts)
    check_count(path, images)
    if min(*sides, images) < 1 or math.prod(sides) * images > MOST_IMAGES * page:
        raise StackError(
            f"{path} states images of {' x '.join(map(str, sides))} px, and its pages are others: check the file"
        )


def room(name: str, _axes: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array to be filled, numpy or a memory map whose file is gone when nobody holds the array any more.

    Raises
    ------
    OutputError
        The folder for temporary files has no room.
    """
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size <= _IN_MEMORY:
        return np.zeros(shape, dtype)
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(prefix="focusfuse-") as file:
            reserve(file.fileno(), size, folder)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        raise OutputError(
            f"there is not enough space for {size / 2**30:.1f} GiB ({name}) in {folder}: "
            "free some space, or set TMPDIR to a folder on a larger disk"
        ) from error


def reserve(file: int, size: int, folder: str | os.PathLike[str]) -> None:
    """Make sure that an open file in `folder` can hold `size` bytes: a full disk would end the program later.

    Raises
    ------
    OSError
        It cannot.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    elif shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        os.truncate(file, max(size, os.fstat(file).st_size))
