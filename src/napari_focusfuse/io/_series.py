"""Files in the order of their names: slices of one stack, or of several channels, time points and positions.

What names only suggest is reported in a note; what does not belong to the series is named.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_focusfuse.io._grid import COUNTED, Series, grid_of, slots_of
from napari_focusfuse.io._names import Column, columns_of, shape_of, words_of
from napari_focusfuse.io._stack import title

__all__ = ["Series", "arranged", "by_name", "in_given_order"]

#: Single letters in front of a few digits count something; cameras write P1010001 and C0001.
_FEW_DIGITS = 3
_SURE = (
    "c",
    "t",
    "p",
    "ch",
    "chan",
    "channel",
    "wv",
    "tp",
    "time",
    "timepoint",
    "pos",
    "position",
    "xy",
    "fov",
    "site",
)
#: Of as many files one may be named otherwise and is pointed out.
_ONE_IN = 8
#: Of one shot in several formats the first of these is read.
_PREFERRED = (".tif", ".tiff", ".png", ".jp2", ".bmp", ".webp")


def by_name(files: Sequence[Path]) -> list[Path]:
    """Files in the order of their numbers, signs and decimals understood; otherwise in natural order."""
    files = sorted(files, key=_natural)
    columns = columns_of([title(file) for file in files]) or []
    order = _order(columns, len(files))
    return files if order is None else [files[k] for k in _rolled(order)[0]]


def arranged(files: Sequence[Path]) -> Series:
    """Files of one folder by their names."""
    files, notes = _one_format(sorted(files, key=_natural))
    odd = _odd([title(file) for file in files])
    regular = [file for k, file in enumerate(files) if k not in odd]
    columns = columns_of([title(file) for file in regular]) or []
    grid = grid_of(regular, columns)
    if odd:
        named = " and ".join(files[k].name for k in sorted(odd))
        becomes = "left out" if grid else "read as a slice, exclude it if it is not one"
        notes.append(f"holds {named}, unlike the other files by name: {becomes}")
    if grid is not None:
        return grid._replace(notes=(*notes, *grid.notes))
    order = _order(columns, len(regular))
    notes += _counts(columns, order)
    if order is None or odd:
        return Series(tuple(by_name(files)), lengths=(len(files),), notes=tuple(notes))
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


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key: runs of digits by their value, the rest without regard to case."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)], path.name


def _one_format(files: list[Path]) -> tuple[list[Path], list[str]]:
    """Of shots that are there in several formats one each, if that is so of most."""
    shots: dict[str, list[Path]] = {}
    for file in files:
        shots.setdefault(title(file).lower(), []).append(file)
    double = [shot for shot in shots.values() if len({file.suffix.lower() for file in shot}) > 1]
    if 2 * len(double) < len(shots) or not double:
        return files, []

    def rank(file: Path) -> int:
        suffix = file.suffix.lower()
        return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)

    kept = [min(shot, key=rank) for shot in shots.values()]
    left = sorted({file.suffix for file in set(files) - set(kept)})
    taken = sorted({min(shot, key=rank).suffix for shot in double})
    return kept, [f"contains slices twice: {' and '.join(taken)} are read, not {' and '.join(left)}"]


def _odd(stems: Sequence[str]) -> set[int]:
    """Numbers of the few names that are built otherwise, or of other words, than nearly all."""
    odd = _few(shapes := [shape_of(stem) for stem in stems])
    usual = [k for k in range(len(shapes)) if k not in odd]
    return odd | {usual[k] for k in _few([words_of(stems[k]) for k in usual])}


def _few(kinds: Sequence[str]) -> set[int]:
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
