"""Parts of a file along its axes: one position, one channel, some of the slices; and axes by other letters."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.stack_file import StackFile, gapped, stack_letter

__all__ = ["at_channel", "at_position", "axis_letter", "slices_of", "some_slices", "told_slices", "with_axes"]

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
            raise StackError(
                f"{file.path} has {length} positions along {letter}, not {k + 1}: restore the original file"
            )
    where = tuple(chosen.get(letter, slice(None)) for letter in file.axes)
    axes = "".join(letter for letter in file.axes if letter not in chosen)
    coarser = tuple(level[where] for level in file.coarser)
    return replace(file, data=file.data[where], axes=axes, inputs=_inputs(file, where), coarser=coarser)


def at_channel(file: StackFile, channel: int | str) -> StackFile:
    """Take one channel.

    Parameters
    ----------
    file : StackFile
    channel : int or str
        Its name, or its number from 0 on.

    Raises
    ------
    StackError
        There is none of that name or number.
    """
    if "C" not in file.axes:
        raise StackError(f"{file.path} has no channels ({file.dimensions}): leave the channel out")
    count = file.data.shape[file.axes.index("C")]
    names = [one.name for one in file.channels] if len(file.channels) == count else []
    number = names.index(channel) if channel in names else int(channel) if str(channel).isdecimal() else -1
    if not 0 <= number < count:
        listed = ", ".join(f"{k} ({name})" if name else str(k) for k, name in enumerate(names or [None] * count))
        raise StackError(f"{file.path} has no channel {channel!r}: choose from {listed}")
    one = file.channels[number : number + 1] if names else ()
    return replace(at_position(file, {"C": number}), channels=one)


def some_slices(file: StackFile, slices: slice | Sequence[int], axis: str | None = None) -> StackFile:
    """Take a range of the slices, every k-th, or any; their positions stay.

    Parameters
    ----------
    file : StackFile
        As `StackFile.focus_stack` gives it, or any with an `axis`.
    slices : slice or sequence of int
        First slice, the one behind the last, and step (greater than 0), from 0 on; or the numbers, ascending.
    axis : str, optional
        Letter of the stack axis, where it is not that in front of Y and X.

    Raises
    ------
    StackError
        These are fewer than two, or there is no such slice.
    """
    letter = axis or stack_letter(file)
    count = file.data.shape[file.axes.index(letter)]
    try:
        chosen = list(range(count)[slices] if isinstance(slices, slice) else slices)
    except ValueError:  # a step of 0
        chosen = []
    if len(chosen) < 2 or chosen != sorted(set(chosen)) or chosen[0] < 0 or chosen[-1] >= count:
        raise StackError(
            f"{file.path} has {count} slices: the selected ones are fewer than two, not in order, or not there"
        )
    here = slices if isinstance(slices, slice) else chosen
    where = tuple(here if a == letter else slice(None) for a in file.axes)
    part = replace(file, data=file.data[where], inputs=_inputs(file, where), coarser=())
    if letter in "TC":  # they have no positions
        return part
    numbers = [(file.slots or range(count))[k] for k in chosen]
    z_step, z, slots = gapped(file.z and [file.z[k] for k in chosen], file.z_step, numbers)
    return replace(part, z_step=z_step, z=z, slots=slots)


def told_slices(slices: slice | Sequence[int] | None) -> list[int | None] | dict[str, list[int]] | None:
    """Which slices are taken, as a recipe tells it: start, stop and step, or their numbers."""
    if slices is None or isinstance(slices, slice):
        return slices and [slices.start, slices.stop, slices.step]
    return {"numbers": [int(k) for k in slices]}


def slices_of(told: Sequence[int | None] | Mapping[str, Sequence[int]]) -> slice | Sequence[int]:
    """The same from a recipe."""
    return told["numbers"] if isinstance(told, Mapping) else slice(*told)


def _inputs(file: StackFile, where: tuple[int | list[int] | slice, ...]) -> tuple[Path, ...]:
    """The files that hold a part, where each plane is a file of its own; all otherwise."""
    lengths = tuple(n for n, letter in zip(file.data.shape, file.axes, strict=True) if letter not in "YXS")
    if len(file.inputs) != math.prod(lengths) or len(file.inputs) == 1:
        return file.inputs
    numbers = np.arange(len(file.inputs)).reshape(lengths)[where[: len(lengths)]]
    return tuple(file.inputs[int(k)] for k in numbers.ravel())


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
    raise StackError(f"{file.path} has no axis {name!r} ({file.dimensions}): restore the original file")


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
        raise StackError(f"{file.path} has other axes ({file.dimensions}) than {axes}: restore the original file")
    data = file.data.transpose(others + [file.axes.index(letter) for letter in found])[(0,) * len(others)]
    return replace(file, data=data, axes=axes)
