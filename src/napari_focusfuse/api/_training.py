"""Training a model on your own images, by any recipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._fitting import Beginning, TrainResult, folders_of, iter_fit, iter_greys, started_from
from napari_focusfuse.api._models import torch_device
from napari_focusfuse.config import DEFAULT_RECIPE, RECIPES
from napari_focusfuse.core.progress import Progress, drained
from napari_focusfuse.errors import OutputError, TrainingError

if TYPE_CHECKING:
    from napari_focusfuse.api._fitting import Split
    from napari_focusfuse.config import AnyTrainConfig, Recipe

#: One of so many images is kept for validation: from the middle of them, as the first slices of a stack are blurred.
_EVERY = 10


def iter_train(
    images: Any,
    config: AnyTrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    start: str | os.PathLike[str] | None = None,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    licence: str = "",
    stop: Callable[[], bool] | None = None,
) -> Generator[Progress, None, TrainResult]:
    """Train a model on your own images, without labels, and write it as a model folder.

    Whoever stops to iterate finds the model that was the best at a validation in `out`, or the one that was there
    before if it is to be overwritten.

    There are four recipes. That of the paper, `TrainConfig`, trains encoder and decoder to reconstruct images.
    `RankConfig` (focus) trains the encoder alone to tell which slice of small simulated stacks is the sharpest. The
    other two start from a model, of which all else stays as it is: `DecideConfig` trains a decision head for its
    encoder, and `CandidateConfig` a candidate head for its encoder and decision head.

    Parameters
    ----------
    images : folder, sequence of folders, or sequence of arrays (Y, X[, 3|4])
        Sharp images; colour is made grey, 8 bit is divided by 255, everything else by its percentiles .1 and 99.9.
        Files that cannot be read are left out, with a warning. Only `TrainConfig` needs images: without, the others
        compute textures.
    config : TrainConfig, RankConfig, DecideConfig or CandidateConfig, optional
        Recipe; to resume, by default the one that the training was started with.
    out : path
        Folder for ``model.safetensors``, ``card.md`` and the checkpoint. Models in `models_folder()` have a name.
    validation : like `images`, optional
        By default every tenth image is kept for it.
    start : str or path, optional
        Model to start from (fine-tuning), by name or folder; random weights without. Its variant is kept.
        `TrainConfig` needs one with a decoder, `CandidateConfig` one with a decision head.
    device : str
        "auto", "cpu", "cuda", "mps". On CUDA `TrainConfig` runs in mixed precision.
    resume : bool
        Resume from the checkpoint in `out`; the weights are the same as without the interruption (on the CPU).
    overwrite : bool
        Replace a model that is in `out`, once the new one is complete; until then only its checkpoint is written.
    licence : str
        Licence of the images, stored in the model card.
    stop : callable, optional
        Asked after each step; True ends the training and keeps the best model.

    Returns
    -------
    TrainResult

    Raises
    ------
    FocusFuseError
        No usable images, nothing to resume or by another recipe, a model to start from that does not fit the recipe,
        `out` already contains a model, or the loss is no longer a number.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> images = ff.simulate((64, 64), slices=3).stack
    >>> result = ff.train(images, ff.TrainConfig(epochs=1, crop=32), out="model", device="cpu")  # doctest: +SKIP
    >>> ff.load_model(result.folder).name  # doctest: +SKIP
    'model'
    """
    check_vacant(out, resume or overwrite)
    where = torch_device(device)
    beginning = _begin(config, Path(out), start, resume, licence)
    split = yield from _iter_split(images, validation, few=beginning.config.recipe != "paper")
    names = [str(item) for item in folders_of(images)] or [f"{len(split[0])} arrays"]
    return (yield from iter_fit(split, Path(out), beginning, names, where, stop))


train = drained(iter_train)


def check_vacant(out: str | os.PathLike[str], allowed: bool) -> None:
    """Refuse a folder that holds a model, unless that is allowed."""
    from napari_focusfuse import models

    if not allowed and models.holds_model(Path(out)):
        raise OutputError(f"{out} already contains a model: choose another folder, resume, or allow overwriting it")


def recipe_to_resume(out: str | os.PathLike[str], asked: Recipe | None = None) -> Recipe:
    """The recipe that the training in `out` was begun by.

    Raises
    ------
    FocusFuseError
        There is none, or `asked` is another.
    """
    from napari_focusfuse.core.training.recipes import check_recipe
    from napari_focusfuse.models import checkpoint_recipe

    begun = checkpoint_recipe(Path(out))
    check_recipe(begun, asked or begun)
    return begun


def _begin(
    config: AnyTrainConfig | None, folder: Path, start: str | os.PathLike[str] | None, resume: bool, licence: str
) -> Beginning:
    from napari_focusfuse import models
    from napari_focusfuse.core.training.recipes import check_recipe

    if resume:
        state = models.load_state(folder)
        config = config or state.config
        check_recipe(state.config.recipe, config.recipe)
        terms = licence if start is None else started_from(start, config, licence).licence
        return Beginning(config, state, terms)
    config = config or RECIPES[DEFAULT_RECIPE]()
    return Beginning(config, None, licence) if start is None else started_from(start, config, licence)


def _iter_split(images: Any, validation: Any, *, few: bool) -> Generator[Progress, None, Split]:
    """Training and validation images; one or none suffice where `few` do."""
    greys = yield from iter_greys(images)
    if validation is not None:
        return greys, (yield from iter_greys(validation))
    if len(greys) < 2:
        if few:
            return greys, []
        count = "one image is" if greys else "no images are"
        raise TrainingError(f"{count} too few: give at least two, or validation images as well")
    first = min(len(greys), _EVERY) // 2
    held = range(first, len(greys), _EVERY)
    return [grey for i, grey in enumerate(greys) if i not in held], [greys[i] for i in held]
