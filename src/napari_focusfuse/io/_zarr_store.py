"""Arrays of a Zarr folder that is not trusted: no code is run, and nothing is read that is not a file."""

import errno
from pathlib import Path
from typing import Any

import zarr
from zarr.storage import LocalStore

from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._limits import check_room
from napari_focusfuse.io._zarr_chunks import bounded

__all__ = ["array_of", "open_group"]

#: A codec that runs what the file says.
_UNSAFE = "pickle"
#: Files that describe, and bytes of the longest.
_DESCRIBING, _LONGEST = (".zattrs", ".zgroup", ".zarray", ".zmetadata", "zarr.json"), 2**26


class _Files(LocalStore):
    """A folder of which only files are read, not pipes or devices."""

    async def get(self, key: str, *args: Any, **options: Any) -> Any:
        self._check(key)
        return await super().get(key, *args, **options)

    def get_sync(self, key: str, *args: Any, **options: Any) -> Any:
        self._check(key)
        return super().get_sync(key, *args, **options)

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
        ranges = list(key_ranges)
        for key, _ in ranges:
            self._check(key)
        return await super().get_partial_values(prototype, ranges)

    def _check(self, key: str) -> None:
        path = Path(self.root) / key
        try:
            check_regular(path)
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return
        if path.name in _DESCRIBING and size > _LONGEST:
            raise OSError(errno.EFBIG, f"{path.name} is longer than {_LONGEST // 2**20} MiB", str(path))


def open_group(path: Path) -> Any:
    """The group in a folder, to be read only."""
    return zarr.open_group(_Files(path, read_only=True), mode="r")


def array_of(group: Any, name: str, path: Path) -> Any:
    """An array of a group; none of its chunks is read.

    Raises
    ------
    StackError
        Its values are no numbers, to decode them would run code, or its chunks are larger than memory.
    """
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StackError(f"{path} has a group in place of an image ({name}): check the file")
    if _UNSAFE in _names(array.metadata):
        raise StackError(f"{path} could run code when {name} is read (codec {_UNSAFE}): it is not opened")
    if array.dtype.kind not in "buif":
        raise StackError(f"{path} holds {array.dtype} in {name}, not numbers: convert it to integers or floats")
    for shape in (array.chunks, array.shards or ()):
        check_room(path, shape, array.dtype)
    return bounded(array)


def _names(metadata: Any) -> str:
    """Names of all codecs, in one text: of version 2 filters and compressor, of version 3 a chain, also in shards."""
    parts = [getattr(metadata, name, None) for name in ("filters", "compressor", "codecs")]
    return repr([_described(part) for part in parts]).lower()


def _described(part: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return [_described(one) for one in part]
    if hasattr(part, "get_config"):
        return part.get_config()
    return part.to_dict() if hasattr(part, "to_dict") else part
