"""The simulated part: which scenes there are, and running every contender on all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from napari_focusfuse.bench.contenders import Contender, Outcome
from napari_focusfuse.bench.pool import iter_pool
from napari_focusfuse.bench.rows import Row, Rows
from napari_focusfuse.bench.scenes import NOISES, PSFS, TEXTURES, Case, Exposure, Shot, Split, render
from napari_focusfuse.bench.scoring import COSTS, SIMULATED, cost, shot_scores
from napari_focusfuse.core.config import PSF, Surface
from napari_focusfuse.core.decision import Decision
from napari_focusfuse.core.progress import Progress

__all__ = [
    "FAMILIES",
    "KEYS",
    "SHARPEST",
    "STANDARD",
    "VALUES",
    "Sharpest",
    "Study",
    "Task",
    "iter_simulated",
    "iter_tasks",
    "missing_tasks",
    "row_keys",
    "run_task",
]

STANDARD, FAMILIES = "standard", "families"
KEYS = ("study", "surface", "psf", "texture", "noise_model", "noise", "scene", "method")
VALUES = (*SIMULATED, *COSTS)
#: Label of the slice that is truly sharpest at each pixel: a yardstick, no method.
SHARPEST = "sharpest slice"
#: Scenes of the families have numbers of their own.
_FAMILY_NUMBERS = 1000
_FAMILY_NOISE = 0.03


@dataclass(frozen=True, kw_only=True)
class Study:
    """The scenes of a run.

    Attributes
    ----------
    split : {"development", "report"}
    scenes : int
        Scenes in a cell: of one surface and noise.
    textures : Path or None
        Folder of images; without it textures are procedural.
    families : bool
        Also run scenes of every kind of blur, noise and texture.
    shape : (int, int)
        Height and width, px.
    slices : int
    surfaces : tuple of str
    noises : tuple of float
        Shares of full scale.
    """

    split: Split = "development"
    scenes: int = 20
    textures: Path | None = None
    families: bool = False
    shape: tuple[int, int] = (320, 480)
    slices: int = 12
    surfaces: tuple[Surface, ...] = ("smooth", "steps")
    noises: tuple[float, ...] = (0.0, 0.01, 0.03, 0.06)

    def settings(self) -> dict[str, Any]:
        """What a row depends on besides its keys, in plain JSON types."""
        textures = "procedural" if self.textures is None else self.textures.name
        return {"split": self.split, "textures": textures, "shape": list(self.shape), "slices": self.slices}

    def own(self, rows: Iterable[Row]) -> list[Row]:
        """Those rows that are of scenes of this study; there may be more of an earlier run."""
        known = {
            (study, case.surface, case.psf, case.texture, str(case.number), exposure.noise_model, f"{exposure.noise:g}")
            for study, case, exposures in self.tasks()
            for exposure in exposures
        }
        names = ("study", "surface", "psf", "texture", "scene", "noise_model", "noise")
        return [row for row in rows if tuple(row[name] for name in names) in known]

    def tasks(self) -> list[tuple[str, Case, list[Exposure]]]:
        """Every scene: the study it belongs to, what it is rendered from, and how it is exposed."""
        exposures = [Exposure("gaussian", noise) for noise in self.noises]
        main = TEXTURES[1] if self.textures is None else TEXTURES[0]
        numbers = range(self.scenes)
        tasks = [(STANDARD, self._case(s, "gaussian", main, n), exposures) for n in numbers for s in self.surfaces]
        return tasks + (self._family_tasks() if self.families else [])

    def _family_tasks(self) -> list[tuple[str, Case, list[Exposure]]]:
        """As many scenes as a cell has, each with every kind of blur and noise: these are compared on the same."""
        textures = TEXTURES[1:] if self.textures is None else TEXTURES
        exposures = [Exposure(model, _FAMILY_NOISE) for model in NOISES]
        rounds = math.ceil(self.scenes / len(textures))
        return [
            (FAMILIES, self._case(surface, psf, texture, _FAMILY_NUMBERS + n), exposures)
            for n, texture in enumerate(textures * rounds)
            for psf in PSFS
            for surface in self.surfaces
        ]

    def _case(self, surface: Surface, psf: PSF, texture: str, number: int) -> Case:
        return Case(
            split=self.split,
            number=number,
            surface=surface,
            psf=psf,
            texture=texture,
            shape=self.shape,
            slices=self.slices,
            folder=self.textures if texture == TEXTURES[0] else None,
        )


class Task(NamedTuple):
    """A scene, and who still has to run on which exposure of it."""

    study: str
    case: Case
    todo: tuple[tuple[Exposure, tuple[Contender, ...]], ...]


@dataclass(frozen=True)
class Sharpest:
    """The yardstick among the contenders: it has to be told the truth, and so it is not run as they are."""

    label: str = SHARPEST

    def run(self, stack: Any) -> Outcome:
        """Not to be called: `run_task` sees to it."""
        raise NotImplementedError


def iter_simulated(
    study: Study, contenders: Sequence[Contender], rows: Rows, jobs: int
) -> Generator[Progress, None, None]:
    """Run what `rows` does not hold yet; scene by scene it goes into the file.

    Parameters
    ----------
    study : Study
    contenders : sequence of Contender
    rows : Rows
    jobs : int
        Processes at once. The scores do not depend on it.
    """
    everyone = [Sharpest(), *contenders]
    yield from iter_tasks(missing_tasks(study, lambda _case, _exposure: everyone, rows), run_task, rows, jobs)


def iter_tasks(
    tasks: Sequence[Task], work: Callable[[Task], list[Row]], rows: Rows, jobs: int
) -> Generator[Progress, None, None]:
    """Do tasks; what each gives goes into the file at once. `work` is of a module's top level."""
    yield Progress(0, max(len(tasks), 1), "scenes")
    for done, found in enumerate(iter_pool(work, tasks, jobs), start=1):
        rows.add(found)
        yield Progress(done, len(tasks), f"scene {done} of {len(tasks)}")
    rows.finish()


