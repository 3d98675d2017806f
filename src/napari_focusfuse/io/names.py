"""What varies in the names of files: numbers with sign and decimals, what they count, and words such as channels."""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_focusfuse.io.facts import unit_um

__all__ = ["Column", "columns_of", "listed", "natural", "shape_of", "slots_of", "words_of"]

#: A number with its sign and dots, a word, or what lies between them. A minus behind a digit is a hyphen.
_ATOM = re.compile(
    r"(?P<number>(?:(?<!\d)[+-])?\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+)|(?P<between>[\W_]+?(?=[+-]?\d|[^\W\d_]|$))"
)
_NUMBER, _WORD = "n", "w"
#: What a mark in front of a number counts: an axis letter as in tifffile, P for positions.
_MARKS = {
    "Z": ("z", "zpos", "slice", "plane", "focus", "depth"),
    "C": ("c", "ch", "chan", "channel", "w", "wv", "wave", "wavelength", "d"),
    "T": ("t", "tp", "time", "timepoint"),
    "P": ("p", "pos", "position", "xy", "f", "fld", "fov", "field", "s", "series", "site", "scene", "m", "well", "r"),
}
_AXIS = {mark: axis for axis, marks in _MARKS.items() for mark in marks}
#: The number of a slice by its mark, wherever it stands.
_SLICE = re.compile(r"(?<![^\W\d_])(?:z|zpos|slice|plane|focus)[-_ ]?([+-]?\d+(?:[.,]\d+)?)(?!\d)", re.IGNORECASE)
_LAST = re.compile(r"(?<=[\W_])(\d+)$")
#: The end of a text in the middle of a word.
_OPEN = re.compile(r"[^\W_]+$")
#: Row, column, field and plane, as Operetta and Opera name their files: c is no channel, and p no position.
_PLATE = ("r", "c", "f", "p")
_Atom = tuple[str, str]


class Column(NamedTuple):
    """What varies at one place of the names.

    Attributes
    ----------
    mark : str
        Word in front of the number, in lower case; "" if none.
    axis : str
        What it counts: Z, C, T or P; "" if the names do not say it.
    texts : tuple of str
        As written, a file each.
    numbers : tuple of float or None
        The same as numbers; None of words.
    um : tuple of float or None
        The numbers in um, where a unit of length follows each.
    """

    mark: str
    axis: str
    texts: tuple[str, ...]
    numbers: tuple[float, ...] | None = None
    um: tuple[float, ...] | None = None


def shape_of(stem: str) -> str:
    """How a name is built of words (w) and numbers (n), without what they are: "w1_2-a" is "wn n w"."""
    return " ".join("".join(kind for kind, _ in field) for field in _fields(stem))


def words_of(stem: str) -> str:
    """The words of a name in lower case, one after another."""
    return " ".join(text.lower() for field in _fields(stem) for kind, text in field if kind == _WORD)


def columns_of(stems: Sequence[str]) -> list[Column] | None:
    """What varies in names, from left to right; places that vary together come once.

    Parameters
    ----------
    stems : sequence of str
        Names of files without suffixes.

    Returns
    -------
    list of Column, or None
        None where the names are not built alike.
    """
    named = [_fields(stem) for stem in stems]
    if len({len(fields) for fields in named}) != 1:
        return _beside_number(stems)
    found: list[Column] = []
    before = ""
    for place in zip(*named, strict=True):
        made, before = _columns_at(place, before)
        found += [column for column in made if len(set(column.texts)) > 1]
    return _once(found)


def _beside_number(stems: Sequence[str]) -> list[Column] | None:
    """The number of the slice, and all else in the name as one word; None where not all names have such a number."""
    for pattern, mark, axis in ((_SLICE, "z", "Z"), (_LAST, "", "")):
        found = [match for stem in stems if (match := pattern.search(stem)) is not None]
        if 0 < len(found) == len(stems):
            rest = [match.string[: match.start()] + match.string[match.end() :] for match in found]
            columns = [Column("", "", _unlike(rest)), *_numbers(mark, axis, [match[1] for match in found], "")]
            return [column for column in columns if len(set(column.texts)) > 1]
    return None


