"""What the families of blur, noise and texture say: one alone, and all but one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from napari_focusfuse.bench.markdown import MISSING, counted, difference, table
from napari_focusfuse.bench.results import Results
from napari_focusfuse.bench.simulated import FAMILIES
from napari_focusfuse.bench.statistics import Interval, certain, interval

__all__ = ["AXES", "by_scene", "family_tables"]

#: Column -> what the families along it are.
AXES = {"psf": "blur", "noise_model": "noise", "texture": "texture"}
_TITLE = """\
**Families** of blur, noise and texture, on both surfaces, noise .03. Every scene is seen with every kind of blur and
noise. PSNR less that of `{reference}`, dB, over one family alone, and over all but one: a method that owes its place to
one kind of scene shows here. Stacks of one scene are no independent measurements: they are averaged first, and n is the
number of distinct scenes. Bold: not 0 at a family-wise error of 5 % (t, Holm's correction over the table)."""


class _Family(NamedTuple):
    """A column: one family of an axis, alone or left out."""

    axis: str
    family: str
    alone: bool

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
    found: dict[str, list[float]] = defaultdict(list)
    for stack, other in (dict.fromkeys(values, 0.0) if reference is None else reference).items():
        found[stack.rpartition("/")[2]].append(values.get(stack, math.nan) - other)
    return interval([math.fsum(gaps) / len(gaps) for gaps in found.values()])


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
    axis, family, alone = column
    return results.values(label, "psnr", lambda row: row["study"] == FAMILIES and (row[axis] == family) == alone)


def _scenes(results: Results, column: _Family) -> int:
    axis, family, alone = column
    rows = (row for row in results.rows if row["study"] == FAMILIES and (row[axis] == family) == alone)
    return len({row["scene"] for row in rows})
