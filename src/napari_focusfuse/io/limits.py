"""What fits, can be read and may be written: checks before files are trusted, and errors in one sentence.

A few bytes of a file can name a billion images; a target is refused before any work is done.
"""

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_focusfuse.core.files import check_name, clean, write_whole
from napari_focusfuse.core.files.both import clean_both
from napari_focusfuse.core.files.checked import GIB, largest
from napari_focusfuse.errors import OutputError, StackError

__all__ = [
    "MOST_PAGES",
    "atomically",
    "check_both",
    "check_count",
    "check_file_target",
    "check_images",
    "check_room",
    "check_target",
    "readable",
    "reserve",
    "room",
    "unreadable",
]

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


def unreadable(path: Path, error: Exception) -> StackError:
    """The error for a file that is not what its name says."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:120] or type(error).__name__
    return StackError(f"{path} cannot be read ({reason}): replace it by an intact copy or remove it")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Make one error of all that can go wrong while a file is read: parsers have many ways to fail."""
    try:
        yield
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse what cannot be written, before any work is done: nothing is created, leftovers of killed runs are removed.

    Raises
    ------
    OutputError
        The target exists and `overwrite` is not set, or it lies in something that is no writable folder.
    """
    path = Path(path)
    check_name(path)
    clean(path)
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path} exists: choose another name or allow overwriting", settings={"overwrite": ""})
    parent = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not parent.is_dir():
        raise OutputError(f"cannot write {path}: {parent} is not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: the folder {parent} is read-only")


def check_file_target(path: Path, *, overwrite: bool = False) -> None:
    """The same for a file, which cannot replace a folder."""
    check_name(path)
    if path.is_dir():
        raise OutputError(f"cannot write {path}: there is a folder of that name")
    check_target(path, overwrite=overwrite)


def check_both(path: Path, beside: Path, *, overwrite: bool = False) -> None:
    """The same for two files that are written together."""
    clean_both(path, beside)
    check_file_target(path, overwrite=overwrite)
    check_file_target(beside, overwrite=overwrite)


def atomically(path: Path, write: Callable[[Path], object], *, overwrite: bool) -> None:
    """Call `write` on a name beside `path` and rename it to `path` when it is complete.

    Raises
    ------
    OutputError
        The target exists, or the disk refuses; what was there before is as it was.
    """
    check_file_target(path, overwrite=overwrite)
    write_whole(path, write, overwrite=overwrite)
