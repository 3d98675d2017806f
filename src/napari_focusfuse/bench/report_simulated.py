"""What the run on simulated stacks says: tables of the cells, paired differences, families."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from napari_focusfuse.bench.markdown import FAILED, MISSING, bold_best, difference, number, table
from napari_focusfuse.bench.provenance import sentence
from napari_focusfuse.bench.rows import NOTE, Row, Rows, write_csv
from napari_focusfuse.bench.simulated import FAMILIES, SHARPEST, STANDARD, VALUES, Study
from napari_focusfuse.bench.statistics import Interval, interval, paired

__all__ = ["AXES", "Results", "simulated_section", "write_simulated_summary"]

#: Column -> what the families along it are.
AXES = {"psf": "blur", "noise_model": "noise", "texture": "texture"}


_INTRODUCTION = """\
{slices} slices of {x} x {y} px, 16 bit, {textures}. The blur grows by .7 to 1.4 px a slice, drawn for each scene and
never told to the methods; the number over a column is the noise as a share of full scale. *{yardstick}* takes the slice
that is truly sharpest at each pixel: a yardstick, no method. Means over scenes, the best method in bold."""
_DIFFERENCES = """\
**PSNR less that of `{reference}`, dB**: mean over scenes with its 95 % interval (t), bold where it leaves out 0."""
_FAMILIES = """\
**Families** of blur, noise and texture, on both surfaces, noise .03. Every scene is seen with every kind of blur and
noise. PSNR less that of `{reference}`, dB, over one family alone, and over all but one: a method that owes its place to
one kind of scene shows here."""


class Column(NamedTuple):
    """A table of the report: one score over all cells."""

    metric: str
    title: str
    digits: int
    better: Literal["high", "low", ""] = "high"
    factor: float = 1.0
    yardstick: bool = True


_COLUMNS = (
    Column("psnr", "PSNR, dB", 2),
    Column("ssim", "SSIM", 4),
    Column("decision_psnr", "Decision quality: the weights applied to the slices without noise, PSNR in dB", 2),
    Column("noise_gain", "Noise gain: mean of sqrt(sum w²)", 3, ""),
    Column("wrong_edge", "Wrong pixels within 8 px of depth edges, %", 2, "low", 100, yardstick=False),
    Column("wrong_interior", "Wrong pixels elsewhere (more than one slice off), %", 2, "low", 100, yardstick=False),
    Column("depth_rmse", "Depth error where the depth is known, RMSE in slices", 3, "low", yardstick=False),
    Column("depth_known", "Pixels whose depth is known, %", 1, "", 100, yardstick=False),
    Column(
        "seconds", "Time for a stack, s (external programs with start, reading, writing)", 2, "low", yardstick=False
    ),
    Column("peak_mb", "Peak memory of external programs, MB", 0, "low", yardstick=False),
)


class Results:
    """Rows of one run, and what is asked of them.

    Parameters
    ----------
    rows : iterable of Row
    labels : sequence of str
        Methods in the order of the tables; the yardstick comes first if it is there.
    reference : str
        The method that others are compared with.
    """

    def __init__(self, rows: Iterable[Row], labels: Sequence[str], reference: str) -> None:
        self.rows = [row for row in rows if row["method"] in (SHARPEST, *labels)]
        self.labels, self.reference = [SHARPEST, *labels], reference

    def cells(self) -> list[tuple[str, str]]:
        """Surface and noise of each standard cell, in order."""
        found = {(row["surface"], row["noise"]) for row in self.rows if row["study"] == STANDARD}
        return sorted(found, key=lambda cell: (cell[0] != "smooth", cell[0], float(cell[1])))

    def values(self, label: str, metric: str, which: Callable[[Row], bool]) -> dict[str, float]:
        """Scene -> value of the rows that `which` takes; only finite ones."""
        return {
            "/".join(row[key] for key in ("surface", "psf", "texture", "noise_model", "noise", "scene")): row[metric]
            for row in self.rows
            if row["method"] == label and which(row) and math.isfinite(row[metric])
        }

    def cell(self, label: str, metric: str, surface: str, noise: str) -> dict[str, float]:
        """Values of a standard cell."""
        return self.values(
            label, metric, lambda r: (r["study"], r["surface"], r["noise"]) == (STANDARD, surface, noise)
        )

    def against(self, label: str, metric: str, surface: str, noise: str) -> Interval:
        """Difference to the reference in a standard cell, scene by scene."""
        own, other = (self.cell(name, metric, surface, noise) for name in (label, self.reference))
        return paired(own, other)


def simulated_section(results: Results, study: Study, rows: Rows, images: Sequence[str]) -> str:
    """Everything in Markdown.

    Parameters
    ----------
    results : Results
    study : Study
    rows : Rows
        Where the results are from.
    images : sequence of str
        Links to plots, with their captions, in Markdown.
    """
    cells = results.cells()
    textures = "procedural textures" if study.textures is None else f"textures from {study.textures.name}"
    parts = [
        f"## Simulated stacks: {study.split} split, {study.scenes} scenes a cell",
        _INTRODUCTION.format(
            slices=study.slices, y=study.shape[0], x=study.shape[1], textures=textures, yardstick=SHARPEST
        ),
        *(part for column in _COLUMNS for part in _cell_table(results, column, cells)),
        _DIFFERENCES.format(reference=results.reference),
        _difference_table(results, cells),
        _losses(results, cells),
        *_family_tables(results),
        *images,
        _failures(results),
        sentence(rows.made),
    ]
    return "\n\n".join(part for part in parts if part)


def write_simulated_summary(path: Path, results: Results) -> None:
    """Means, differences to the reference and their 95 % intervals as CSV, a row for each cell, method and score."""
    out = []
    for surface, noise in results.cells():
        for label in results.labels:
            for metric in VALUES:
                mean = interval(list(results.cell(label, metric, surface, noise).values()))
                gap = results.against(label, metric, surface, noise)
                if mean.n:
                    out.append([surface, noise, label, metric, *mean, *gap[:3]])
    columns = ["surface", "noise", "method", "metric", "mean", "low", "high", "n"]
    write_csv(path, [*columns, "difference", "difference_low", "difference_high"], out)


def _cell_table(results: Results, column: Column, cells: Sequence[tuple[str, str]]) -> list[str]:
    """Title and table of a score; nothing if nobody has it."""
    failed = {row["method"] for row in results.rows if row[NOTE]} if column.metric == "psnr" else set()
    means = {
        label: [column.factor * _mean(results.cell(label, column.metric, *cell)) for cell in cells]
        for label in results.labels
        if column.yardstick or label != SHARPEST
    }
    there = [label for label, values in means.items() if label in failed or any(map(math.isfinite, values))]
    used = [k for k in range(len(cells)) if any(math.isfinite(means[label][k]) for label in there)]
    if not used:
        return []
    columns = [_shown([means[label][k] for label in there], there, column) for k in used]
    body = [
        [label, *(FAILED if cell == MISSING and label in failed else cell for cell in shown)]
        for label, *shown in zip(there, *columns, strict=True)
    ]
    return [f"**{column.title}**", table(["method", *(" ".join(cells[k]) for k in used)], body)]


def _shown(means: Sequence[float], labels: Sequence[str], column: Column) -> list[str]:
    """Numbers with the best in bold, the yardstick apart from the others."""
    if not column.better:
        return [number(mean, column.digits) for mean in means]
    first = 1 if labels[0] == SHARPEST else 0
    yardstick = [number(mean, column.digits) for mean in means[:first]]
    return yardstick + bold_best(means[first:], column.digits, largest=column.better == "high")


def _difference_table(results: Results, cells: Sequence[tuple[str, str]]) -> str:
    body = [
        [label, *(difference(results.against(label, "psnr", *cell), 2) for cell in cells)]
        for label in results.labels
        if label != results.reference
    ]
    return table(["method", *(" ".join(cell) for cell in cells)], body)


def _losses(results: Results, cells: Sequence[tuple[str, str]]) -> str:
    """Where methods are better than the reference, beyond doubt."""
    lines = []
    for cell in cells:
        gaps = {label: results.against(label, "psnr", *cell) for label in results.labels[1:]}
        better = sorted((label for label, gap in gaps.items() if gap.low > 0), key=lambda label: -gaps[label].mean)
        if better:
            told = ", ".join(f"`{label}` ({gaps[label].mean:+.2f} dB)" for label in better)
            lines.append(f"- {' '.join(cell)}: {told}")
    if not lines:
        return f"**Where `{results.reference}` loses**: in no cell is another method better beyond doubt."
    return "\n".join([f"**Where `{results.reference}` loses**: better than it, with an interval above 0,", "", *lines])


def _family_tables(results: Results) -> list[str]:
    if not any(row["study"] == FAMILIES for row in results.rows):
        return []
    parts = [_FAMILIES.format(reference=results.reference)]
    for axis, title in AXES.items():
        families = sorted({row[axis] for row in results.rows if row["study"] == FAMILIES})
        # Of two families, one is all but the other.
        columns = [(f, alone) for f in families for alone in ((True, False) if len(families) > 2 else (True,))]
        own = [number(_mean(_of_family(results, results.reference, axis, f, alone=a)), 2) for f, a in columns]
        body = [
            [label, *(difference(_family(results, label, axis, f, alone=a), 2) for f, a in columns)]
            for label in results.labels
            if label != results.reference
        ]
        headings = [title, *(f if alone else f"all but {f}" for f, alone in columns)]
        parts.append(table(headings, [[f"{results.reference}, PSNR", *own], *body]))
    return parts


def _family(results: Results, label: str, axis: str, family: str, *, alone: bool) -> Interval:
    own, other = (_of_family(results, name, axis, family, alone=alone) for name in (label, results.reference))
    return paired(own, other)


def _of_family(results: Results, label: str, axis: str, family: str, *, alone: bool) -> dict[str, float]:
    """PSNR over the scenes of one family, or over those of all others."""
    return results.values(label, "psnr", lambda row: row["study"] == FAMILIES and (row[axis] == family) == alone)


def _failures(results: Results) -> str:
    failed = [row for row in results.rows if row[NOTE]]
    lines = [
        f"- `{label}` failed on {sum(row['method'] == label for row in failed)} stacks: "
        f"{next(row[NOTE] for row in failed if row['method'] == label)}"
        for label in results.labels
        if any(row["method"] == label for row in failed)
    ]
    return "\n".join(["**Failed**", "", *lines]) if lines else ""


def _mean(values: dict[str, float]) -> float:
    return float(np.mean(list(values.values()))) if values else float("nan")
