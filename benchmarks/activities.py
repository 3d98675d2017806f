"""Activities against each other: the same decision and blending, by networks or by a classical focus measure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.contenders import Outcome, named, setting_value
from benchmarks.rows import Row
from benchmarks.scenes import render
from benchmarks.scoring import SIMULATED, cost, shot_scores
from benchmarks.simulated import Task, row_keys
from napari_focusfuse import api
from napari_focusfuse.config import FusionConfig, LoGConfig, Scales
from napari_focusfuse.core.encode.measures import FocusMeasure
from napari_focusfuse.core.methods import method_named
from napari_focusfuse.core.result import Decision
from napari_focusfuse.errors import FocusFuseError

__all__ = ["FULL", "QUICK", "VALUES", "Activity", "Grid", "fixed", "run_activities", "softened"]

#: Columns of numbers.
VALUES = (*(name for name in SIMULATED if name != "ssim"), "seconds")
#: Names of what is no model: differences of the grey values, Laplacian of Gaussian, untrained encoder.
PIXEL_SF, LOG, RANDOM = "pixel-sf", "log", "random"
_RANDOM = re.compile(rf"{RANDOM}(?:-(\d+))?")
_FIELDS = ("radius", "levels", "softness")
_ONE_SCALE, _PYRAMID = 1, 3
_DEFAULT = FusionConfig()
_LEAST_WEIGHT = 1e-30


@dataclass(frozen=True)
class Activity:
    """A focus measure in our engine.

    Attributes
    ----------
    measure : str
        ``pixel-sf``, ``log-SIGMA``, ``random`` or ``random-SEED`` (an encoder that is not trained), or the name or
        folder of a model.
    radius, levels, softness
        As in `FusionConfig`.
    """

    measure: str
    radius: int = _DEFAULT.radius
    levels: int = _DEFAULT.levels
    softness: float = _DEFAULT.softness

    @classmethod
    def of(cls, name: str, settings: Sequence[str] = ()) -> Activity:
        """An activity from a name and settings such as ``radius=8``.

        Raises
        ------
        FocusFuseError
            There is no such measure, setting or value.
        """
        given: dict[str, Any] = {}
        for setting in settings:
            key, _, value = (part.strip() for part in setting.partition("="))
            if key not in _FIELDS:
                raise FocusFuseError(f"an activity has no setting {key!r}: choose one of {', '.join(_FIELDS)}")
            given[key] = setting_value(method_named("sesf"), key, value)
        if FusionConfig(scales="window", **given).hard:
            raise FocusFuseError("the softness of an activity must be finite: a hard choice is another decision")
        focus_measure(name)
        return cls(name, **given)

    @property
    def label(self) -> str:
        """Name in rows and tables: of a folder the last part, and what is not the engine's default."""
        told = [f"{name}={getattr(self, name):g}" for name in _FIELDS if getattr(self, name) != getattr(_DEFAULT, name)]
        return ":".join([Path(self.measure).name, *([",".join(told)] if told else [])])

    @property
    def fingerprint(self) -> str:
        """Of the weights, for a model; else nothing."""
        return "" if _formula(self.measure) else api.load_model(self.measure).sha256[:12]

    def decide(self, stack: Any) -> Decision:
        """Decide by the engine's default preset, on the CPU."""
        import torch

        from napari_focusfuse.core.decide.pipeline import iter_decide
        from napari_focusfuse.core.progress import drain
        from napari_focusfuse.core.stack import Stack

        own = (self.radius, self.levels) == (_DEFAULT.radius, _DEFAULT.levels)
        scales: Scales = "learned" if own else "window"
        config = FusionConfig(scales=scales, radius=self.radius, levels=self.levels, softness=self.softness)
        return drain(iter_decide(Stack(stack), focus_measure(self.measure), config, torch.device("cpu"), {}))

    def run(self, stack: Any) -> Outcome:
        """Decide, blend and take the time."""
        start = perf_counter()
        decision = self.decide(stack)
        return Outcome(api.blend(stack, decision), decision, perf_counter() - start)


