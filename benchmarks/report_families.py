"""What the families of blur, noise and texture say, one alone and all but one; and what the flaws of real stacks do."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks.page import MISSING, counted, difference, table
from benchmarks.results import Results
from benchmarks.rows import Row
from benchmarks.scenes import FLAWS
from benchmarks.simulated import FAMILIES, FLAWED
from benchmarks.statistics import Interval, certain, interval

__all__ = ["AXES", "by_scene", "family_tables", "flaw_table", "scene_means"]

#: Column -> what the families along it are.
AXES = {"psf": "blur", "noise_model": "noise", "texture": "texture"}
_TITLE = """\
**Families** of blur, noise and texture, on both surfaces, noise .03. Every scene is seen with every kind of blur and
noise. PSNR less that of `{reference}`, dB, over one family alone, and over all but one: a method that owes its place to
one kind of scene shows here. Stacks of one scene are no independent measurements: they are averaged first, and n is the
number of distinct scenes. Bold: not 0 at a family-wise error of 5 % (t, Holm's correction over the table)."""
_FLAWS = """\
**Flaws** of real stacks, each alone on the same scenes, two surfaces, noise .01. PSNR less that of `{reference}`, dB;
stacks of one scene are averaged first. Bold: not 0 at a family-wise error of 5 % (t, Holm's correction over the
table)."""


class _Family(NamedTuple):
    """A column: one family of an axis, alone or left out."""

    axis: str
    family: str
    alone: bool = True
    study: str = FAMILIES

    @property
    def heading(self) -> str:
        return self.family if self.alone else f"all but {self.family}"


def family_tables(results: Results) -> list[str]:
    """Title and a table for each axis in Markdown; nothing if the families were not run."""
    rows = [row for row in results.rows if row["study"] == FAMILIES]
    if not rows:
        return []
    parts = [_TITLE.format(reference=results.reference)]
    for axis, title in AXES.items():
        names = sorted({row[axis] for row in rows})
        # Of two families, one is all but the other.
        both = (True, False) if len(names) > 2 else (True,)
        parts.append(_table(results, title, [_Family(axis, name, alone) for name in names for alone in both]))
    return parts


def flaw_table(results: Results) -> list[str]:
    """Title and table of the flaws, each a column, in Markdown; nothing if they were not run."""
    there = {row["flaw"] for row in results.rows if row["study"] == FLAWED}
    if not there:
        return []
    columns = [_Family("flaw", name, study=FLAWED) for name in FLAWS if name in there]
    return [_FLAWS.format(reference=results.reference), _table(results, "flaw", columns)]


def by_scene(values: Mapping[str, float], reference: Mapping[str, float] | None = None) -> Interval:
    """Mean over distinct scenes of the means of their stacks, less those of a reference, with its 95 % interval.

    Parameters
    ----------
    values : mapping of stack to float
        The scene is what follows the last slash in the name of a stack.
    reference : mapping of stack to float, optional
        Scenes of which `values` lacks a stack that the reference has are left out.

    Returns
    -------
    Interval
        Its n is the number of scenes.
    """
    stacks = dict.fromkeys(values, 0.0) if reference is None else reference
    gaps = {stack: values.get(stack, math.nan) - other for stack, other in stacks.items()}
    return interval(list(scene_means(gaps).values()))


def scene_means(values: Mapping[str, float]) -> dict[str, float]:
    """Scene -> mean over its stacks; see `by_scene`."""
    found: dict[str, list[float]] = defaultdict(list)
    for stack, value in values.items():
        found[stack.rpartition("/")[2]].append(value)
    return {scene: math.fsum(of_scene) / len(of_scene) for scene, of_scene in found.items()}


def _table(results: Results, title: str, columns: Sequence[_Family]) -> str:
    others = [label for label in results.labels if label != results.reference]
    own = {column: _psnr(results, results.reference, column) for column in columns}
    gaps = {(label, c): by_scene(_psnr(results, label, c), own[c]) for label in others for c in columns}
    there, scenes = certain(gaps), {c: _scenes(results, c) for c in columns}
    levels = [by_scene(own[column]) for column in columns]
    full = {column: level.n for column, level in zip(columns, levels, strict=True)}
    body = [
        ["distinct scenes", *(str(scenes[column]) for column in columns)],
        [
            f"{results.reference}, PSNR",
            *(counted(level.mean, 2, level.n, scenes[column]) for level, column in zip(levels, columns, strict=True)),
        ],
    ]
    for label in others:
        cells = [difference(gaps[label, c], 2, certain=(label, c) in there, full=full[c]) for c in columns]
        if any(cell != MISSING for cell in cells):
            body.append([label, *cells])
    return table([title, *(column.heading for column in columns)], body)


def _psnr(results: Results, label: str, column: _Family) -> dict[str, float]:
    return results.values(label, "psnr", partial(_of, column))


def _scenes(results: Results, column: _Family) -> int:
    return len({row["scene"] for row in results.rows if _of(column, row)})


def _of(column: _Family, row: Row) -> bool:
    return bool(row["study"] == column.study and (row[column.axis] == column.family) == column.alone)
