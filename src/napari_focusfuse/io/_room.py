"""Room for large arrays: memory for what is small, a nameless file on the disk for what is not."""

import tempfile
from typing import Any

import numpy as np

from napari_focusfuse.errors import OutputError

__all__ = ["room"]

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
    try:
        with tempfile.TemporaryFile(prefix="focusfuse-") as file:
            file.truncate(size)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        gigabytes = f"{size / 2**30:.1f} GiB"
        raise OutputError(
            f"there is no room for {gigabytes} ({name}) in {tempfile.gettempdir()}: set TMPDIR to a larger disk"
        ) from error