@dataclass(frozen=True)
class Grid:
    """The settings that a classical measure may be tuned to: every combination.

    Attributes
    ----------
    sigmas : tuple of float
        Of the Laplacian of Gaussian, px.
    radii : tuple of int
        None of them is the engine's own.
    softnesses : tuple of float
        0 follows the noise.
    """

    sigmas: tuple[float, ...] = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
    radii: tuple[int, ...] = (2, 3, 5, 8, 12, 17)
    softnesses: tuple[float, ...] = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0)

    def activities(self) -> list[Activity]:
        """All of them, those of one decision in a row."""
        measures = [PIXEL_SF, *(f"{LOG}-{sigma:g}" for sigma in self.sigmas)]
        combined = product(measures, (_ONE_SCALE, _PYRAMID), self.radii, self.softnesses)
        return [Activity(measure, radius, levels, softness) for measure, levels, radius, softness in combined]


FULL = Grid()
QUICK = Grid(sigmas=(1.0, 3.0), radii=(3, 8), softnesses=(0.0, 8.0))


def fixed(models: str) -> list[Activity]:
    """Those with one setting for all stacks: models as named, and the differences of grey values beside them.

    Parameters
    ----------
    models : str
        Names or folders, which are run on one scale and on the pyramid; with settings, as those say:
        ``sesf-cse,random,FOLDER:radius=8``.
    """
    found = []
    for name, *settings in [[PIXEL_SF], *named(models)]:
        activity = Activity.of(name, settings)
        found += [activity] if settings else [activity, replace(activity, levels=_ONE_SCALE)]
    return found


def run_activities(task: Task) -> list[Row]:
    """Run and score the activities of a task; those that differ by softness alone share a decision."""
    rendered, found = render(task.case), []
    for exposure, contenders in task.todo:
        shot = rendered.shot(exposure)
        groups: dict[Activity, list[Activity]] = defaultdict(list)
        for activity in contenders:
            if isinstance(activity, Activity):
                groups[replace(activity, softness=_DEFAULT.softness)].append(activity)
        for engine, group in groups.items():
            start = perf_counter()
            decision = engine.decide(shot.stack)
            seconds = perf_counter() - start
            for activity in group:
                own = softened(decision, activity.softness)
                outcome = Outcome(api.blend(shot.stack, own), own, seconds)
                keys = row_keys(task.study, task.case, exposure, activity)
                found.append({**keys, **shot_scores(outcome, shot, ["psnr"]), **cost(outcome)})
    return found


def softened(decision: Decision, softness: float) -> Decision:
    """What the engine would have decided at another softness: weights are powers of the odds.

    Parameters
    ----------
    decision : Decision
        Of the engine, with soft weights.
    softness : float
        0 leaves the decision as it is.
    """
    if not softness:
        return decision
    power = np.float32(softness / decision.info["softness"])
    weights = np.maximum(decision.weights, _LEAST_WEIGHT) ** power
    return replace(decision, weights=weights / weights.sum(axis=0), info={**decision.info, "softness": softness})


@lru_cache(maxsize=8)
def focus_measure(name: str) -> FocusMeasure:
    """The measure of that name.

    Raises
    ------
    FocusFuseError
        There is none.
    """
    import torch

    found = _formula(name)
    if found is not None:
        return found
    encoder = api.load_model(name).encoder
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return encoder


def _formula(name: str) -> FocusMeasure | None:
    """A measure that is no model."""
    import torch

    from napari_focusfuse.core.encode.measures import LoGEnergy, PixelSF
    from napari_focusfuse.core.encode.network import Encoder

    if name == PIXEL_SF:
        return PixelSF()
    kind, _, sigma = name.partition("-")
    if kind == LOG:
        return LoGEnergy(LoGConfig(sigma=_sigma(sigma)).sigma)
    match = _RANDOM.fullmatch(name)
    if match is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(match[1] or 1))
        return Encoder().eval()


def _sigma(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FocusFuseError(f"{LOG}-{text} names no sigma: write it as in {LOG}-1.5") from None
