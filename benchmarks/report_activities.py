"""What the comparison of activities says: wrong pixels and image quality beside the best tuned classical measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.page import MISSING, bold_best, difference, number, table
from benchmarks.provenance import sentence
from benchmarks.report_families import AXES, by_scene
from benchmarks.results import NO_NOISE, Comparison
from benchmarks.rows import Row, Rows, Stored, write_csv
from benchmarks.simulated import FAMILIES, Study
from benchmarks.statistics import certain, paired
from benchmarks.tuning import BEST, TARGETS, Cell

__all__ = ["activities_section", "write_activities_summary"]

_INTRODUCTION = """\
{slices} slices of {x} x {y} px, 16 bit, {textures}; over each column the surface, and the noise as a share of full
scale. Decision and blending are those of the engine's default preset, the activity is replaced: `pixel-sf` are the
squared differences of the grey values, `log` the energy of the Laplacian of Gaussian, `random` an encoder that is not
trained. *One scale* and `levels=1` is full size alone; otherwise the scales 1, 1/2 and 1/4 are weighted by the noise of
the stack. *Best* measures are tuned for each column and for the score of the table, over all settings (sigma, radius,
scales, softness of the weights), on the development split{same}; the others have one setting for all columns. Means
over scenes, the best in bold."""
_SAME = ", which is the one that is shown: their numbers are flattered"
_TITLES = {
    "wrong": ("Wrong pixels (more than one slice off), %", 2, 100.0),
    "wrong_edge": ("Wrong pixels within 8 px of depth edges, %", 2, 100.0),
    "wrong_interior": ("Wrong pixels elsewhere, %", 2, 100.0),
    "decision_psnr": ("Decision quality: the weights applied to the slices without noise, PSNR in dB", 2, 1.0),
    "psnr": ("PSNR of the fused image, dB", 2, 1.0),
}
_SHARES = ("wrong", "wrong_edge", "wrong_interior")
_EXCESS = "**Wrong pixels that the noise adds, %**: less those of the same measure and setting without noise."
_RATIOS = f"**Wrong pixels as a multiple of those of the *{BEST}***: of all pixels, near depth edges, and elsewhere."
_GAPS = f"""\
**PSNR less that of the *{BEST}*, dB**, of the fused image and of the decision (quality): mean over scenes with its
95 % interval (t). Bold: not 0 at a family-wise error of 5 % (Holm's correction over the table)."""
_SETTINGS = f"**What the *{BEST}* is**, by the score that it was tuned for:"
_FAMILY = f"""\
**Families** of blur, noise and texture, both surfaces, noise .03, beside the *{BEST}* with its setting for that noise:
wrong pixels as a multiple, and PSNR less its, dB, by distinct scenes."""


def activities_section(
    of: Comparison, study: Study, rows: Rows | Stored, tuning: Rows | Stored, images: Sequence[str]
) -> str:
    """Everything in Markdown.

    Parameters
    ----------
    of : Comparison
    study : Study
    rows : Rows or Stored
        Where it is from.
    tuning : Rows or Stored
        What the settings were chosen from.
    images : sequence of str
        Links to plots, in Markdown.
    """
    cells = of.results.cells()
    textures = "procedural textures" if study.textures is None else f"textures from {study.textures.name}"
    same = _SAME if study.split == "development" else ""
    shape = {"slices": study.slices, "y": study.shape[0], "x": study.shape[1]}
    parts = [
        f"## Activities: {study.split} split, {of.results.scene_counts()} scenes a cell",
        _INTRODUCTION.format(textures=textures, same=same, **shape),
        *(part for target in TARGETS for part in _scores(of, target, cells)),
        *_excess(of, cells),
        _RATIOS,
        _ratios(of, cells),
        _GAPS,
        _gaps(of, cells),
        _SETTINGS,
        _settings(of, cells),
        *_families(of),
        *images,
        sentence(rows.made, rows.settings),
    ]
    if tuning is not rows:
        parts.append(f"The settings were chosen on other scenes. {sentence(tuning.made, tuning.settings)}")
    return "\n\n".join(parts)


def write_activities_summary(path: Path, of: Comparison) -> None:
    """Means with 95 % intervals as CSV: a row for each cell, line and score, with the setting behind it."""
    out = []
    for cell in of.results.cells():
        for line in of.lines():
            for target in TARGETS:
                mean = of.mean(line, target, cell)
                if mean.n:
                    out.append([*cell, line, of.label(line, target, cell), target, *mean[:4]])
    write_csv(path, ["surface", "noise", "line", "setting", "metric", "mean", "low", "high", "n"], out)


def _scores(of: Comparison, target: str, cells: Sequence[Cell]) -> list[str]:
    """Title and table of a score."""
    title, digits, factor = _TITLES[target]
    columns, used = [], []
    for cell in cells:
        means = [of.mean(line, target, cell) for line in of.lines()]
        full = max(mean.n for mean in means)
        if full:
            shown = [(factor * mean.mean, mean.n) for mean in means]
            columns.append(bold_best(shown, digits, full, largest=TARGETS[target]))
            used.append(cell)
    return [f"**{title}**", _table(of.lines(), used, columns)] if used else []


def _excess(of: Comparison, cells: Sequence[Cell]) -> list[str]:
    noisy = [cell for cell in cells if cell[1] != NO_NOISE]
    columns = []
    for cell in noisy:
        gaps = [of.excess(line, cell) for line in of.lines()]
        columns.append(bold_best([(100 * g.mean, g.n) for g in gaps], 2, max(g.n for g in gaps), largest=False))
    return [_EXCESS, _table(of.lines(), noisy, columns)] if noisy else []


def _ratios(of: Comparison, cells: Sequence[Cell]) -> str:
    names, rows = {"wrong": "all", "wrong_edge": "edges", "wrong_interior": "elsewhere"}, []
    for line in of.labels:
        for target in _SHARES:
            own, best = ([of.mean(name, target, cell).mean for cell in cells] for name in (line, BEST))
            rows.append([f"{line}, {names[target]}", *(_ratio(a, b) for a, b in zip(own, best, strict=True))])
    return table(["activity", *(" ".join(cell) for cell in cells)], rows)


def _ratio(own: float, best: float) -> str:
    return number(own / best, 2) if best > 0 else MISSING


def _gaps(of: Comparison, cells: Sequence[Cell]) -> str:
    names = {"psnr": "PSNR", "decision_psnr": "quality"}
    gaps = {
        (line, target, cell): paired(of.values(line, target, cell), of.values(BEST, target, cell))
        for line in of.labels
        for target in names
        for cell in cells
    }
    there = certain(gaps)
    full = {cell: of.results.scenes(*cell) for cell in cells}
    rows = [
        [
            f"{line}, {name}",
            *(difference(gaps[line, target, c], 2, certain=(line, target, c) in there, full=full[c]) for c in cells),
        ]
        for line in of.labels
        for target, name in names.items()
    ]
    return table(["activity", *(" ".join(cell) for cell in cells)], rows)


def _settings(of: Comparison, cells: Sequence[Cell]) -> str:
    rows = [
        [_TITLES[t][0].partition(",")[0].partition(":")[0], *(of.label(BEST, t, c) or MISSING for c in cells)]
        for t in TARGETS
    ]
    return table(["tuned for", *(" ".join(cell) for cell in cells)], rows)


def _families(of: Comparison) -> list[str]:
    """Tables of the families; nothing if they were not run."""
    rows = [row for row in of.results.rows if row["study"] == FAMILIES]
    if not rows:
        return []
    names = {axis: sorted({row[axis] for row in rows}) for axis in AXES}
    columns = [(axis, name) for axis in AXES for name in names[axis]]
    body = []
    for line in of.labels:
        ratios, gaps = [line + ", wrong pixels"], [line + ", PSNR"]
        for axis, name in columns:
            which = _family(axis, name)
            own, best = (_average(of.family(each, "wrong", which)) for each in (line, BEST))
            ratios.append(_ratio(own, best))
            gap = by_scene(of.family(line, "psnr", which), of.family(BEST, "psnr", which))
            gaps.append(difference(gap, 2, certain=False, full=gap.n))
        body += [ratios, gaps]
    return [_FAMILY, table(["activity", *(f"{AXES[axis]} {name}" for axis, name in columns)], body)]


def _family(axis: str, name: str) -> Callable[[Row], bool]:
    return lambda row: row[axis] == name


def _average(values: Mapping[str, float]) -> float:
    return math.fsum(values.values()) / len(values) if values else math.nan


def _table(lines: Sequence[str], cells: Sequence[Cell], columns: Sequence[Sequence[str]]) -> str:
    body = [[line, *shown] for line, *shown in zip(lines, *columns, strict=True)]
    return table(["activity", *(" ".join(cell) for cell in cells)], body)
