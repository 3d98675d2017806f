"""What is read from files that anybody may have written: regular files, no larger than memory, of a known schema.

A schema is composed of small checks. Each takes a value and the name of its place, and raises `MismatchError` in words.
Entries that are not known are let be: a later version may write them.
"""

import errno
import json
import lzma
import math
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = [
    "GIB",
    "Check",
    "MismatchError",
    "anything",
    "check_regular",
    "entries",
    "flag",
    "largest",
    "listed",
    "mapped",
    "maybe",
    "memory",
    "number",
    "read_arrays",
    "read_json",
    "read_text",
    "text",
    "whole",
]

GIB = 2**30
#: Memory (bytes) where the system does not tell it, and the share of it that one array may take.
_USUAL, _SHARE = 16 * GIB, 0.5


def memory() -> int:
    """Bytes of memory that the machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return _USUAL


def largest() -> float:
    """Bytes of the largest array that is read."""
    return _SHARE * memory()


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


Check = Callable[[Any, str], object]
#: Letters of a text, entries of a list, and letters of a value in a message.
_LETTERS, _MOST, _SHOWN = 2**16, 2**20, 40


class MismatchError(ValueError):
    """A value is not what its place asks for."""


def number(least: float = -math.inf, most: float = math.inf, *, above: bool = False) -> Check:
    """A finite number within limits; `above`: more than the least."""

    def check(value: Any, where: str) -> None:
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not real or not _finite(value) or not least <= value <= most or (above and value == least):
            raise _mismatch(where, f"a number{_bounds(least, most)}", value)

    return check


def whole(least: float = -math.inf, most: float = math.inf) -> Check:
    """A whole number within limits."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _mismatch(where, f"a whole number{_bounds(least, most)}", value)

    return check


def text(*choices: str, fits: Callable[[str], object] = bool) -> Check:
    """One of some texts, or any that is not empty and `fits`."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or len(value) > _LETTERS or not (value in choices if choices else fits(value)):
            raise _mismatch(where, f"one of {', '.join(choices)}" if choices else "a text as it is written here", value)

    return check


def flag(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _mismatch(where, "true or false", value)


def anything(_value: Any, _where: str) -> None:
    """What is not looked at."""


def maybe(check: Check) -> Check:
    """None, or what `check` asks for."""
    return lambda value, where: None if value is None else check(value, where)


def listed(check: Check, least: int = 0, most: int = _MOST) -> Check:
    """A list of what `check` asks for, of so many."""

    def check_all(value: Any, where: str) -> None:
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise _mismatch(where, f"a list of {least} to {most} values", value)
        for k, item in enumerate(value):
            check(item, f"{where}[{k}]")

    return check_all


def mapped(check: Check) -> Check:
    """Values that `check` asks for by any names."""

    def check_all(value: Any, where: str) -> None:
        for name, item in _mapping(value, where).items():
            check(item, f"{where}.{name[:_SHOWN]}")

    return check_all


def entries(needed: Mapping[str, Check], known: Mapping[str, Check] | None = None) -> Check:
    """Values by their names: those that are `needed`, and those that may be there."""

    def check_all(value: Any, where: str) -> None:
        found = _mapping(value, where)
        for name in needed:
            if name not in found:
                raise MismatchError(f"{where} has no {name}")
        for name, check in {**needed, **(known or {})}.items():
            if name in found:
                check(found[name], f"{where}.{name}")

    return check_all


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _mismatch(where, "values by their names", value)
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is no float
        return False


def _bounds(least: float, most: float) -> str:
    low = "" if math.isinf(least) else f" from {least:g}"
    return low + ("" if math.isinf(most) else f" to {most:g}")


def _mismatch(where: str, wanted: str, value: Any) -> MismatchError:
    if isinstance(value, (list, tuple, Mapping)):
        shown = f"a {'list' if isinstance(value, (list, tuple)) else 'mapping'} of {len(value)}"
    else:
        shown = "a very large number" if isinstance(value, int) and value.bit_length() > 100 else repr(value)[:_SHOWN]
    return MismatchError(f"{where} must be {wanted}, not {shown}")


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
