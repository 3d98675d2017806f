"""One position along the axes that a focus stack does not have, such as time."""

import re
from collections.abc import Mapping
from dataclasses import replace

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._stack import StackFile

__all__ = ["at_position", "axis_letter", "with_axes"]

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


def with_axes(file: StackFile, axes: str, names: Mapping[str, str]) -> StackFile:
    """Bring the axes of a file in an order; those that are not wanted must have a length of 1.

    Parameters
    ----------
    file : StackFile
    axes : str
        A letter for each axis, S for colour, which may be the channels of the file.
    names : mapping
        What the file calls them, as for `at_position`; its own letters if left out.

    Raises
    ------
    StackError
        The file has other axes.
    """
    if "S" in axes and "S" not in file.axes:
        file = replace(file, axes=file.axes.replace("C", "S"))
    found = [letter if letter == "S" else axis_letter(file, names.get(letter, letter)) for letter in axes]
    others = [i for i, letter in enumerate(file.axes) if letter not in found]
    if set(found) - set(file.axes) or any(file.data.shape[i] > 1 for i in others):
        raise StackError(f"{file.path} has other axes ({file.dimensions}) than {axes}: give the file as it was")
    data = file.data.transpose(others + [file.axes.index(letter) for letter in found])[(0,) * len(others)]
    return replace(file, data=data, axes=axes)
