"""The comparison of activities as parts of a run: tuning, the simulated stacks of a split, pairs with truth."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import pairs
from benchmarks.activities import FULL, QUICK, VALUES, Activity, fixed, run_activities
from benchmarks.contenders import check_labels, named
from benchmarks.page import IMAGES, link
from benchmarks.parts import truth_part
from benchmarks.plan import Plan
from benchmarks.plots import plot_activities
from benchmarks.provenance import code_hash, hardware, made_now
from benchmarks.report_activities import activities_section, write_activities_summary
from benchmarks.results import NO_NOISE, Comparison
from benchmarks.rows import Row, Rows, Stored
from benchmarks.scenes import Case, Exposure, texture_files
from benchmarks.simulated import KEYS, Study, iter_tasks, missing_tasks
from benchmarks.tuning import BEST, KINDS, Cell, Tuned, tuned
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError

__all__ = ["DEVELOPMENT", "activities_part", "activity_works", "tuning_rows"]

DEVELOPMENT = "activities-development"
_MODELS = "sesf-cse,random"
_STACKS: dict[str, Any] = {"surfaces": ("smooth", "blocks")}
_QUICK_STACKS: dict[str, Any] = {**_STACKS, "shape": (160, 240), "noises": (0.0, 0.03)}
#: Pairs with truth have depth steps and little noise: they get the settings of this cell.
_OF_PAIRS = ("blocks", NO_NOISE)

Work = Generator[Progress, None, str]


def activity_works(plan: Plan) -> list[tuple[str, Callable[[], Work]]]:
    """Names and work of the parts; what can be checked is checked now."""
    everyone = fixed(plan.models or _MODELS)
    check_labels(everyone)
    stacks = _QUICK_STACKS if plan.quick else _STACKS
    study = Study(split=plan.split, scenes=plan.wanted_scenes, textures=plan.textures, **stacks)
    if plan.textures:
        texture_files(plan.textures, plan.split)
    if plan.split == "report":
        _check_tuning(plan, study)
    works: list[tuple[str, Callable[[], Work]]] = [(f"activities-{plan.split}", partial(_run, plan, study, everyone))]
    for folder in plan.pairs:
        there = pairs.find_pairs(folder, truth=True, limit=plan.wanted_pairs)
        name = f"{folder.resolve().name}-activities"
        works.append((f"pairs-{name}", partial(_pairs, plan, name, there, everyone)))
    return works


def tuning_rows(out: Path) -> Stored:
    """The rows of the development split in a folder.

    Raises
    ------
    FocusFuseError
        There are none.
    """
    file = out / f"{DEVELOPMENT}.csv"
    if not file.exists():
        raise FocusFuseError(
            f"{out} holds no rows of the development split, on which settings are chosen: run --activities without "
            "--split report first, with the same -o"
        )
    return Stored.read(file, KEYS, VALUES)


def activities_part(
    out: Path, study: Study, kept: Iterable[Row], rows: Rows | Stored, tuning: Rows | Stored, labels: Sequence[str]
) -> str:
    """Summary and plot of a split, from those of its rows that are `kept`; returns the section."""
    name = f"activities-{study.split}"
    compared = Comparison.of(kept, tuned(tuning), labels)
    write_activities_summary(out / f"{name}-summary.csv", compared)
    plot_activities(compared, out / IMAGES / f"{name}.png")
    caption = f"Wrong pixels over noise, and PSNR less that of the {BEST} measure tuned for each noise"
    return activities_section(compared, study, rows, tuning, [link(f"{name}.png", caption)])


def _check_tuning(plan: Plan, study: Study) -> None:
    """Refuse a report on other stacks than those that settings were chosen on."""
    rows = tuning_rows(plan.out)
    choice = tuned(rows)
    for name, value in study.settings().items():
        if name in ("shape", "slices") and rows.settings.get(name) != value:
            raise FocusFuseError(
                f"settings were chosen on stacks of another {name} ({rows.settings.get(name)}, now {value}): run the "
                "development split with the same options first"
            )
    for surface in study.surfaces:
        for noise in study.noises:
            choice.labels((surface, f"{noise:g}"))


def _run(plan: Plan, study: Study, everyone: Sequence[Activity]) -> Work:
    file = plan.out / f"activities-{study.split}.csv"
    settings = {**study.settings(), "code": code_hash("benchmarks/activities.py")}
    made = {**made_now(plan.command), "threads": "1", "methods": [each.label for each in everyone]}
    rows = Rows(file, KEYS, VALUES, settings, made, {each.label: each.fingerprint for each in everyone})
    tuning: Rows | Stored = rows
    if study.split == "development":
        grid = (QUICK if plan.quick else FULL).activities()
        yield from _iter_missing(study, lambda _study, _case, _exposure: [*everyone, *grid], rows, plan.wanted_jobs)
    else:
        tuning = tuning_rows(plan.out)
    who = partial(_chosen, tuned(tuning), everyone)
    families = replace(study, families=plan.families)
    yield from _iter_missing(families, who, rows, plan.wanted_jobs)
    labels = [each.label for each in everyone]
    return activities_part(plan.out, study, families.own(rows), rows, tuning, labels)


def _chosen(choice: Tuned, everyone: Sequence[Activity], _study: str, case: Case, exposure: Exposure) -> list[Activity]:
    """Who runs on a stack: all with one setting, and what was chosen there; without noise, what was chosen anywhere.

    What noise adds to the wrong pixels is told of the same setting.
    """
    noise = f"{exposure.noise:g}"
    cells: list[Cell] = [(case.surface, noise)]
    if noise == NO_NOISE:
        cells += [cell for cell in choice.cells() if cell[0] == case.surface]
    return _with_labels(everyone, [label for cell in cells for label in choice.labels(cell)])


def _with_labels(everyone: Sequence[Activity], labels: Iterable[str]) -> list[Activity]:
    """Those with one setting, and the ones of these labels."""
    by_label = {each.label: each for each in everyone}
    for label in labels:
        ((name, *settings),) = named(label)
        by_label.setdefault(label, Activity.of(name, settings))
    return list(by_label.values())


def _iter_missing(
    study: Study, who: Callable[[str, Case, Exposure], Sequence[Activity]], rows: Rows, jobs: int
) -> Generator[Progress, None, None]:
    """Run what is missing; rows are kept exposure by exposure, because a scene with all settings takes minutes."""
    tasks = [task._replace(todo=(each,)) for task in missing_tasks(study, who, rows) for each in task.todo]
    yield from iter_tasks(tasks, run_activities, rows, jobs)


def _pairs(plan: Plan, name: str, there: Sequence[pairs.Pair], everyone: Sequence[Activity]) -> Work:
    """Pairs with truth: the best classical measure of each kind first."""
    choice = tuned(tuning_rows(plan.out))
    labels = [choice.label(kind, "psnr", _OF_PAIRS) for kind in (BEST, *KINDS)]
    contenders = _with_labels([], labels)
    contenders += [each for each in everyone if each.label not in labels]
    made = {**made_now(plan.command), "methods": [each.label for each in contenders]}
    settings = {"folder": name, "code": code_hash("benchmarks/activities.py"), **{key: made[key] for key in hardware()}}
    fingerprints = {each.label: each.fingerprint for each in contenders}
    file = plan.out / f"pairs-{name}.csv"
    rows = Rows(file, pairs.KEYS, pairs.values(pairs.WITH_TRUTH), settings, made, fingerprints)
    yield from pairs.iter_pairs(there, contenders, rows, pairs.WITH_TRUTH)
    return truth_part(plan.out, name, rows, made["methods"], [pair.name for pair in there])
