"""Results on disk, a row for each image and contender: written as they come, so that a run can be interrupted.

The first line holds settings, programs and provenance as JSON behind ``# ``, the second the names of the columns.
"""

import csv
import io
import json
import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["NOTE", "Row", "Rows", "Stored", "write_csv"]

#: Column that says why there are no scores.
NOTE = "note"
#: What may differ between runs that add up, and how both are told.
_JOINTS = {"date": " and ", "commit": " and ", "command": "`, then `"}

Row = dict[str, Any]


class Rows:
    """Rows of one part of the benchmark, in memory and in a CSV file.

    Parameters
    ----------
    path : Path
        The file; read if it is there.
    keys : sequence of str
        Columns that tell one row from the other; text.
    values : sequence of str
        Columns of numbers; NaN is an empty cell. A column `NOTE` is added.
    settings : mapping
        What rows depend on besides their keys: plain JSON. Rows of other settings are refused.
    made : mapping
        What else there is to tell: date, command, hardware. A run that adds rows to an earlier one's adds its own.
    programs : mapping of method to str, optional
        Fingerprints of those that take part, empty for methods of ours: rows that the file has of another are refused.

    Attributes
    ----------
    settings, made : dict

    Raises
    ------
    FocusFuseError
        The file holds rows of other settings, or something else.
    """

    def __init__(
        self,
        path: Path,
        keys: Sequence[str],
        values: Sequence[str],
        settings: Mapping[str, Any],
        made: Mapping[str, Any],
        programs: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self._keys, self._values = path, tuple(keys), tuple(values)
        self.settings: dict[str, Any] = json.loads(json.dumps(dict(settings)))
        self.made: dict[str, Any] = dict(made)
        self._programs = dict(programs or {})
        self._now: dict[str, Any] = {}
        self._rows: dict[tuple[str, ...], Row] = {}
        if path.exists():
            self._read()
        self._begun = False

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, **keys: str) -> bool:
        """Whether there is such a row."""
        return tuple(keys[name] for name in self._keys) in self._rows

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to the file at once."""
        new = [_typed(row, self._keys, self._values) for row in rows]
        self.made, self._now = _together(self.made, self._now), {}
        if not self._begun:
            # The first line tells of this run too before any row of it is there.
            self._write(self._rows.values())
            self._begun = True
        text = "".join(self._line(row) for row in new)
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error
        for row in new:
            self._rows[self._key(row)] = row

    def finish(self) -> None:
        """Write the file anew with the rows in order, whatever the order in which they came."""
        ordered = sorted(self._rows, key=lambda key: [_natural(part) for part in key])
        self._rows = {key: self._rows[key] for key in ordered}
        self._write(self._rows.values())

    def _key(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in self._keys)

    def _line(self, row: Row) -> str:
        return _csv_line([_cell(cell) for cell in row.values()])

    def _write(self, rows: Iterable[Row]) -> None:
        said = {"settings": self.settings, "programs": self._programs, "made": self.made}
        head = "# " + json.dumps(said, ensure_ascii=False) + "\n"
        text = head + _csv_line([*self._keys, *self._values, NOTE]) + "".join(self._line(row) for row in rows)
        _replace(self.path, text)

    def _read(self) -> None:
        """Take over the rows of an earlier run; a line that is not whole and rows that failed are left out."""
        said, columns, lines = _parts(self.path)
        there, self._now, self.made = said["settings"], self.made, said["made"]
        for name in self.settings.keys() | there.keys():
            if there.get(name) != self.settings.get(name):
                raise FocusFuseError(
                    f"{self.path} holds rows of other settings ({name} {there.get(name)}, now "
                    f"{self.settings.get(name)}): choose another folder, or remove that file"
                )
        kept = [row for row in _parsed(self.path, columns, lines, self._keys, self._values) if not row[NOTE]]
        self._check_programs(said.get("programs", {}), {row.get("method") for row in kept})
        self._rows = {self._key(row): row for row in kept}
        if len(kept) < len(lines):
            self._write(kept)

    def _check_programs(self, there: Mapping[str, str], methods: Collection[Any]) -> None:
        """Refuse rows of a program that had another command; take over those that do not take part now."""
        for name, fingerprint in self._programs.items():
            if name in methods and there.get(name, "") != fingerprint:
                raise FocusFuseError(
                    f"{self.path} holds rows of another {name!r} (command, type or bits): choose another folder, or "
                    f"give the program another name"
                )
        self._programs = {**there, **self._programs}


@dataclass(frozen=True)
class Stored:
    """Rows of a file as they are, of whatever settings and with those that failed.

    Attributes
    ----------
    rows : list of Row
    settings, made : dict
    """

    rows: list[Row]
    settings: dict[str, Any]
    made: dict[str, Any]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @classmethod
    def read(cls, path: Path, keys: Sequence[str], values: Sequence[str]) -> Self:
        """Read a file and leave it alone.

        Raises
        ------
        FocusFuseError
            The file holds something else.
        """
        said, columns, lines = _parts(path)
        # What failed and was run again is there twice.
        rows = {tuple(row[key] for key in keys): row for row in _parsed(path, columns, lines, keys, values)}
        return cls(list(rows.values()), said["settings"], said["made"])


def _parts(path: Path) -> tuple[dict[str, Any], str, list[str]]:
    """What the first line says, the line of the columns, the others."""
    try:
        head, columns, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        said = json.loads(head.removeprefix("# "))
        if not (isinstance(said["settings"], dict) and isinstance(said["made"], dict)):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FocusFuseError(f"{path} holds no rows of a benchmark: choose another folder") from error
    return said, columns, lines


def _parsed(path: Path, columns: str, lines: Sequence[str], keys: Sequence[str], values: Sequence[str]) -> list[Row]:
    """Rows of lines that are whole."""
    names = next(csv.reader([columns]))
    if names != [*keys, *values, NOTE]:
        raise FocusFuseError(f"{path} has other columns than this version writes: choose another folder")
    whole = [line for line in lines if line.endswith("\n")]
    cells = [dict(zip(names, parts, strict=True)) for parts in csv.reader(whole) if len(parts) == len(names)]
    return [_typed(row, keys, values) for row in cells]


def _typed(row: Mapping[str, Any], keys: Sequence[str], values: Sequence[str]) -> Row:
    out: Row = {name: str(row[name]) for name in keys}
    out |= {name: _number(row.get(name)) for name in values}
    return {**out, NOTE: str(row.get(NOTE) or "")}


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table whole or not at all; NaN is an empty cell."""
    lines = [_csv_line([_cell(cell) for cell in row]) for row in rows]
    _replace(path, _csv_line(columns) + "".join(lines))


def _together(made: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of two runs: where they differ in these, both."""
    out = dict(made)
    for name, joint in _JOINTS.items():
        if now.get(name) and now[name] not in made.get(name, ""):
            out[name] = f"{made[name]}{joint}{now[name]}"
    for name in ("programs", "recorded_as"):
        if now.get(name):
            out[name] = {**made.get(name, {}), **now[name]}
    if now.get("methods"):
        out["methods"] = list(dict.fromkeys([*made.get("methods", []), *now["methods"]]))
    return out


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _cell(value: Any) -> Any:
    """NaN as an empty cell, other floats with all their digits."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else repr(float(value))


def _csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)


def _natural(text: str) -> tuple[float, str]:
    """Sort key: numbers by value, before words."""
    try:
        return float(text), ""
    except ValueError:
        return math.inf, text
