"""What the run on simulated stacks says: tables of the cells, paired differences, families."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.page import FAILED, MISSING, bold_best, counted, difference, table
from benchmarks.provenance import sentence
from benchmarks.report_families import family_tables, flaw_table
from benchmarks.results import Results
from benchmarks.rows import NOTE, Rows, Stored, write_csv
from benchmarks.simulated import SHARPEST, VALUES, Study
from benchmarks.statistics import Interval, certain, interval

__all__ = ["simulated_section", "write_simulated_summary"]

Cell = tuple[str, str]

_INTRODUCTION = """\
{slices} slices of {x} x {y} px, 16 bit, {textures}, rendered ray by ray. The radius of the blur grows by .8 to 1.6 px a
slice, drawn for each scene and never told to the methods; the number over a column is the noise as a share of full
scale. *{yardstick}* takes the slice that is truly sharpest at each pixel: a yardstick, no method. Means over scenes,
the best method in bold. Where a method failed on a scene or has no finite score there, its mean is of fewer scenes than
those of others: it is shown with its n and never in bold."""
_DIFFERENCES = """\
**PSNR less that of `{reference}`, dB**: mean over scenes with its 95 % interval (t), each interval on its own. Bold:
not 0 at a family-wise error of 5 % (Holm's correction over all comparisons of the table)."""
_LOSSES = """\
**Where `{reference}` loses**, with a family-wise error of 5 % (t, Holm's correction over the {count} comparisons of the
table):"""


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
    Column("confidence", "Mean confidence", 3, "", yardstick=False),
    Column("calibration", "Calibration error of confidence", 3, "low", yardstick=False),
    Column(
        "seconds", "Time for a stack, s (external programs with start, reading, writing)", 2, "low", yardstick=False
    ),
    Column("peak_mb", "Peak memory of external programs, MB", 0, "low", yardstick=False),
)


def simulated_section(results: Results, study: Study, rows: Rows | Stored, images: Sequence[str]) -> str:
    """Everything in Markdown.

    Parameters
    ----------
    results : Results
    study : Study
    rows : Rows or Stored
        Where the results are from.
    images : sequence of str
        Links to plots, with their captions, in Markdown.
    """
    cells = results.cells()
    textures = "procedural textures" if study.textures is None else f"textures from {study.textures.name}"
    parts = [
        f"## Simulated stacks: {study.split} split, {results.scene_counts()} scenes a cell",
        _INTRODUCTION.format(
            slices=study.slices, y=study.shape[0], x=study.shape[1], textures=textures, yardstick=SHARPEST
        ),
        *(part for column in _COLUMNS for part in _cell_table(results, column, cells)),
        *_differences(results, cells),
        *family_tables(results),
        *flaw_table(results),
        *images,
        _failures(results),
        sentence(rows.made, rows.settings),
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
                    out.append([surface, noise, label, metric, *mean[:4], *gap])
    columns = ["surface", "noise", "method", "metric", "mean", "low", "high", "n"]
    write_csv(path, [*columns, *(f"difference{end}" for end in ("", "_low", "_high", "_n", "_p"))], out)


def _cell_table(results: Results, column: Column, cells: Sequence[Cell]) -> list[str]:
    """Title and table of a score; nothing if nobody has it."""
    failed = {row["method"] for row in results.rows if row[NOTE]} if column.metric == "psnr" else set()
    means = {
        label: [_mean(results, label, column, cell) for cell in cells]
        for label in results.labels
        if column.yardstick or label != SHARPEST
    }
    there = [label for label, values in means.items() if label in failed or any(n for _, n in values)]
    used = [k for k in range(len(cells)) if any(means[label][k][1] for label in there)]
    if not used:
        return []
    columns = [_shown([means[label][k] for label in there], there, column) for k in used]
    body = [
        [label, *(FAILED if cell == MISSING and label in failed else cell for cell in shown)]
        for label, *shown in zip(there, *columns, strict=True)
    ]
    return [f"**{column.title}**", table(["method", *(" ".join(cells[k]) for k in used)], body)]


def _mean(results: Results, label: str, column: Column, cell: Cell) -> tuple[float, int]:
    found = interval(list(results.cell(label, column.metric, *cell).values()))
    return column.factor * found.mean, found.n


def _shown(means: Sequence[tuple[float, int]], labels: Sequence[str], column: Column) -> list[str]:
    """Numbers with the best in bold, the yardstick apart from the others."""
    full = max(n for _, n in means)
    first = 1 if labels[0] == SHARPEST else 0
    plain = len(means) if not column.better else first
    cells = [counted(mean, column.digits, n, full) for mean, n in means[:plain]]
    return cells + bold_best(means[plain:], column.digits, full, largest=column.better == "high")


def _differences(results: Results, cells: Sequence[Cell]) -> list[str]:
    """The differences in PSNR to the reference, and where it loses."""
    labels = [label for label in results.labels if label != results.reference]
    gaps = {(label, cell): results.against(label, "psnr", *cell) for label in labels for cell in cells}
    there = certain(gaps)
    full = {cell: len(results.cell(results.reference, "psnr", *cell)) for cell in cells}
    body = [
        [label, *(difference(gaps[label, c], 2, certain=(label, c) in there, full=full[c]) for c in cells)]
        for label in labels
    ]
    return [
        _DIFFERENCES.format(reference=results.reference),
        table(["method", *(" ".join(cell) for cell in cells)], body),
        _losses(results.reference, cells, gaps, there),
    ]


def _losses(
    reference: str, cells: Sequence[Cell], gaps: Mapping[tuple[str, Cell], Interval], there: set[tuple[str, Cell]]
) -> str:
    """Where methods are better than the reference at the corrected level, and how often they are so by their mean."""
    better = {key: gap for key, gap in gaps.items() if gap.mean > 0 and key[0] != SHARPEST}
    lines = []
    for cell in cells:
        found = sorted(((gap, name) for (name, c), gap in better.items() if c == cell and (name, c) in there))
        if found:
            told = ", ".join(f"`{name}` ({gap.mean:+.2f} dB, n {gap.n})" for gap, name in reversed(found))
            lines.append(f"- {' '.join(cell)}: {told}")
    count = sum(math.isfinite(gap.p) for gap in gaps.values())
    unsure = len(better.keys() - there)
    rest = f"In {unsure} {'further ' if lines else ''}comparisons its mean is the lower one without passing that test."
    title = _LOSSES.format(reference=reference, count=count)
    return "\n".join(
        [title, "", *(lines or ["- in no cell"]), "", rest] if unsure else [title, "", *(lines or ["- in no cell"])]
    )


def _failures(results: Results) -> str:
    failed = [row for row in results.rows if row[NOTE]]
    lines = [
        f"- `{label}` failed on {sum(row['method'] == label for row in failed)} stacks: "
        f"{next(row[NOTE] for row in failed if row['method'] == label)}"
        for label in results.labels
        if any(row["method"] == label for row in failed)
    ]
    return "\n".join(["**Failed**", "", *lines]) if lines else ""
