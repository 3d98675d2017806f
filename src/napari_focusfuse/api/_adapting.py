"""Adapting a model to one focus stack: fine-tuning on its own slices, and what that changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._fusion import iter_decide
from napari_focusfuse.api._models import load_model, torch_device
from napari_focusfuse.api._training import TrainResult, check_vacant, iter_fit, started_from
from napari_focusfuse.core.config import ADAPTING, TrainConfig
from napari_focusfuse.core.progress import Progress, Returning, drain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_focusfuse.api._training import Split
    from napari_focusfuse.core.stack import Stack

#: Slices that are trained on at most: neighbours are much alike.
_MOST_SLICES = 24
#: Every so many slices, one is kept for validation.
_HELD_OUT = 6


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What adapting a model to a stack has changed.

    Attributes
    ----------
    model : str
        Name of the model it started from, which stays as it is.
    result : TrainResult
        The training; ``result.folder`` is the adapted model.
    psnr : (float, float)
        Reconstruction of slices that were not trained on by the model before and after, dB.
    index : (array, array)
        The slice (Y, X) that each pixel is taken from, before and after, from 0 on.
    """

    model: str
    result: TrainResult
    psnr: tuple[float, float]
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


def adapt(
    stack: Any,
    *,
    out: str | os.PathLike[str],
    model: str | os.PathLike[str] = "default",
    config: TrainConfig | None = None,
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    overwrite: bool = False,
    licence: str = "",
    progress: Callable[[Progress], object] | None = None,
) -> Adaptation:
    """Fine-tune a model on the slices of one stack, and compare what both decide.

    Parameters
    ----------
    stack, axis, rgb
        As for `fuse`.
    out : path
        Folder for the adapted model; `model` itself stays as it is.
    model : str or path
        The model to start from. If no epoch gives the slices back better, the adapted model is a copy of it.
    config : TrainConfig, optional
        Recipe; small steps and three minutes if left out.
    device, overwrite, licence, progress
        As for `train`.

    Returns
    -------
    Adaptation

    Raises
    ------
    FocusFuseError
        The stack is none, its slices are smaller than a crop, or `out` holds a model already.
    """
    work = iter_adapt(
        stack,
        out=out,
        model=model,
        config=config,
        device=device,
        axis=axis,
        rgb=rgb,
        overwrite=overwrite,
        licence=licence,
    )
    return drain(work, progress)


def iter_adapt(
    stack: Any,
    *,
    out: str | os.PathLike[str],
    model: str | os.PathLike[str] = "default",
    config: TrainConfig | None = None,
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    overwrite: bool = False,
    licence: str = "",
    stop: Callable[[], bool] | None = None,
) -> Generator[Progress, None, Adaptation]:
    """Adapt step by step: the same as `adapt`, as a generator of `Progress`; `stop` as for `iter_train`."""
    from napari_focusfuse.core import training
    from napari_focusfuse.core.stack import Stack

    check_vacant(out, overwrite)
    where = torch_device(device)
    beginning = started_from(model, config or ADAPTING, licence)
    name = load_model(model).name
    slices = Stack(stack, axis, rgb)
    split = yield from _iter_slices(slices)
    decide = partial(iter_decide, stack, device=device, axis=axis, rgb=rgb)
    before = yield from _labelled(decide(model=model), f"deciding with {name}")
    adapted = Path(out).absolute()
    result = yield from iter_fit(split, adapted, beginning, [f"{len(split[0])} slices of one stack"], where, stop)
    after = yield from _labelled(decide(model=adapted), "deciding with the adapted model")
    old, new = (training.reconstruction_scores(load_model(each).network, split[1])[0] for each in (model, adapted))
    return Adaptation(name, result, (old, new), (before.index, after.index))


def _labelled(work: Generator[Progress, None, Any], label: str) -> Generator[Progress, None, Any]:
    """The same work, said to be a part of something."""
    steps = Returning(work)
    for step in steps:
        yield Progress(step.done, step.total, f"{label}, {step.what}")
    return steps.result


def _iter_slices(stack: Stack) -> Generator[Progress, None, Split]:
    """Some slices to train on and some to validate, evenly spread, all brought to one range of values as for fusing."""
    import numpy as np

    from napari_focusfuse.core.intensity import filled, luminance, robust_range, scaled

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