def _unlike(texts: Sequence[str]) -> tuple[str, ...]:
    """Texts without the words and numbers that all of them begin or end with."""
    start = len(_OPEN.sub("", _alike(texts)))
    rest = [text[start:][::-1] for text in texts]
    end = len(_OPEN.sub("", _alike(rest)))
    return tuple(text[end:][::-1].strip(" _-.()") for text in rest)


def _alike(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    places = takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in places)


def _fields(stem: str) -> list[list[_Atom]]:
    """The atoms of a name, by what separates them."""
    fields: list[list[_Atom]] = [[]]
    for match in _ATOM.finditer(stem):
        if match["between"] is not None:
            fields.append([])
        else:
            fields[-1].append((_NUMBER if match["number"] else _WORD, match[0]))
    return [field for field in fields if field]


def _columns_at(place: Sequence[list[_Atom]], before: str) -> tuple[list[Column], str]:
    """Columns of one field of all names, and the word it is, for the number in the field behind it."""
    words = {tuple(text.lower() for kind, text in field if kind == _WORD) for field in place}
    kinds = {tuple(kind for kind, _ in field) for field in place}
    if len(words) > 1 or len(kinds) > 1:
        texts = tuple("".join(text for _, text in field) for field in place)
        mark = before or next(iter(place[0]), ("", ""))[1].lower()
        marked = _AXIS.get(mark, "") if all(field[0][1].lower() == mark for field in place) or before else ""
        return [Column(before, marked, texts)], ""
    plate = next(iter(words))[:4] == _PLATE
    made: list[Column] = []
    mark = before
    for k, (kind, text) in enumerate(place[0]):
        if kind == _WORD:
            mark = text.lower()
            continue
        following = place[0][k + 1][1] if k + 1 < len(place[0]) else ""
        axis = {"p": "Z", "c": "P"}.get(mark) if plate else None
        made += _numbers(mark, axis or _AXIS.get(mark, ""), [field[k][1] for field in place], following)
        mark = ""
    return made, mark if mark in _AXIS else ""


def _numbers(mark: str, axis: str, texts: Sequence[str], following: str) -> list[Column]:
    """Runs of digits and dots as columns: one of numbers, or one for each number where the dots only separate."""
    runs = [re.split(r"[.,]", text) for text in texts]
    parts = {len(run) for run in runs}
    if parts == {1} or (max(parts) == 2 and not _counted(runs)):
        numbers = [float(text.replace(",", ".")) for text in texts]
        if all(text.startswith("-") for text in texts):  # a hyphen in front of all of them
            numbers = [-number for number in numbers]
        factor = unit_um(following) if following else None
        um = None if factor is None else tuple(number * factor for number in numbers)
        return [Column(mark, axis, tuple(texts), tuple(numbers), um)]
    if len(parts) > 1:
        return [Column(mark, axis, tuple(texts))]
    marks = [(mark, axis), *[("", "")] * (parts.pop() - 1)]
    return [
        Column(*own, texts=part, numbers=tuple(abs(float(text)) for text in part))
        for own, part in zip(marks, zip(*runs, strict=True), strict=True)
    ]


def _counted(runs: Sequence[Sequence[str]]) -> bool:
    """Whether what is behind the dot is a number of its own: 1.9 before 1.10, which no decimal is written as."""
    behind = [run[1] for run in runs if len(run) > 1]
    return len({len(text) for text in behind}) > 1 and any(text.endswith("0") for text in behind)


def _once(columns: Sequence[Column]) -> list[Column]:
    """Of columns that vary together, such as w1DAPI, the one whose mark says what it counts, or the first."""
    kept: dict[tuple[int, ...], Column] = {}
    for column in columns:
        first: dict[str, int] = {}
        which = tuple(first.setdefault(text, len(first)) for text in column.texts)
        if which not in kept or (column.axis and not kept[which].axis):
            kept[which] = column
    return list(kept.values())


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key: runs of digits by their value, the rest without regard to case."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)], path.name


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
    numbered = "number" if missing == 1 else "numbers"
    return tuple(whole), [f"lacks {numbered} {listed(gone)} in the names of its slices: the gap is kept in z"]


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few of some names, for people."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
