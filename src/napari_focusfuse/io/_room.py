"""Room for large arrays: memory for what is small, a nameless file on the disk for what is not."""

import errno
import os
import shutil
import tempfile
from typing import Any

import numpy as np

from napari_focusfuse.errors import OutputError

__all__ = ["reserve", "room"]

#: Arrays of more bytes lie on the disk.
_IN_MEMORY = 2**30


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
