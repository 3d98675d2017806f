"""Arrays from an untrusted npz: its header is checked before anything is unpacked."""

import lzma
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from napari_focusfuse.core.files.machine import GIB, largest
from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.core.files.schema import MismatchError

__all__ = ["read_arrays"]

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_ENCRYPTED = 1


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of these names.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no npz that holds them, or holds more than fits in memory; the message says which.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [archive.getinfo(f"{name}.npy") for name in names]
            size = sum(member.file_size for member in members)
            if size > largest():
                raise MismatchError(f"it would take {size / GIB:.1f} GiB of memory")
            for member in members:
                _check_member(archive, member)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except KeyError as error:
        raise MismatchError(str(error.args[0])[:80]) from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
        raise MismatchError(str(error)[:80]) from error


def _check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array that is encrypted, or states another size than it has."""
    if member.flag_bits & _ENCRYPTED:
        raise MismatchError("it is encrypted")
    with archive.open(member) as file:
        read = _HEADERS.get(npy.read_magic(file))
        if read is None:
            raise MismatchError(f"{member.filename} is of a version that is not read")
        shape, _, dtype = read(file)
        if dtype.kind not in "biufU" or file.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
            raise MismatchError(f"{member.filename} states another size than it has")
