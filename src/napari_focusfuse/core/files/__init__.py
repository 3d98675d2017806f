"""Files and folders that are written complete or not at all, also if a process is killed or two write to one target.

They are written beside their target under a hidden name that tells the machine and the process, and get its name when
they are complete. The next write to the same target takes away what processes left that are gone; an old result that
was just being replaced comes back.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from hashlib import sha256
from pathlib import Path
from platform import node
from typing import NamedTuple, ParamSpec
from uuid import uuid4

from napari_focusfuse.errors import OutputError

__all__ = [
    "check_name",
    "clean",
    "hidden",
    "leftovers",
    "missing_parents",
    "new_key",
    "old_of",
    "part_of",
    "place",
    "refused",
    "remove",
    "remove_empty",
    "surely",
    "write_whole",
]

Given = ParamSpec("Given")

_NEW, _OLD = "part", "old"
#: Longest name (bytes) that a hidden one is made of; systems allow 255.
_LONGEST = 200
#: Attempts to take away what other threads may still be writing, and seconds between them.
_TRIES, _PAUSE = 40, 0.05
#: Keys of this process: an earlier one, of a container perhaps, may have had the same number.
_mine: set[str] = set()


class Leftover(NamedTuple):
    """What a killed process left: where, the key of its run, and which kind."""

    path: Path
    key: str
    kind: str


def new_key() -> str:
    """What the hidden names of one run have in common: machine, process, and a number of its own."""
    key = f"{_machine()}-{os.getpid()}-{uuid4().hex[:8]}"
    _mine.add(key)
    return key


def hidden(path: Path, key: str, kind: str) -> Path:
    """A hidden name beside `path`."""
    return path.absolute().with_name(f".{_short(path)}.{key}.{kind}")


def part_of(path: Path) -> Path:
    """A name beside `path` for what is not finished."""
    return hidden(path, new_key(), _NEW)


def old_of(path: Path) -> Path:
    """A name beside `path` for what is being replaced."""
    return hidden(path, new_key(), _OLD)


def leftovers(path: Path, *kinds: str) -> list[Leftover]:
    """What killed processes left beside `path`; not that of another machine, and of those that may be running."""
    name = re.compile(rf"\.{re.escape(_short(path))}\.({_machine()}-(\d+)-[0-9a-f]{{8}})\.({'|'.join(kinds)})")
    try:
        found = [(entry, name.fullmatch(entry.name)) for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return []
    return [
        Leftover(entry, match[1], match[3])
        for entry, match in found
        if match is not None and match[1] not in _mine and not _running(int(match[2]))
    ]


def clean(path: Path) -> None:
    """Take away what killed processes left beside `path`; if that is an old `path` without a new one, put it back."""
    for left in leftovers(path, _NEW, _OLD):
        if left.kind == _OLD and not os.path.lexists(path):
            with suppress(OSError):
                left.path.rename(path)
        else:
            remove(left.path, tries=1)


def write_whole(path: Path, write: Callable[[Path], object], *, overwrite: bool, parents: bool = True) -> None:
    """Call `write` on a hidden name beside `path` and give what it wrote its name; `parents` are made if need be.

    Raises
    ------
    OutputError
        The target exists and may not be replaced, or the disk refuses; what was there before is as it was.
    """
    check_name(path)
    part, new = part_of(path), missing_parents(path)
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        place(part, path, overwrite=overwrite)
    except BaseException as error:
        remove(part)
        remove_empty(new)
        if isinstance(error, OSError):
            raise refused(path, error) from error
        raise


def place(part: Path, path: Path, *, overwrite: bool) -> None:
    """Give the complete `part` the name `path`, in one step.

    Raises
    ------
    FileExistsError
        Something has that name by now and `overwrite` is not set.
    """
    if overwrite and not part.is_dir():
        part.replace(path)
    elif os.name == "nt" or part.is_dir():
        if os.path.lexists(path):
            raise FileExistsError
        try:  # fails on Windows if anything is there by now, elsewhere if it is a folder with something in it
            part.rename(path)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise FileExistsError from error
            raise
    else:
        _claim(part, path)


def _claim(part: Path, path: Path) -> None:
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without links: an empty file keeps the name, for a moment
        path.touch(exist_ok=False)
        part.replace(path)
    else:
        part.unlink()


def check_name(path: Path) -> None:
    """Refuse a name that nothing can have: too long, or with characters that are not allowed.

    Raises
    ------
    OutputError
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise refused(path, error) from error
    except ValueError as error:
        raise OutputError(
            f"{str(path)!r} cannot be written: its name has characters that a file name cannot have"
        ) from error


def refused(path: Path, error: OSError) -> OutputError:
    """The error for a target that cannot be written; it names the target, not what it is written to at first."""
    if isinstance(error, FileExistsError):
        return OutputError(
            f"{path} exists, another program wrote it in the meantime: choose another name or allow overwriting",
            settings={"overwrite": ""},
        )
    return OutputError(f"cannot write {path}: {error.strerror or f'the disk may be full ({error})'}")


def surely(work: Callable[Given, None]) -> Callable[Given, None]:
    """Have a cleaning up that is interrupted begin again, and be interrupted when it is done."""

    @wraps(work)
    def done(*args: Given.args, **options: Given.kwargs) -> None:
        try:
            work(*args, **options)
        except KeyboardInterrupt:
            work(*args, **options)
            raise

    return done


@surely
def remove(path: Path, *, tries: int = _TRIES) -> None:
    """Take a file or folder away, as far as that can be done; other threads may still be writing in it."""
    for k in range(tries):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if not os.path.lexists(path):
            return
        if k + 1 < tries:
            time.sleep(_PAUSE)


def missing_parents(path: Path) -> list[Path]:
    """Folders above `path` that do not exist, deepest first."""
    return [folder for folder in path.absolute().parents if not os.path.lexists(folder)]


def remove_empty(folders: list[Path]) -> None:
    """Remove folders that a failed write has created, as far as they are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _short(path: Path) -> str:
    """The name of a path, or what stands for it where a longer one would be too long."""
    encoded = os.fsencode(path.name)
    return path.name if len(encoded) <= _LONGEST else sha256(encoded).hexdigest()


def _machine() -> str:
    """The machine, as far as it matters who writes to a shared disk."""
    return sha256(node().encode()).hexdigest()[:6]


def _running(process: int) -> bool:
    """Whether there is such a process, or may be: Windows is not asked, as asking would end it."""
    if os.name == "nt":
        return True
    if process == os.getpid():  # an earlier one of this number: it would be known here otherwise
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
