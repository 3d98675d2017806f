"""Two files that belong together, such as a stack and its transforms: both are replaced, or neither.

Two renames cannot be one. So the second file is moved away before the first is replaced: where a process is killed in
between, the one of another run never lies beside it, and the next run finishes what was begun, or takes it back.
"""

import os
from collections.abc import Callable
from pathlib import Path

from napari_focusfuse.core.files import (
    check_name,
    hidden,
    leftovers,
    missing_parents,
    new_key,
    place,
    refused,
    remove,
    remove_empty,
    surely,
)

__all__ = ["clean_both", "write_both"]

Write = Callable[[Path], object]
#: Hidden names: of the new main file, of the new one beside it, and of the old one beside it.
_MAIN, _BESIDE, _OLD = "main", "beside", "before"


def write_both(main: tuple[Path, Write], beside: tuple[Path, Write], *, overwrite: bool) -> None:
    """Write two files of one folder, each by its path and a function that is given a hidden name to write to.

    Raises
    ------
    OutputError
        One of them exists and may not be replaced, or the disk refuses; what was there before is as it was.
    """
    (path, write), (path_beside, write_beside) = main, beside
    check_name(path)
    check_name(path_beside)
    clean_both(path, path_beside)
    new, key = missing_parents(path), new_key()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(hidden(path, key, _MAIN))
        write_beside(hidden(path_beside, key, _BESIDE))
        if os.path.lexists(path_beside):
            if not overwrite:
                raise FileExistsError
            path_beside.rename(hidden(path_beside, key, _OLD))
        place(hidden(path, key, _MAIN), path, overwrite=overwrite)
    except BaseException as error:
        _settle(path, path_beside, key)
        remove_empty(new)
        if isinstance(error, OSError):
            raise refused(path, error) from error
        raise
    _settle(path, path_beside, key)


def clean_both(path: Path, beside: Path) -> None:
    """Finish or take back what killed processes left half done."""
    left = [*leftovers(path, _MAIN), *leftovers(beside, _BESIDE, _OLD)]
    for key in dict.fromkeys(one.key for one in left):
        _settle(path, beside, key)


@surely
def _settle(path: Path, beside: Path, key: str) -> None:
    """If the main file has its name, the other gets its own; otherwise the old one comes back."""
    main, new, old = hidden(path, key, _MAIN), hidden(beside, key, _BESIDE), hidden(beside, key, _OLD)
    placed = not os.path.lexists(main) or (os.path.lexists(path) and main.samefile(path))
    right = new if placed and os.path.lexists(new) else old
    if os.path.lexists(right) and not os.path.lexists(beside):
        right.rename(beside)
    for left in (main, new, old):
        remove(left, tries=1)
