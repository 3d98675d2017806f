"""The page made again from rows that are in a folder, whatever code made them. Nothing is run, rows are left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import activities, halo, pairs, series
from benchmarks.activity_parts import activities_part, tuning_rows
from benchmarks.contenders import parse_methods
from benchmarks.parts import paper_part, real_part, simulated_part, truth_part
from benchmarks.plan import Plan
from benchmarks.provenance import tables_now
from benchmarks.report_ablation import ablation_part
from benchmarks.results import Results
from benchmarks.rows import Stored
from benchmarks.simulated import KEYS, SHARPEST, VALUES, Study
from napari_focusfuse.errors import FocusFuseError

__all__ = ["stored_parts"]

_DEFAULT = "sesf"
#: Beginning of a file's name -> columns of keys and of numbers.
_COLUMNS = {
    "simulated": (KEYS, VALUES),
    "halo": (halo.KEYS, halo.VALUES),
    "pairs": (pairs.KEYS, pairs.values(pairs.WITH_TRUTH)),
    "real": (pairs.KEYS, pairs.values(pairs.WITHOUT_TRUTH)),
    "paper": (pairs.KEYS, pairs.values(pairs.PAPER)),
    "activities": (KEYS, activities.VALUES),
    "ablation": (pairs.KEYS, pairs.values(pairs.PAPER)),
    "series": (KEYS, series.VALUES),
}
#: These have tables of their own, in which methods are not chosen.
_OF_PARTS = ("activities", "ablation", "series")


def stored_parts(plan: Plan) -> list[tuple[str, Callable[[], str]]]:
    """The parts whose rows are in the folder of a plan: names, and what writes their files and gives their section.

    Raises
    ------
    FocusFuseError
        There are no rows, or none of a method or reference that is asked for.
    """
    found = {file: _read(file, kind) for kind in _COLUMNS for file in sorted(plan.out.glob(f"{kind}-*.csv"))}
    there = {file: rows for file, rows in found.items() if rows is not None}
    if not there:
        raise FocusFuseError(f"{plan.out} holds no rows of a benchmark: name the folder of a run with -o")
    asked = [method.label for method in parse_methods(plan.methods)] if plan.methods else []
    known = {row["method"] for file, rows in there.items() if not _of_parts(file.stem) for row in rows}
    for label in (*asked, *([plan.reference] if plan.reference else [])):
        if label not in known:
            raise FocusFuseError(f"{plan.out} has no rows of {label!r}: choose of {', '.join(sorted(known))}")
    return [(file.stem, _part(plan, file.stem, rows, asked)) for file, rows in there.items()]


def _of_parts(part: str) -> bool:
    return part.partition("-")[0] in _OF_PARTS


def _read(file: Path, kind: str) -> Stored | None:
    """The rows of a file; none of a summary."""
    with file.open("rb") as start:
        if start.read(3) != b"# {":
            return None
    rows = Stored.read(file, *_COLUMNS[kind])
    if not rows.rows:
        raise FocusFuseError(f"{file} holds no rows yet: let the run go on, or remove that file")
    return replace(rows, made={**rows.made, "tables": tables_now()})


def _part(plan: Plan, part: str, rows: Stored, asked: Sequence[str]) -> Callable[[], str]:
    if _of_parts(part):
        return _part_of_parts(plan, part, rows)
    labels = _labels(rows, asked, plan.reference)
    kind, _, name = part.partition("-")
    if kind == "simulated":
        return partial(simulated_part, plan.out, Results(rows, labels, labels[0]), _study(rows), rows)
    if kind == "halo":
        return partial(halo.halo_section, rows, labels, name)
    there = list(dict.fromkeys(row["pair"] for row in rows))
    if kind == "pairs":
        return partial(truth_part, plan.out, name, rows, labels, there)
    if pairs.PUBLISHED not in labels and any(row["method"] == pairs.PUBLISHED for row in rows):
        labels = [pairs.PUBLISHED, *labels]
    if kind == "real":
        return partial(real_part, plan.out, name, rows, labels, there)
    return partial(paper_part, plan.out, name, rows, labels, there, plan.recorded)


def _part_of_parts(plan: Plan, part: str, rows: Stored) -> Callable[[], str]:
    kind, _, name = part.partition("-")
    if kind == "ablation":
        there = list(dict.fromkeys(row["pair"] for row in rows))
        return partial(ablation_part, plan.out, name, rows, rows.made["methods"], there, plan.recorded)
    if kind == "series":
        return partial(series.series_part, plan.out, _study(rows), rows.rows, rows)
    tuning = rows if name == "development" else tuning_rows(plan.out)
    return partial(activities_part, plan.out, _study(rows), rows, rows, tuning, rows.made["methods"])


def _labels(rows: Stored, asked: Sequence[str], reference: str) -> list[str]:
    """Methods in the order of the tables, the reference first: those asked for, or all; and all programs."""
    there = list(dict.fromkeys(row["method"] for row in rows if row["method"] != SHARPEST))
    programs = [label for label in rows.made.get("programs", {}) if label in there]
    # Earlier versions did not write down in which order they were run.
    ran = rows.made.get("methods") or [*([_DEFAULT] if _DEFAULT in there else []), *there, *programs]
    own = [label for label in (asked or [*ran, *there]) if label in there and label not in programs]
    labels = list(dict.fromkeys([*own, *programs]))
    if not asked and rows.made.get("methods"):
        labels = list(dict.fromkeys(label for label in [*ran, *labels] if label in there))
    return [reference, *(label for label in labels if label != reference)] if reference in there else labels


def _study(rows: Stored) -> Study:
    said = rows.settings
    textures = None if said["textures"] == "procedural" else Path(said["textures"])
    return Study(split=said["split"], textures=textures, shape=tuple(said["shape"]), slices=said["slices"])
