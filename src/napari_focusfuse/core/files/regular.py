"""Only regular files are read: a pipe or a device would block the reader for ever."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

__all__ = ["check_regular", "read_json", "read_text"]

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
#: Bytes of the longest text that is read: transforms of 100,000 slices have half of them.
_LONGEST = 2**26


def check_regular(path: str | os.PathLike[str]) -> None:
    """Refuse what is neither a file nor a folder, before it is opened.

    Raises
    ------
    OSError
        It is a pipe, a socket or a device; or there is nothing.
    """
    kind = _KINDS.get(stat.S_IFMT(os.stat(path).st_mode))  # noqa: PTH116 - strings as well
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", os.fspath(path))


def read_text(path: Path) -> str:
    """A text in UTF-8.

    Raises
    ------
    OSError
        It cannot be read, is no file, or is far too long.
    ValueError
        It is no text.
    """
    check_regular(path)
    if path.stat().st_size > _LONGEST:
        raise OSError(errno.EFBIG, f"it is longer than {_LONGEST // 2**20} MiB", os.fspath(path))
    return path.read_text(encoding="utf-8")


def read_json(path: Path) -> Any:
    """What a file holds in JSON; errors are those of `read_text`."""
    try:
        return json.loads(read_text(path))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
