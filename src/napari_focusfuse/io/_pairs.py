"""Pairs of photographs in a folder: NAME_A and NAME_B, or NAME_1 and NAME_2; NAME_GT is the ground truth."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._image import read_image
from napari_focusfuse.io._names import columns_of
from napari_focusfuse.io._slices import slice_files
from napari_focusfuse.io._stack import title

__all__ = ["Pair", "find_pairs", "pairs_in", "pairs_of"]

_ENDING = re.compile(r"(?P<name>.+)[_-](?P<role>A|B|1|2|GT)", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """Two photographs of a scene, and the true image if it is known."""

    name: str
    first: Path
    second: Path
    truth: Path | None = None

    def sources(self) -> list[NDArray[Any]]:
        """The two photographs."""
        return [read_image(self.first), read_image(self.second)]


def find_pairs(folder: Path, *, truth: bool = False, limit: int | None = None) -> list[Pair]:
    """The pairs of a folder, in the natural order of their names.

    Parameters
    ----------
    folder : Path
    truth : bool
        Each pair must have its true image.
    limit : int, optional
        Take only the first ones.

    Raises
    ------
    StackError
        There are none, or one is not complete.
    """
    return _found(slice_files(folder), folder, truth=truth)[:limit]


def _found(files: Sequence[Path], folder: Path, *, truth: bool = False) -> list[Pair]:
    found: dict[str, dict[str, Path]] = {}
    for file in files:
        match = _ENDING.fullmatch(title(file))
        if match:
            roles = found.setdefault(match["name"], {})
            role = {"1": "A", "2": "B"}.get(match["role"], match["role"].upper())
            if role in roles:
                raise StackError(f"{file} and {roles[role].name} are the same half of a pair: remove one")
            roles[role] = file
    if not found:
        raise StackError(f"{folder} contains no pairs: their names must end in _A and _B, or _1 and _2")
    wanted = ("A", "B", "GT") if truth else ("A", "B")
    for name, roles in found.items():
        missing = [role for role in wanted if role not in roles]
        if missing:
            raise StackError(f"{folder} holds no {name}_{missing[0]}: each pair needs {' and '.join(wanted)}")
    return [Pair(name, roles["A"], roles["B"], roles.get("GT")) for name, roles in found.items()]


def pairs_in(folder: Path) -> list[Pair]:
    """The pairs of a folder that holds nothing else; none if its files are the slices of one stack.

    Two files alone are both a pair and a stack: they count as a stack.

    Raises
    ------
    StackError
        The names are those of pairs, but one is not complete.
    """
    return pairs_of(slice_files(folder), folder)


def pairs_of(files: Sequence[Path], folder: Path) -> list[Pair]:
    """The same of some files of a folder; slices z01_1, z01_2, z02_1... are no pairs."""
    titles = [title(file) for file in files]
    matches = [_ENDING.fullmatch(name) for name in titles]
    halves = Counter(match["name"] for match in matches if match and match["role"].upper() != "GT")
    if not all(matches) or len(matches) < 3 or 2 not in halves.values():
        return []
    counted = any(column.axis == "Z" and column.numbers for column in columns_of(titles) or [])
    return [] if counted else _found(files, folder)
