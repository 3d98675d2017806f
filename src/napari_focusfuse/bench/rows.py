"""Results on disk, a row for each image and contender: written as they come, so that a run can be interrupted.

The first line holds the settings as JSON behind ``# ``, the second the names of the columns.
"""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["NOTE", "Row", "Rows", "write_csv"]

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

    Attributes
    ----------
    made : dict

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
    ) -> None:
        self.path, self._keys, self._values = path, tuple(keys), tuple(values)
        self._settings = json.loads(json.dumps(dict(settings)))
        self.made: dict[str, Any] = dict(made)
        self._now: dict[str, Any] = {}
        self._rows: dict[tuple[str, ...], Row] = {}
        if path.exists():
            self._read()
        self._begun = bool(self._rows)

    def __iter__(self) -> Any:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, **keys: str) -> bool:
        """Whether there is such a row."""
        return tuple(keys[name] for name in self._keys) in self._rows

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to the file at once."""
        new = [self._typed(row) for row in rows]
        self.made, self._now = _together(self.made, self._now), {}
        if not self._begun:
            self._write([])
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

    def _typed(self, row: Mapping[str, Any]) -> Row:
        out: Row = {name: str(row[name]) for name in self._keys}
        out |= {name: _number(row.get(name)) for name in self._values}
        return {**out, NOTE: str(row.get(NOTE) or "")}

    def _line(self, row: Row) -> str:
        return _csv_line([_cell(cell) for cell in row.values()])

    def _write(self, rows: Iterable[Row]) -> None:
        head = "# " + json.dumps({"settings": self._settings, "made": self.made}, ensure_ascii=False) + "\n"
        text = head + _csv_line([*self._keys, *self._values, NOTE]) + "".join(self._line(row) for row in rows)
        _replace(self.path, text)

    def _read(self) -> None:
        """Take over the rows of an earlier run; a line that is not whole and rows that failed are left out."""
        try:
            head, columns, *lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            said = json.loads(head.removeprefix("# "))
            there, self._now, self.made = said["settings"], self.made, said["made"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FocusFuseError(f"{self.path} holds no rows of a benchmark: choose another folder") from error
        for name in self._settings.keys() | there.keys():
            if there.get(name) != self._settings.get(name):
                raise FocusFuseError(
                    f"{self.path} holds rows of other settings ({name} {there.get(name)}, now "
                    f"{self._settings.get(name)}): choose another folder, or remove that file"
                )
        names = next(csv.reader([columns]))
        if names != [*self._keys, *self._values, NOTE]:
            raise FocusFuseError(f"{self.path} has other columns than this version writes: choose another folder")
        whole = [line for line in lines if line.endswith("\n")]
        cells = [dict(zip(names, parts, strict=True)) for parts in csv.reader(whole) if len(parts) == len(names)]
        kept = [self._typed(row) for row in cells if not row[NOTE]]
        self._rows = {self._key(row): row for row in kept}
        if len(kept) < len(lines):
            self._write(kept)


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
    if now.get("programs"):
        out["programs"] = {**made.get("programs", {}), **now["programs"]}
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
