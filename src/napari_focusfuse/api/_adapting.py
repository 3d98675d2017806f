"""Adapting a model to one focus stack: fine-tuning on its own slices or on their fusion, and what that changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._fitting import TrainResult, iter_fit, started_from
from napari_focusfuse.api._fusion import iter_decide
from napari_focusfuse.api._models import load_model, torch_device, trained_by
from napari_focusfuse.api._training import check_vacant
from napari_focusfuse.config import ADAPTATIONS, HAVING, AnyTrainConfig, RankConfig, Recipe
from napari_focusfuse.core.progress import Progress, Returning, drained
from napari_focusfuse.errors import TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_focusfuse.api._fitting import Split
    from napari_focusfuse.core.progress import Clock
    from napari_focusfuse.core.stack import Stack

#: Slices that are trained on at most: neighbours are much alike.
_MOST_SLICES = 24
#: Every so many slices, one is kept for validation.
_HELD_OUT = 6
#: Where the part of a fused image begins and ends that is kept for it.
_MIDDLE = (5 / 12, 7 / 12)


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What adapting a model to a stack has changed.

    Attributes
    ----------
    model : str
        Name of the model it started from, which is not changed.
    result : TrainResult
        The training; ``result.folder`` is the adapted model.
    scores : (dict, dict)
        `TrainResult.scores` of the model before and after: the reconstruction of slices that were not trained on, or
        the share of pixels found in small stacks made from a part of the fused image that was not trained on.
    index : (array, array)
        The slice (Y, X) that each pixel is taken from, before and after, from 0 on.
    """

    model: str
    result: TrainResult
    scores: tuple[dict[str, float], dict[str, float]]
    index: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]

    @property
    def changed(self) -> float:
        """Share of the pixels that are taken from another slice than before."""
        before, after = self.index
        return float((before != after).mean())

    @property
    def moved(self) -> float:
        """Share of the pixels that are taken from a slice further away than the neighbours of the one before."""
        before, after = (index.astype(int) for index in self.index)
        return float((abs(before - after) > 1).mean())


def iter_adapt(
    stack: Any,
    *,
    out: str | os.PathLike[str],
    model: str | os.PathLike[str] = "default",
    config: AnyTrainConfig | None = None,
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    overwrite: bool = False,
    licence: str = "",
    stop: Callable[[], bool] | None = None,
) -> Generator[Progress, None, Adaptation]:
    """Fine-tune a model on one stack, and compare the decision maps of both.

    The recipe of the paper trains on the slices, the others on the fused image.

    Parameters
    ----------
    stack, axis, rgb
        As for `fuse`.
    out : path
        Folder for the adapted model; `model` itself is not changed.
    model : str or path
        The model to start from. If nothing improves, the adapted model is a copy of it.
    config : TrainConfig, RankConfig, DecideConfig or CandidateConfig, optional
        Recipe; if left out, small steps and three minutes of that which trains the last part of the model, see
        `trained_by`.
    device, overwrite, licence, stop
        As for `train`.

    Returns
    -------
    Adaptation

    Raises
    ------
    FocusFuseError
        The stack is none, its slices are smaller than a crop, the model lacks what the recipe trains, or `out` holds a
        model already.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> images = ff.simulate((64, 64), slices=3).stack
    >>> done = ff.adapt(images, out="adapted", model="sesf-cse")  # doctest: +SKIP
    >>> done.result.folder.name, 0 <= done.changed <= 1  # doctest: +SKIP
    ('adapted', True)
    """
    from napari_focusfuse.core.blend import iter_blend
    from napari_focusfuse.core.progress import Clock
    from napari_focusfuse.core.stack import Stack
    from napari_focusfuse.core.training.recipes import scores_of

    check_vacant(out, overwrite)
    where = torch_device(device)
    loaded = load_model(model)
    config = config or ADAPTATIONS[trained_by(model)]
    beginning = started_from(model, config, licence)
    _check_fits(loaded.name, trained_by(model), config.recipe)
    slices, decide = Stack(stack, axis, rgb), partial(iter_decide, stack, device=device, axis=axis, rgb=rgb)
    clock = Clock(0.0, 0.0)
    before = yield from _labelled(decide(model=model), f"deciding with {loaded.name}", clock)
    if isinstance(config, RankConfig):
        split = _pieces((yield from _labelled(iter_blend(slices, before), "fusing the stack", clock)))
        names = ["parts of the fused image of one stack"]
    else:
        split = yield from _iter_slices(slices)
        names = [f"{len(split[0])} slices of one stack"]
    adapted = Path(out).absolute()
    scores = scores_of(loaded.network or loaded.encoder, split[1], config)
    result = yield from iter_fit(split, adapted, beginning, names, where, stop, around=clock.spent)
    after = yield from _labelled(decide(model=adapted), "deciding with the adapted model", clock)
    return Adaptation(loaded.name, result, (scores, result.scores), (before.index, after.index))


adapt = drained(iter_adapt)


def _check_fits(name: str, own: Recipe, recipe: Recipe) -> None:
    """Refuse to adapt what a model does not have."""
    if own not in HAVING[recipe]:
        part = "candidate head" if recipe == "candidates" else "decision head"
        raise TrainingError(
            f"the model {name!r} has no {part} to adapt: train it by the recipe {recipe} first, or adapt it by {own}"
        )


def _labelled(work: Generator[Progress, None, Any], label: str, clock: Clock) -> Generator[Progress, None, Any]:
    """The same work, said to be a part of something; while it pauses, the clock stands still."""
    steps = Returning(work)
    for step in steps:
        yield from clock.give(Progress(step.done, step.total, f"{label}, {step.what}"))
    return steps.result


def _iter_slices(stack: Stack) -> Generator[Progress, None, Split]:
    """Some slices to train on and some to validate, evenly spread, all brought to one range of values as for fusing."""
    import numpy as np

    from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range, scaled

    chosen = np.unique(np.linspace(0, len(stack) - 1, min(len(stack), _MOST_SLICES)).round().astype(int))
    read = []
    for count, k in enumerate(chosen):
        yield Progress(count, len(chosen), f"reading slice {k + 1}")
        read.append(filled(luminance(stack[int(stack.order[k])]))[0])
    limits = robust_range(np.stack(read))
    greys = [scaled(grey, limits).clip(0, 1) for grey in read]
    first = min(_HELD_OUT, len(greys)) // 2
    held = set(range(first, len(greys), _HELD_OUT))
    return [grey for k, grey in enumerate(greys) if k not in held], [greys[k] for k in sorted(held)]


def _pieces(image: NDArray[Any]) -> Split:
    """A fused image in parts along its longer side: the middle to validate, the rest to train on."""
    import numpy as np

    from napari_focusfuse.core.stack.intensity import training_grey

    grey = training_grey(image)
    along = int(np.argmax(grey.shape))
    cuts = [round(grey.shape[along] * share) for share in _MIDDLE]
    first, held_out, last = np.split(grey, cuts, axis=along)
    return [first, last], [held_out]
