"""A folder that holds more than one stack: slices by channels, time points and positions, by the names of its files."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_focusfuse.io._facts import Channel
from napari_focusfuse.io._names import Column

__all__ = ["COUNTED", "Series", "grid_of", "slots_of"]

#: What is counted along the axes besides the slices.
COUNTED = {"C": "channels", "T": "time points", "P": "positions"}
#: Part of the files of a grid that must be there.
_THERE = 0.75
_WAVELENGTH = re.compile(r"w\d+(.+)", re.IGNORECASE)

_Key = tuple[str, ...]


class Series(NamedTuple):
    """Files in order.

    Attributes
    ----------
    files : tuple of Path
        The last axis runs fastest.
    axes : str
        "Z", with T, P and C in front where the names count them.
    lengths : tuple of int
        Of these axes.
    channels : tuple of Channel
    slots : tuple of int or None
        Number of each slice from 0 on, where some are missing.
    um : tuple of float or None
        Position of each slice, where the names give it with a unit.
    notes : tuple of str
    """

    files: tuple[Path, ...]
    axes: str = "Z"
    lengths: tuple[int, ...] = ()
    channels: tuple[Channel, ...] = ()
    slots: tuple[int, ...] | None = None
    um: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()


def grid_of(files: Sequence[Path], columns: Sequence[Column]) -> Series | None:
    """Files as slices of several channels, time points or positions; None if they are no such thing.

    Parameters
    ----------
    files : sequence of Path
    columns : sequence of Column
        What varies in their names.
    """
    z, others = _roles(columns, len(files))
    if z is None or z.numbers is None or not others:
        return None
    keys = {a: [tuple(column.texts[k] for column in others[a]) for k in range(len(files))] for a in others}
    values = {a: _sorted(others[a], keys[a]) for a in others}
    axes = "".join(a for a in "TPC" if a in others)
    places = {where: k for k, where in enumerate(zip(*(keys[a] for a in axes), z.numbers, strict=True))}
    cells = list(product(*(values[a] for a in axes)))
    depths = sorted(set(z.numbers))
    whole = [depth for depth in depths if all((*cell, depth) in places for cell in cells)]
    if len(whole) < 2 or len(places) < _THERE * len(cells) * len(depths):
        return None
    kept = [places[*cell, depth] for cell in cells for depth in whole]
    slots, notes = slots_of(whole)
    um = None if z.um is None else tuple(z.um[z.numbers.index(depth)] for depth in whole)
    notes += [*_suggested(others, values), *_lost(len(files) - len(kept), depths, whole)]
    return Series(
        tuple(files[k] for k in kept),
        f"{axes}Z",
        (*(len(values[a]) for a in axes), len(whole)),
        tuple(Channel(_label(others["C"], key)) for key in values.get("C", [])),
        slots,
        um,
        tuple(notes),
    )


def slots_of(numbers: Sequence[float]) -> tuple[tuple[int, ...] | None, list[str]]:
    """Number of each slice from 0 on where some are missing, and a note of those; None where none is."""
    steps = np.diff(numbers)
    if len(steps) < 2 or steps.min() <= 0:
        return None, []
    step = steps.min()
    slots = np.concatenate([[0], np.cumsum(steps / step)])
    missing = round(slots[-1]) + 1 - len(numbers)
    often = 2 * int((steps < 1.01 * step).sum()) >= len(steps)
    if not 0 < missing <= len(numbers) or not often or np.abs(slots - np.rint(slots)).max() > 0.01:
        return None, []
    whole = [round(slot) for slot in slots]
    gone = [f"{numbers[0] + k * step:g}" for k in range(whole[-1]) if k not in whole]
    listed = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")
    told = f"lacks {'number' if missing == 1 else 'numbers'} {listed} in the names of its slices: the gap is kept in z"
    return tuple(whole), [told]


def _roles(columns: Sequence[Column], count: int) -> tuple[Column | None, dict[str, list[Column]]]:
    """Which column counts the slices, and which the axes besides; as few as tell all files apart."""
    marked = [column for column in columns if column.axis == "Z"]
    loose = [column for column in columns if not column.axis and column.numbers is not None]
    slices = marked or loose
    if len(slices) != 1:
        return None, {}
    z = slices[0]
    others: dict[str, list[Column]] = {}
    words = [column for column in columns if not column.axis and column.numbers is None]
    for some in ([column for column in columns if column.axis in COUNTED], words, loose if marked else []):
        if _apart([z, *(column for known in others.values() for column in known)], count):
            break
        for column in some:
            others.setdefault(column.axis or "C", []).append(column)
    told = _apart([z, *(column for known in others.values() for column in known)], count)
    return (z, others) if told else (None, {})


def _apart(columns: Sequence[Column], count: int) -> bool:
    """Whether no two files are the same in all columns."""
    return len(set(zip(*(column.texts for column in columns), strict=True))) == count


def _sorted(columns: Sequence[Column], keys: Sequence[_Key]) -> list[_Key]:
    """The different keys, by their numbers where they are numbers."""
    order = {}
    for k, key in enumerate(keys):
        order[key] = [column.texts[k].lower() if column.numbers is None else column.numbers[k] for column in columns]
    return sorted(order, key=order.__getitem__)


def _label(columns: Sequence[Column], key: _Key) -> str:
    """Name of a channel: w1DAPI is DAPI, ch01 stays."""
    words = [_WAVELENGTH.fullmatch(text) for text in key]
    texts = [found[1] if found else text for found, text in zip(words, key, strict=True)]
    marks = [column.mark if column.numbers is not None else "" for column in columns]
    return " ".join(f"{mark}{text}" for mark, text in zip(marks, texts, strict=True))


def _suggested(others: dict[str, list[Column]], values: dict[str, list[_Key]]) -> list[str]:
    """A note where the names do not say what is taken for channels."""
    columns = others.get("C", [])
    if not columns or all(column.axis for column in columns):
        return []
    listed = ", ".join(_label(columns, key) for key in values["C"][:4])
    more = ", ..." if len(values["C"]) > 4 else ""
    return [f"has files whose names differ in {listed}{more}: these are read as channels"]


def _lost(count: int, depths: Sequence[float], whole: Sequence[float]) -> list[str]:
    """A note of slices that not all channels and time points have."""
    gone = [f"{depth:g}" for depth in depths if depth not in whole]
    if not gone:
        return []
    listed = ", ".join(gone[:5]) + (", ..." if len(gone) > 5 else "")
    return [f"lacks files of slice {listed} by their names: the others of the same slice ({count}) are left out"]
