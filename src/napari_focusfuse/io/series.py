"""Files in the order of their names: slices of one stack, or of several channels, time points and positions.

What names only suggest is reported in a note; what does not belong to the series is named.
"""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_focusfuse.io.facts import Channel
from napari_focusfuse.io.names import Column, columns_of, listed, natural, shape_of, slots_of, words_of
from napari_focusfuse.io.stack_file import title

__all__ = ["COUNTED", "READ_ANYWAY", "Series", "arranged", "by_name", "few", "grid_of", "in_given_order", "slots_of"]

#: Single letters in front of a few digits count something; cameras write P1010001 and C0001.
_FEW_DIGITS = 3
_SURE = (*"ctp", "ch", "chan", "channel", "wv", "tp", "time", "timepoint", "pos", "position", "xy", "fov", "site")
#: Of as many files one may be named otherwise and is pointed out.
_ONE_IN = 8
#: Of one shot in several formats the first of these is read.
_RANKS = {suffix: k for k, suffix in enumerate((".tif", ".tiff", ".png", ".jp2", ".bmp", ".webp"))}
#: What is counted along the axes besides the slices.
COUNTED = {"C": "channels", "T": "time points", "P": "positions"}
#: Part of the files of a grid that must be there.
_THERE = 0.75
#: What becomes of a file that may be no slice.
READ_ANYWAY = "read as a slice, exclude it if it is not one"
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
    suspects : tuple of Path
        Files that may be no slices.
    """

    files: tuple[Path, ...]
    axes: str = "Z"
    lengths: tuple[int, ...] = ()
    channels: tuple[Channel, ...] = ()
    slots: tuple[int, ...] | None = None
    um: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()
    suspects: tuple[Path, ...] = ()


def by_name(files: Sequence[Path]) -> list[Path]:
    """Files in the order of their numbers, signs and decimals understood; otherwise in natural order."""
    files = sorted(files, key=natural)
    columns = columns_of([title(file) for file in files]) or []
    order = _order(columns, len(files))
    return files if order is None else [files[k] for k in _rolled(order)[0]]


def arranged(files: Sequence[Path]) -> Series:
    """Files of one folder by their names."""
    files, notes = _one_format(sorted(files, key=natural))
    odd = _odd([title(file) for file in files])
    regular = [file for k, file in enumerate(files) if k not in odd]
    columns = columns_of([title(file) for file in regular]) or []
    grid = grid_of(regular, columns)
    if odd:
        named = " and ".join(files[k].name for k in sorted(odd))
        becomes = "left out" if grid else READ_ANYWAY
        notes.append(f"holds {named}, unlike the other files by name: {becomes}")
    if grid is not None:
        return grid._replace(notes=(*notes, *grid.notes))
    order = _order(columns, len(regular))
    notes += _counts(columns, order)
    if order is None or odd:
        suspects = tuple(files[k] for k in sorted(odd))
        return Series(tuple(by_name(files)), lengths=(len(files),), notes=tuple(notes), suspects=suspects)
    return _line(regular, order, notes)


def in_given_order(files: Sequence[Path]) -> Series:
    """Files as slices in the order given; a note where their names suggest more than one stack."""
    series = arranged(files)
    if series.files == tuple(files) and series.axes == "Z":
        return series
    columns = columns_of([title(file) for file in files]) or []
    notes = _counts(columns, _order(columns, len(files)))
    if len(series.axes) > 1 and not notes:
        counted = zip(series.lengths, series.axes[:-1], strict=False)
        notes = _counted([f"{count} {COUNTED[axis]}" for count, axis in counted])
    return Series(tuple(files), lengths=(len(files),), notes=tuple(notes))


def _one_format(files: list[Path]) -> tuple[list[Path], list[str]]:
    """Of shots that are there in several formats one each, if that is so of most."""
    shots: dict[str, list[Path]] = {}
    for file in files:
        shots.setdefault(title(file).lower(), []).append(file)
    double = [name for name, shot in shots.items() if len({file.suffix.lower() for file in shot}) > 1]
    if 2 * len(double) < len(shots) or not double:
        return files, []

    best = {
        name: min(shot, key=lambda file: _RANKS.get(file.suffix.lower(), len(_RANKS))) for name, shot in shots.items()
    }
    kept = list(best.values())
    left = sorted({file.suffix for file in set(files) - set(kept)})
    taken = sorted({best[name].suffix for name in double})
    return kept, [f"contains slices twice: {' and '.join(taken)} are read, not {' and '.join(left)}"]


def _odd(stems: Sequence[str]) -> set[int]:
    """Numbers of the few names that are built otherwise, or of other words, than nearly all."""
    odd = few(shapes := [shape_of(stem) for stem in stems])
    usual = [k for k in range(len(shapes)) if k not in odd]
    return odd | {usual[k] for k in few([words_of(stems[k]) for k in usual])}


def few(kinds: Sequence[Hashable]) -> set[int]:
    """Where something else stands than nearly everywhere."""
    ((usual, count),) = Counter(kinds).most_common(1) or [("", 0)]
    others = len(kinds) - count
    if count < 3 or others > max(1, len(kinds) // _ONE_IN):
        return set()
    return {k for k, kind in enumerate(kinds) if kind != usual}


def _order(columns: Sequence[Column], count: int) -> Column | None:
    """The numbers that tell each slice from each other, by their mark or because no others vary, as in dates."""
    numbers = [column for column in columns if column.numbers is not None]
    marked = [column for column in numbers if column.axis == "Z"]
    told = marked or numbers
    return told[0] if len(told) == 1 and len(set(told[0].numbers or ())) == count > 1 else None


def _line(files: Sequence[Path], column: Column, notes: list[str]) -> Series:
    """Files as slices in the order of their numbers."""
    order, numbers = _rolled(column)
    if sorted(order, key=lambda k: (column.numbers or ())[k]) != order:
        texts = [column.texts[k] for k in order]
        notes.append(f"has a counter that starts again at {min(texts)}: {texts[0]} is read as the first slice")
    slots, told = slots_of([numbers[k] for k in order])
    um = None if column.um is None else tuple(column.um[k] for k in order)
    ordered = tuple(files[k] for k in order)
    return Series(ordered, lengths=(len(ordered),), slots=slots, um=um, notes=(*notes, *told))


def _rolled(column: Column) -> tuple[list[int], tuple[float, ...]]:
    """Order of the files by their numbers, and these: a camera's counter goes on with 1 after 9999."""
    numbers = column.numbers or ()
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    width = {len(text) for text in column.texts}
    last = 10 ** max(width) - 1
    low, high = numbers[order[0]], numbers[order[-1]]
    gaps = np.diff([numbers[k] for k in order])
    if column.axis or len(width) > 1 or max(width) < 3 or low not in (0, 1) or high != last or gaps.max() <= len(order):
        return order, numbers
    after = int(gaps.argmax()) + 1
    more = last + 1 - low
    numbers = tuple(number + more if number <= numbers[order[after - 1]] else number for number in numbers)
    return order[after:] + order[:after], numbers