def missing_tasks(study: Study, who: Callable[[Case, Exposure], Sequence[Contender]], rows: Rows) -> list[Task]:
    """The scenes on which somebody has still to run.

    Parameters
    ----------
    study : Study
    who : callable
        Who is to run on an exposure of a scene.
    rows : Rows
        What is there already.
    """
    tasks = []
    for name, case, exposures in study.tasks():
        todo = []
        for exposure in exposures:
            missing = tuple(c for c in who(case, exposure) if not rows.has(**row_keys(name, case, exposure, c)))
            if missing:
                todo.append((exposure, missing))
        if todo:
            tasks.append(Task(name, case, tuple(todo)))
    return tasks


def run_task(task: Task) -> list[Row]:
    """Render the scene once, and run and score everyone who is to run on it."""
    rendered, found = render(task.case), []
    for exposure, contenders in task.todo:
        shot = rendered.shot(exposure)
        for contender in contenders:
            outcome = _sharpest(shot) if isinstance(contender, Sharpest) else contender.run(shot.stack)
            keys = row_keys(task.study, task.case, exposure, contender)
            found.append({**keys, **shot_scores(outcome, shot), **cost(outcome)})
    return found


def row_keys(study: str, case: Case, exposure: Exposure, contender: Contender) -> dict[str, str]:
    """What tells the row of a contender on an exposure of a scene from the others."""
    values = (
        study,
        case.surface,
        case.psf,
        case.texture,
        exposure.noise_model,
        f"{exposure.noise:g}",
        str(case.number),
        contender.label,
    )
    return dict(zip(KEYS, values, strict=True))


def _sharpest(shot: Shot) -> Outcome:
    """The slice nearest to the true depth at each pixel."""
    start = perf_counter()
    index = np.clip(np.rint(shot.depth), 0, len(shot.stack) - 1).astype(np.int16)
    image = np.take_along_axis(shot.stack, index[None].astype(np.intp), axis=0)[0]
    ones = np.ones(index.shape, dtype=np.float32)
    flags, z = np.zeros(index.shape, dtype=np.uint16), np.arange(len(shot.stack), dtype=np.float64)
    decision = Decision(index[None], ones[None], shot.depth, ones, flags, z)
    return Outcome(image, decision, perf_counter() - start)
