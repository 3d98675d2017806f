"""Training a model on images of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.progress import Progress, Returning, drain
from napari_focusfuse.errors import OutputError, TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_focusfuse.core.training import EpochLog, TrainReport, TrainState


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
        Of the reconstruction of whole validation images, dB.
    ssim : float
        Likewise.
    """

    folder: Path
    log: tuple[EpochLog, ...]
    psnr: float
    ssim: float


def train(
    images: Any,
    config: TrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    resume: bool = False,
    licence: str = "",
    progress: Callable[[Progress], object] | None = None,
) -> TrainResult:
    """Train the encoder-decoder on your own images, without labels, and write it as a model folder.

    Parameters
    ----------
    images : folder, sequence of folders, or sequence of arrays (Y, X[, 3|4])
        Sharp images; colour is made grey, 8 bit is divided by 255, everything else by its percentiles .1 and 99.9.
    config : TrainConfig, optional
        Recipe.
    out : path
        Folder for ``model.safetensors``, ``card.md`` and the checkpoint.
    validation : like `images`, optional
        By default every tenth image is kept for it.
    resume : bool
        Go on from the checkpoint in `out`; the same weights come out as without the interruption.
    licence : str
        Terms of the images, for the card.
    progress : callable, optional
        Called with a `TrainReport` after each batch.

    Returns
    -------
    TrainResult

    Raises
    ------
    FocusFuseError
        No usable images, nothing to resume, `out` holds a model already, or the loss is no longer a number.
    """
    work = iter_train(images, config, out=out, validation=validation, resume=resume, licence=licence)
    return drain(work, progress)


def iter_train(
    images: Any,
    config: TrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    resume: bool = False,
    licence: str = "",
) -> Generator[TrainReport, None, TrainResult]:
    """Train step by step: the same as `train`, as a generator of `TrainReport`."""
    from napari_focusfuse import models
    from napari_focusfuse.core import training

    config, folder = config or TrainConfig(), Path(out)
    state = models.load_state(folder) if resume else None
    if not resume and models.holds_model(folder):
        raise OutputError(f"{folder} holds a model already: choose another folder, or resume")
    greys = _greys(images)
    if validation is None and len(greys) < 2:
        raise TrainingError(f"{len(greys)} images are too few: give at least two, or validation images as well")
    held_out = greys[::10] if validation is None else _greys(validation)
    if validation is None:
        greys = [grey for i, grey in enumerate(greys) if i % 10]
    work = training.iter_train(greys, held_out, config, state)
    names = [str(item) for item in _folders(images)] or [f"{len(greys)} arrays"]
    counts = (len(greys), len(held_out))

    def save(finished: TrainState) -> tuple[float, float]:
        network = training.best_network(finished)
        scores = training.reconstruction_scores(network, held_out)
        models.save_model(network, folder, models.training_card(config, finished, names, counts, scores, licence))
        return scores

    reports = Returning(work)
    try:
        for report in reports:
            if report.state is not None:
                state = report.state
                models.save_state(state, folder)
            yield report
    except TrainingError as error:
        if state is None or not state.log:
            raise
        save(state)
        raise TrainingError(f"{error}; the best model so far is in {folder}") from error
    psnr, ssim = save(reports.result)
    return TrainResult(folder, tuple(reports.result.log), psnr, ssim)


def _folders(images: Any) -> list[Path]:
    """`images` as folders; none if they are arrays."""
    if isinstance(images, (str, os.PathLike)):
        return [Path(images)]
    return [Path(item) for item in images if isinstance(item, (str, os.PathLike))]


def _greys(images: Any) -> list[NDArray[np.float32]]:
    """Images of folders, or arrays, as grey in [0, 1]."""
    import numpy as np

    from napari_focusfuse import io
    from napari_focusfuse.core.intensity import training_grey

    folders = _folders(images)
    if not folders:
        return [training_grey(np.asarray(image)) for image in images]
    files = [file for folder in folders for file in io.slice_files(folder)]
    return [training_grey(io.read_image(file)) for file in files]
