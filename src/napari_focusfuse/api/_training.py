"""Training a model on images of one's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_focusfuse.api._models import torch_device
from napari_focusfuse.api._training_images import folders_of, iter_greys
from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.progress import Progress, Returning, drain
from napari_focusfuse.errors import OutputError, TrainingError

if TYPE_CHECKING:
    import torch

    from napari_focusfuse.api._training_images import Grey
    from napari_focusfuse.core.training import EpochLog, TrainState

    #: Training and validation images.
    Split = tuple[list[Grey], list[Grey]]


#: One of so many images is kept for validation: from the middle of them, as the first slices of a stack are blurred.
_EVERY = 10


@dataclass(frozen=True)
class TrainResult:
    """What training gives.

    Attributes
    ----------
    folder : Path
        The model folder.
    log : tuple of EpochLog
        Losses of every epoch.
    psnr : float
        Of the reconstruction of whole validation images, dB; of the middle of very large ones.
    ssim : float
        Likewise.
    best_epoch : int
        Whose weights were kept; 0: none was better than the model started from.
    ended : str
        Why there were no more epochs.
    """

    folder: Path
    log: tuple[EpochLog, ...]
    psnr: float
    ssim: float
    best_epoch: int
    ended: str


def train(
    images: Any,
    config: TrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    start: str | os.PathLike[str] | None = None,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    licence: str = "",
    progress: Callable[[Progress], object] | None = None,
) -> TrainResult:
    """Train the encoder-decoder on your own images, without labels, and write it as a model folder.

    Parameters
    ----------
    images : folder, sequence of folders, or sequence of arrays (Y, X[, 3|4])
        Sharp images; colour is made grey, 8 bit is divided by 255, everything else by its percentiles .1 and 99.9.
        Files that cannot be read are left out, with a warning.
    config : TrainConfig, optional
        Recipe.
    out : path
        Folder for ``model.safetensors``, ``card.md`` and the checkpoint. In `models_folder()` it is found by its name.
    validation : like `images`, optional
        By default every tenth image is kept for it.
    start : str or path, optional
        Model to start from (fine-tuning), by name or folder; random weights without. Its variant is kept.
    device : str
        "auto", "cpu", "cuda", "mps". On CUDA in mixed precision.
    resume : bool
        Go on from the checkpoint in `out`; the same weights come out as without the interruption (on the CPU).
    overwrite : bool
        Replace a model that is in `out`, once the first epoch of the new one is done.
    licence : str
        Terms of the images, for the card.
    progress : callable, optional
        Called with a `Progress`, most of them `TrainReport`, after each step.

    Returns
    -------
    TrainResult

    Raises
    ------
    FocusFuseError
        No usable images, nothing to resume, `out` holds a model already, or the loss is no longer a number.
    """
    work = iter_train(
        images,
        config,
        out=out,
        validation=validation,
        start=start,
        device=device,
        resume=resume,
        overwrite=overwrite,
        licence=licence,
    )
    return drain(work, progress)


def iter_train(
    images: Any,
    config: TrainConfig | None = None,
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
    """Train step by step: the same as `train`, as a generator of `Progress`; once images are read, of `TrainReport`.

    `stop` is asked after each step; True ends the training and keeps the best model. Whoever stops to iterate finds the
    best model of the epochs that were finished in `out`.
    """
    check_vacant(out, resume or overwrite)
    where = torch_device(device)
    beginning = _begin(config or TrainConfig(), Path(out), start, resume, licence)
    split = yield from _iter_split(images, validation)
    names = [str(item) for item in folders_of(images)] or [f"{len(split[0])} arrays"]
    return (yield from iter_fit(split, Path(out), beginning, names, where, stop))


def check_vacant(out: str | os.PathLike[str], allowed: bool) -> None:
    """Refuse a folder that holds a model, unless that is allowed."""
    from napari_focusfuse import models

    if not allowed and models.holds_model(Path(out)):
        raise OutputError(f"{out} holds a model already: choose another folder, resume, or allow to overwrite it")


def iter_fit(
    split: Split,
    folder: Path,
    beginning: Beginning,
    names: list[str],
    where: torch.device,
    stop: Callable[[], bool] | None,
) -> Generator[Progress, None, TrainResult]:
    """Train on grey images and keep the best model in `folder`."""
    from napari_focusfuse.core import training

    (greys, held_out), (config, state, licence) = split, beginning
    keeper = _Keeper(folder, names, (len(greys), len(held_out)), licence)
    reports = Returning(training.iter_train(greys, held_out, config, state, device=where, stop=stop))
    try:
        for report in reports:
            if report.state is not None:
                state = report.state
                keeper.keep(state)
            yield report
    except TrainingError as error:
        if state is None or not state.log:
            raise
        raise TrainingError(f"{error}; the best model so far is in {folder}") from error
    finally:
        keeper.leave()
    state = reports.result
    if not state.best:
        raise TrainingError(f"there is no model: {state.ended} before the first step")
    psnr, ssim = keeper.finish(state, held_out)
    return TrainResult(folder, tuple(state.log), psnr, ssim, state.best_epoch, state.ended)


class Beginning(NamedTuple):
    """Recipe, state and terms to begin or go on with."""

    config: TrainConfig
    state: TrainState | None
    licence: str


def _begin(
    config: TrainConfig, folder: Path, start: str | os.PathLike[str] | None, resume: bool, licence: str
) -> Beginning:
    from napari_focusfuse import models

    beginning = Beginning(config, None, licence) if start is None else started_from(start, config, licence)
    return beginning._replace(state=models.load_state(folder)) if resume else beginning


def started_from(start: str | os.PathLike[str], config: TrainConfig, licence: str) -> Beginning:
    """Begin with a trained model; its variant and the terms of its images go along."""
    from napari_focusfuse import models
    from napari_focusfuse.core.training import TrainState

    model = models.load_model(start)
    config = replace(config, variant=model.encoder.variant)
    terms = models.card_facts(models.model_card(str(start))).licence or "not stated"
    licence = f"{licence or 'not stated'}; of {model.name}, which it started from: {terms}"
    return Beginning(
        config, TrainState(model.network, config, origin=f"{model.name} (sha256 {model.sha256[:12]})"), licence
    )


def _iter_split(images: Any, validation: Any) -> Generator[Progress, None, Split]:
    """Training and validation images."""
    greys = yield from iter_greys(images)
    if validation is not None:
        return greys, (yield from iter_greys(validation))
    if len(greys) < 2:
        count = "one image is" if greys else "no images are"
        raise TrainingError(f"{count} too few: give at least two, or validation images as well")
    first = min(len(greys), _EVERY) // 2
    held = range(first, len(greys), _EVERY)
    return [grey for i, grey in enumerate(greys) if i not in held], [greys[i] for i in held]


class _Keeper:
    """Writes checkpoint and best model after each epoch, so that both are there whatever happens.

    Parameters
    ----------
    folder : Path
        Made, and tried.
    names : list of str
        What is trained on.
    counts : (int, int)
        Number of training and of validation images.
    licence : str
    """

    def __init__(self, folder: Path, names: list[str], counts: tuple[int, int], licence: str) -> None:
        from napari_focusfuse import models

        self._folder, self._names, self._counts, self._licence = folder, names, counts, licence
        self._kept = -1
        models.check_folder(folder)

    def keep(self, state: TrainState) -> None:
        """Write where the training stands, and the best model if it is a new one."""
        from napari_focusfuse import models

        models.save_state(state, self._folder)
        if state.best_epoch != self._kept:
            self._save(state, None)
            self._kept = state.best_epoch

    def finish(self, state: TrainState, held_out: list[Grey]) -> tuple[float, float]:
        """Write the best model with its scores, which are returned."""
        from napari_focusfuse.core import training

        scores = training.reconstruction_scores(training.best_network(state), held_out)
        self._save(state, scores)
        return scores

    def leave(self) -> None:
        """Take the folder away if nothing was written."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _save(self, state: TrainState, scores: tuple[float, float] | None) -> None:
        from napari_focusfuse import models
        from napari_focusfuse.core import training

        card = models.training_card(state, self._names, self._counts, scores, self._licence)
        models.save_model(training.best_network(state), self._folder, card)
