"""Names for what is not finished, and what becomes of it when a process is killed.

Files and folders are written beside their target under a hidden name that tells the machine and the process. The next
write to the same target takes away what processes left that are gone; an old result that was just being replaced comes
back.
"""

import os
import re
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from platform import node
from uuid import uuid4

__all__ = ["clean", "old_of", "part_of"]

_NEW, _OLD = "part", "old"


def part_of(path: Path) -> Path:
    """A name beside `path` for what is not finished."""
    return _beside(path, _NEW)


def old_of(path: Path) -> Path:
    """A name beside `path` for what is being replaced."""
    return _beside(path, _OLD)


def clean(path: Path) -> None:
    """Take away what killed processes left beside `path`; if that is an old `path` without a new one, put it back.

    What processes left on another machine, or may still be writing, stays.
    """
    name = re.compile(rf"\.{re.escape(path.name)}\.{_machine()}-(\d+)-[0-9a-f]{{8}}\.({_NEW}|{_OLD})")
    try:
        found = [(entry, name.fullmatch(entry.name)) for entry in path.parent.iterdir()]
    except OSError:
        return
    for entry, match in found:
        if match is None or _running(int(match[1])):
            continue
        with suppress(OSError):
            if match[2] == _OLD and not os.path.lexists(path):
                entry.rename(path)
            elif entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}-{uuid4().hex[:8]}.{kind}")


def _machine() -> str:
    """The machine, as far as it matters who writes to a shared disk."""
    return sha256(node().encode()).hexdigest()[:6]


def _running(process: int) -> bool:
    """Whether there is such a process, or may be: Windows is not asked, as asking would end it."""
    if process == os.getpid() or os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
