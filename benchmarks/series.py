"""Slices fused one by one, in series (Sect. 3.1 of the paper), against all at once: order, quality and time."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import Outcome, OwnMethod
from benchmarks.page import MISSING, number, table
from benchmarks.plan import Plan
from benchmarks.provenance import code_hash, hardware, made_now, sentence
from benchmarks.results import Results
from benchmarks.rows import Row, Rows, Stored, write_csv
from benchmarks.scenes import Shot, render, texture_files
from benchmarks.simulated import KEYS, Study, Task, iter_tasks, missing_tasks, row_keys
from benchmarks.statistics import interval
from napari_focusfuse import api
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.metrics import wrong_pixels
from napari_focusfuse.core.progress import Progress

__all__ = ["VALUES", "contenders", "run_series", "series_part", "series_works"]

#: Of the two orders: `changed` is the share of pixels from another slice, `between` the RMS difference of the images.
VALUES = ("psnr", "wrong", "changed", "between", "seconds")
_NATIVE, _SERIES, _REVERSED = "native", "series", ", reversed"
_LABELS = (_NATIVE, _SERIES, _NATIVE + _REVERSED, _SERIES + _REVERSED)
_SCENES, _NOISES = 5, (0.0, 0.03)
_SURFACES = ("smooth", "blocks")
_SHAPE, _QUICK_SHAPE = (240, 320), (96, 128)
_WARM_UP = 64
_FULL = 65535

Work = Generator[Progress, None, str]
Cell = tuple[str, str]

_INTRODUCTION = """\
{slices} slices of {x} x {y} px, {textures}; over each column the surface, and the noise as a share of full scale. This
is the preset "paper", made for two images: *series* fuses the first two, their result and the third, and so on;
*native* compares all slices at once. *Reversed* begins with the last slice. Time is that of both orders, all runs in
turn on the same machine; a series takes 2 N - 2 encodings where native takes N. Means over scenes."""


def series_works(plan: Plan, model: str) -> list[tuple[str, Callable[[], Work]]]:
    """Name and work of the part."""
    shape = _QUICK_SHAPE if plan.quick else _SHAPE
    scenes = plan.scenes or min(_SCENES, plan.wanted_scenes)
    stacks: dict[str, Any] = {"shape": shape, "surfaces": _SURFACES, "noises": _NOISES}
    study = Study(split=plan.split, scenes=scenes, textures=plan.textures, **stacks)
    if plan.textures:
        texture_files(plan.textures, plan.split)
    return [(f"series-{plan.split}", partial(_run, plan, study, model))]


def series_part(out: Path, study: Study, kept: Sequence[Row], rows: Rows | Stored) -> str:
    """Summary from those rows that are `kept`; returns the section."""
    results = Results(kept, _LABELS, _NATIVE)
    summary = [
        [*cell, label, metric, *interval(list(results.cell(label, metric, *cell).values()))[:4]]
        for cell in results.cells()
        for label in _LABELS
        for metric in VALUES
    ]
    columns = ["surface", "noise", "method", "metric", "mean", "low", "high", "n"]
    write_csv(out / f"series-{study.split}-summary.csv", columns, summary)
    cells = results.cells()
    textures = "procedural textures" if study.textures is None else f"textures from {study.textures.name}"
    parts = [
        f"## One by one or all at once: {study.split} split, {results.scene_counts()} scenes a cell",
        _INTRODUCTION.format(slices=study.slices, y=study.shape[0], x=study.shape[1], textures=textures),
        table(["", *(" ".join(cell) for cell in cells)], _lines(results, cells)),
        sentence(rows.made, rows.settings),
    ]
    return "\n\n".join(parts)


def contenders(model: str) -> list[OwnMethod]:
    """All slices at once and one by one, in either order."""
    config = {name: FusionConfig(preset="paper", series=name == _SERIES) for name in (_NATIVE, _SERIES)}
    return [OwnMethod(label, "sesf", config[label.removesuffix(_REVERSED)], model) for label in _LABELS]


def run_series(task: Task) -> list[Row]:
    """Run all four on the exposures of a task, in turn."""
    rendered, found = render(task.case), []
    for exposure, everyone in task.todo:
        shot = rendered.shot(exposure)
        for contender in everyone:
            contender.run(shot.stack[:, :_WARM_UP, :_WARM_UP])
        outcomes = {c.label: c.run(shot.stack[::-1] if _REVERSED in c.label else shot.stack) for c in everyone}
        for contender in everyone:
            keys = row_keys(task.study, task.case, exposure, contender)
            found.append({**keys, **_scores(contender.label, outcomes, shot)})
    return found


def _run(plan: Plan, study: Study, model: str) -> Work:
    everyone = contenders(model)
    made = {**made_now(plan.command), "threads": "1"}
    settings = {**study.settings(), "code": code_hash("benchmarks/series.py"), **{key: made[key] for key in hardware()}}
    sha = api.load_model(model).sha256[:12]
    file = plan.out / f"series-{study.split}.csv"
    rows = Rows(file, KEYS, VALUES, settings, made, dict.fromkeys(_LABELS, sha))
    # All of a stack or none: the orders are compared, and the times.
    tasks = missing_tasks(study, lambda _study, _case, _exposure: everyone, rows)
    tasks = [task._replace(todo=tuple((each, tuple(everyone)) for each, _ in task.todo)) for task in tasks]
    yield from iter_tasks(tasks, run_series, rows, jobs=1)
    return series_part(plan.out, study, study.own(rows), rows)


def _scores(label: str, outcomes: dict[str, Outcome], shot: Shot) -> dict[str, Any]:
    outcome = outcomes[label]
    scores: dict[str, Any] = api.measure(shot.stack, outcome.image, truth=shot.truth, metrics=["psnr"])
    scores |= {"wrong": wrong_pixels(_index(label, outcomes), shot.depth).everywhere, "seconds": outcome.seconds}
    other = label + _REVERSED
    if other in outcomes:
        scores["changed"] = float((_index(label, outcomes) != _index(other, outcomes)).mean())
        one, two = (np.asarray(outcomes[name].image, dtype=np.float64) / _FULL for name in (label, other))
        scores["between"] = float(np.sqrt(np.mean((one - two) ** 2)))
    return scores


def _index(label: str, outcomes: dict[str, Outcome]) -> Any:
    """The best slice of each pixel, counted from the true first one."""
    decision = outcomes[label].decision
    if decision is None:
        raise TypeError(label)
    return len(decision.z) - 1 - decision.index if _REVERSED in label else decision.index


def _lines(results: Results, cells: Sequence[Cell]) -> list[list[str]]:
    lines = [
        [f"{label}: {title}", *(number(factor * _mean(results, label, metric, cell), 2) for cell in cells)]
        for metric, title, factor in (("psnr", "PSNR, dB", 1), ("wrong", "wrong pixels, %", 100))
        for label in _LABELS
    ]
    changed = [
        [
            f"{label}: pixels from another slice when reversed, %",
            *(number(100 * _mean(results, label, "changed", cell), 2) for cell in cells),
        ]
        for label in (_NATIVE, _SERIES)
    ]
    between = [
        [f"{label}: PSNR of one order against the other, dB", *(_between(results, label, cell) for cell in cells)]
        for label in (_NATIVE, _SERIES)
    ]
    return [*lines, *changed, *between, ["time of series / time of native", *(_ratio(results, cell) for cell in cells)]]


def _mean(results: Results, label: str, metric: str, cell: Cell) -> float:
    return interval(list(results.cell(label, metric, *cell).values())).mean


def _between(results: Results, label: str, cell: Cell) -> str:
    """PSNR of the mean squared difference over the scenes."""
    squares = [value**2 for value in results.cell(label, "between", *cell).values()]
    mean = math.fsum(squares) / len(squares) if squares else math.nan
    return "the same" if mean == 0 else number(-10 * math.log10(mean), 2) if math.isfinite(mean) else MISSING


def _ratio(results: Results, cell: Cell) -> str:
    """Mean of the ratio of each stack, with its 95 % interval."""
    times = {label: results.cell(label, "seconds", *cell) for label in _LABELS}
    ratios = [
        (times[_SERIES][scene] + times[_SERIES + _REVERSED][scene])
        / (times[_NATIVE][scene] + times[_NATIVE + _REVERSED][scene])
        for scene in times[_SERIES]
    ]
    found = interval(ratios)
    half = f" ± {found.half:.2f}" if math.isfinite(found.half) else ""
    return number(found.mean, 2) + half
