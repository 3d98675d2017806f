"""The simulated part: which scenes there are, and running every contender on all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmarks.contenders import Contender, Outcome
from benchmarks.pool import iter_pool
from benchmarks.rows import Row, Rows
from benchmarks.scenes import (
    FLAWS,
    NO_FLAW,
    NOISES,
    PSFS,
    TEXTURES,
    UNEVEN,
    Case,
    Exposure,
    Shot,
    Split,
    render,
)
from benchmarks.scoring import COSTS, SIMULATED, cost, shot_scores
from napari_focusfuse.config import PSF, Surface
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result import Decision

__all__ = [
    "FAMILIES",
    "FLAWED",
    "KEYS",
    "LADDER",
    "NOISIER",
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

STANDARD, FAMILIES, FLAWED, NOISIER = "standard", "families", "flawed", "noisier"
KEYS = ("study", "surface", "psf", "texture", "flaw", "noise_model", "noise", "scene", "method")
VALUES = (*SIMULATED, *COSTS)
#: Label of the slice that is truly sharpest at each pixel: a yardstick, no method.
SHARPEST = "sharpest slice"
#: Scenes of the families, and with flaws, have numbers of their own.
_FAMILY_NUMBERS, _FLAWED_NUMBERS = 1000, 2000
_FAMILY_NOISE, _FLAWED_NOISE = 0.03, 0.01
#: Surfaces of both, and most scenes of a surface with flaws.
_FEW_SURFACES: tuple[Surface, ...] = ("smooth", "blocks")
_FLAWED_SCENES = 5
#: Noise that grows on the scenes with flaws, the same everywhere and not.
LADDER, _LADDER_FLAWS = (0.0, 0.002, 0.005, 0.01, 0.03), (NO_FLAW, UNEVEN)

Job = TypeVar("Job")


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
    flaws : bool
        Also run scenes with every flaw of real stacks, and some with more and more noise.
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
    flaws: bool = False
    shape: tuple[int, int] = (240, 320)
    slices: int = 12
    surfaces: tuple[Surface, ...] = ("smooth", "blocks", "spheres", "fibres")
    noises: tuple[float, ...] = (0.0, 0.01, 0.03)

    def settings(self) -> dict[str, Any]:
        """What a row depends on besides its keys, in plain JSON types."""
        textures = "procedural" if self.textures is None else self.textures.name
        return {"split": self.split, "textures": textures, "shape": list(self.shape), "slices": self.slices}

    def own(self, rows: Iterable[Row]) -> list[Row]:
        """Those rows that are of scenes of this study; there may be more of an earlier run."""
        known = {_stack_key(study, case, exposure) for study, case, exposures in self.tasks() for exposure in exposures}
        return [row for row in rows if tuple(row[name] for name in KEYS[:-1]) in known]

    def tasks(self) -> list[tuple[str, Case, list[Exposure]]]:
        """Every scene: the study it belongs to, what it is rendered from, and how it is exposed."""
        exposures = [Exposure("gaussian", noise) for noise in self.noises]
        main = TEXTURES[1] if self.textures is None else TEXTURES[0]
        tasks = [
            (STANDARD, self._case(surface, PSFS[0], main, number), exposures)
            for number in range(self.scenes)
            for surface in self.surfaces
        ]
        tasks += self._family_tasks() if self.families else []
        return tasks + (self._flawed_tasks(main) if self.flaws else [])

    def _family_tasks(self) -> list[tuple[str, Case, list[Exposure]]]:
        """As many scenes as a cell has, each with every kind of blur and noise: these are compared on the same."""
        textures = TEXTURES[1:] if self.textures is None else TEXTURES
        exposures = [Exposure(model, _FAMILY_NOISE) for model in NOISES]
        rounds = math.ceil(self.scenes / len(textures))
        return [
            (FAMILIES, self._case(surface, psf, texture, _FAMILY_NUMBERS + n), exposures)
            for n, texture in enumerate(textures * rounds)
            for psf in PSFS
            for surface in _FEW_SURFACES
        ]

    def _flawed_tasks(self, texture: str) -> list[tuple[str, Case, list[Exposure]]]:
        """The same few scenes with each flaw, and with none."""
        numbers = range(_FLAWED_NUMBERS, _FLAWED_NUMBERS + min(self.scenes, _FLAWED_SCENES))
        exposures = {FLAWED: [Exposure(NOISES[0], _FLAWED_NOISE)], NOISIER: [Exposure(NOISES[0], n) for n in LADDER]}
        return [
            (study, self._case(surface, PSFS[0], texture, number, flaw), exposures[study])
            for number in numbers
            for surface in _FEW_SURFACES
            for study, flaws in ((FLAWED, FLAWS), (NOISIER, _LADDER_FLAWS))
            for flaw in flaws
        ]

    def _case(self, surface: Surface, psf: PSF, texture: str, number: int, flaw: str = NO_FLAW) -> Case:
        return Case(
            split=self.split,
            number=number,
            surface=surface,
            psf=psf,
            texture=texture,
            flaw=flaw,
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

    def who(name: str, _case: Case, _exposure: Exposure) -> Sequence[Contender]:
        """Whether more noise is better is asked of the first alone."""
        return contenders[:1] if name == NOISIER else everyone

    yield from iter_tasks(missing_tasks(study, who, rows), run_task, rows, jobs)


def iter_tasks(
    tasks: Sequence[Job], work: Callable[[Job], list[Row]], rows: Rows, jobs: int
) -> Generator[Progress, None, None]:
    """Do tasks; what each gives goes into the file at once. `work` is of a module's top level."""
    yield Progress(0, max(len(tasks), 1), "scenes")
    for done, found in enumerate(iter_pool(work, tasks, jobs), start=1):
        rows.add(found)
        yield Progress(done, len(tasks), f"scene {done} of {len(tasks)}")
    rows.finish()


def missing_tasks(study: Study, who: Callable[[str, Case, Exposure], Sequence[Contender]], rows: Rows) -> list[Task]:
    """The scenes on which somebody has still to run.

    Parameters
    ----------
    study : Study
    who : callable
        Who is to run, of the name of a study, a scene of it and an exposure.
    rows : Rows
        What is there already.
    """
    tasks = []
    for name, case, exposures in study.tasks():
        todo = []
        for exposure in exposures:
            missing = tuple(c for c in who(name, case, exposure) if not rows.has(**row_keys(name, case, exposure, c)))
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
    return dict(zip(KEYS, (*_stack_key(study, case, exposure), contender.label), strict=True))


def _stack_key(study: str, case: Case, exposure: Exposure) -> tuple[str, ...]:
    """What tells a stack from the others, in the order of `KEYS`."""
    noise = (exposure.noise_model, f"{exposure.noise:g}")
    return (study, case.surface, case.psf, case.texture, case.flaw, *noise, str(case.number))


def _sharpest(shot: Shot) -> Outcome:
    """The slice nearest to the true depth at each pixel."""
    start = perf_counter()
    index = np.clip(np.rint(shot.depth), 0, len(shot.stack) - 1).astype(np.int16)
    image = np.take_along_axis(shot.stack, index[None].astype(np.intp), axis=0)[0]
    ones = np.ones(index.shape, dtype=np.float32)
    flags, z = np.zeros(index.shape, dtype=np.uint16), np.arange(len(shot.stack), dtype=np.float64)
    decision = Decision(index[None], ones[None], shot.depth, ones, flags, z)
    return Outcome(image, decision, perf_counter() - start)
