"""One position along the axes that a focus stack does not have, such as time."""

import re
from collections.abc import Mapping
from dataclasses import replace

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._stack import StackFile

__all__ = ["at_position", "axis_letter"]

#: napari's name of an axis without a label.
_NUMBERED = re.compile(r"axis (-\d+)")


def at_position(file: StackFile, position: Mapping[str, int]) -> StackFile:
    """Take one index along some axes.

    Parameters
    ----------
    file : StackFile
    position : mapping
        Index by axis: its letter, a name that begins with it ("t", "time"), or "axis -4", counted from the end without
        colour samples.

    Raises
    ------
    StackError
        There is no such axis, or it is shorter.
    """
    chosen = {axis_letter(file, name): int(k) for name, k in position.items()}
    for letter, k in chosen.items():
        length = file.data.shape[file.axes.index(letter)]
        if not 0 <= k < length:
            raise StackError(f"{file.path} has {length} positions along {letter}, not {k + 1}: give the file as it was")
    where = tuple(chosen.get(letter, slice(None)) for letter in file.axes)
    axes = "".join(letter for letter in file.axes if letter not in chosen)
    return replace(file, data=file.data[where], axes=axes)


def axis_letter(file: StackFile, name: str) -> str:
    """Letter of the axis of a file by its name in napari.

    Raises
    ------
    StackError
        There is none.
    """
    plain = file.axes.replace("S", "")
    numbered = _NUMBERED.fullmatch(name)
    if numbered and -int(numbered[1]) <= len(plain):
        return plain[int(numbered[1])]
    letter = name[:1].upper()
    if letter and letter in plain:
        return letter
    raise StackError(f"{file.path} has no axis {name!r} ({file.dimensions}): give the file as it was")