def _counts(columns: Sequence[Column], order: Column | None) -> list[str]:
    """A note where names count time points, channels or positions: such files are not all slices of one stack."""
    counted = [
        f"{len(set(column.texts))} {COUNTED[column.axis]}"
        for column in columns
        if column.axis in COUNTED and (column is not order or _surely(column)) and column.mark in _SURE
    ]
    return _counted(counted)


def _counted(counted: Sequence[str]) -> list[str]:
    if not counted:
        return []
    return [f"has file names with {' and '.join(counted)}: a stack needs one, check the folder"]


def _surely(column: Column) -> bool:
    """Whether a mark counts what it seems to, where nothing else in the names varies."""
    if len(column.mark) > 1 or max(map(len, column.texts)) <= _FEW_DIGITS:
        return True
    return column.mark == "t" and bool((np.diff(sorted(column.numbers or ())) == 1).all())  # no time of the day


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
    names = listed([_label(columns, key) for key in values["C"]], 4)
    return [f"has files whose names differ in {names}: these are read as channels"]


def _lost(count: int, depths: Sequence[float], whole: Sequence[float]) -> list[str]:
    """A note of slices that not all channels and time points have."""
    gone = [f"{depth:g}" for depth in depths if depth not in whole]
    if not gone:
        return []
    return [f"lacks files of slice {listed(gone)} by their names: the others of the same slice ({count}) are left out"]
