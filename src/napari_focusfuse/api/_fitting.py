"""The training itself for `train` and `adapt`: its images, where it begins, what is kept meanwhile, what it gives."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_focusfuse.config import AnyTrainConfig, CandidateConfig, RankConfig, Recipe
from napari_focusfuse.core.progress import Progress, Returning
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, StackError, TrainingError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_focusfuse.core.training.autoencoder import EpochLog
    from napari_focusfuse.core.training.recipes import AnyTrainState
    from napari_focusfuse.core.training.steps import RankLog

    Grey = NDArray[np.float32]
    #: Training and validation images.
    Split = tuple[list[Grey], list[Grey]]

#: Names of files that a warning lists.
_NAMED = 5


def folders_of(images: Any) -> list[Path]:
    """`images` as folders; none if they are arrays, or there are none."""
    if images is None:
        return []
    if isinstance(images, (str, os.PathLike)):
        return [Path(images)]
    return [Path(item) for item in images if isinstance(item, (str, os.PathLike))]


def iter_greys(images: Any) -> Generator[Progress, None, list[Grey]]:
    """Images of folders, or arrays, or None for none, as grey in [0, 1]; a `Progress` for each.

    Raises
    ------
    FocusFuseError
        There is no such folder, nothing in it, or nothing that can be read.
    """
    from napari_focusfuse import io

    folders = folders_of(images)
    if not folders:
        return (yield from _iter_arrays([] if images is None else images))
    files = [file for folder in folders for file in io.slice_files(folder)]
    if not files:
        raise TrainingError(f"{' and '.join(map(str, folders))} holds no images: give a folder with image files")
    return (yield from _iter_files(files))


def _iter_arrays(images: Any) -> Generator[Progress, None, list[Grey]]:
    import numpy as np

    greys = []
    for k, image in enumerate(images):
        yield Progress(k, len(images), f"reading image {k + 1} of {len(images)}")
        array = np.asarray(image)
        if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or array.dtype.kind not in "buif":
            raise TrainingError(
                f"image {k + 1} is an array of {array.dtype} {array.shape}: give grey (Y, X) or RGB(A) (Y, X, 3|4) ones"
            )
        greys.append(_grey(array))
    return greys


def _iter_files(files: list[Path]) -> Generator[Progress, None, list[Grey]]:
    greys: list[Grey] = []
    failed: dict[str, FocusFuseError] = {}
    for k, file in enumerate(files):
        yield Progress(k, len(files), f"reading file {k + 1} of {len(files)}")
        try:
            greys += [_grey(image) for image in _read(file)]
        except StackError as error:
            failed[file.name] = error
    if failed:
        names = ", ".join([*list(failed)[:_NAMED], *(["..."] if len(failed) > _NAMED else [])])
        text = f"{len(failed)} of {len(files)} files cannot be read"
        if not greys:
            raise TrainingError(f"{text}, and no image is left: {next(iter(failed.values()))}")
        warnings.warn(f"{text} and are left out: {names}", FocusFuseWarning, stacklevel=2)
    return greys


def _read(file: Path) -> list[NDArray[Any]]:
    """The image of a file, or all slices where it holds a stack."""
    import numpy as np

    from napari_focusfuse import io

    found = io.read_stack(file)
    plane = found.data.shape[-3 if found.axes.endswith("S") else -2 :]
    return [np.asarray(image) for image in found.data.reshape((-1, *plane))]


def _grey(image: NDArray[Any]) -> Grey:
    from napari_focusfuse.core.stack.intensity import training_grey

    return training_grey(image)


@dataclass(frozen=True)
class TrainResult:
    """What training gives.

    Attributes
    ----------
    folder : Path
        The model folder.
    recipe : {"paper", "focus", "decide", "candidates"}
    log : tuple of EpochLog or RankLog
        Losses of every validation.
    scores : dict of str to float
        Recipe paper: "psnr" (dB) and "ssim" of the reconstruction of whole validation images (of the middle of very
        large ones). The others: "found", the share of the pixels of stacks made of the validation images whose slice
        is found, and "loss".
    kept : int
        Epoch or step whose weights were kept; 0: none was better than the model started from.
    ended : str
        Why there were no more.
    """

    folder: Path
    recipe: Recipe
    log: tuple[EpochLog, ...] | tuple[RankLog, ...]
    scores: dict[str, float]
    kept: int
    ended: str

    @property
    def unit(self) -> str:
        """What `kept` counts: "epoch" or "step"."""
        return "epoch" if self.recipe == "paper" else "step"

    @property
    def told(self) -> str:
        """The scores in words."""
        if self.recipe != "paper":
            share = 100 * self.scores["found"]
            return f"finds the sharpest slice or its neighbour at {share:.1f} % of the pixels of unseen stacks"
        return f"reconstructs unseen images at {self.scores['psnr']:.1f} dB"


class Beginning(NamedTuple):
    """Recipe, state and terms to begin or go on with."""

    config: AnyTrainConfig
    state: AnyTrainState | None
    licence: str


def started_from(start: str | os.PathLike[str], config: AnyTrainConfig, licence: str) -> Beginning:
    """Begin with a trained model; its variant and the terms of its images go along.

    Raises
    ------
    FocusFuseError
        There is no such model, or it has no decoder or no decision head where the recipe needs one.
    """
    from napari_focusfuse import models
    from napari_focusfuse.core.training.autoencoder import TrainState
    from napari_focusfuse.core.training.steps import RankState

    model = models.load_model(start)
    origin = f"{model.name} (sha256 {model.sha256[:12]})"
    state: AnyTrainState
    if isinstance(config, CandidateConfig) and model.encoder.head is None:
        raise TrainingError(
            f"the model {model.name!r} has no decision head, which the recipe candidates builds on: "
            "give it one by the recipe decide, or start from another model"
        )
    if isinstance(config, RankConfig):
        state = RankState(model.encoder, config, origin=origin)
    elif model.network is None:
        raise TrainingError(
            f"the model {model.name!r} has no decoder, which the recipe paper trains as well: "
            "use the recipe focus, or start from another model"
        )
    else:
        config = replace(config, variant=model.encoder.variant)
        state = TrainState(model.network, config, origin=origin)
    terms = models.card_facts(models.model_card(str(start))).licence or "not stated"
    return Beginning(config, state, f"{licence or 'not stated'}; of {model.name}, which it started from: {terms}")


def iter_fit(
    split: Split,
    folder: Path,
    beginning: Beginning,
    names: list[str],
    where: torch.device,
    stop: Callable[[], bool] | None,
    *,
    around: float = 0.0,
) -> Generator[Progress, None, TrainResult]:
    """Train on grey images and keep the best model in `folder`; `around` is that of `iter_learn`."""
    from napari_focusfuse.core.training.recipes import iter_learn

    (greys, held_out), (config, state, licence) = split, beginning
    kept = state is not None and bool(state.log)
    keeper = _Keeper(folder, names, (len(greys), len(held_out)), licence, resumed=kept)
    reports = Returning(iter_learn(greys, held_out, config, state, device=where, stop=stop, around=around))
    try:
        for report in reports:
            if report.state is not None:
                keeper.keep(report.state)
                kept = True
            yield report
    except TrainingError as error:
        if not kept:
            raise
        raise TrainingError(f"{error}; {keeper.told}") from error
    finally:
        keeper.leave()
    state = reports.result
    if not state.best:
        raise TrainingError(f"there is no model: {state.ended} before the first step")
    scores = keeper.finish(state, held_out)
    return TrainResult(folder, config.recipe, tuple(state.log), scores, state.kept, state.ended)  # type: ignore[arg-type]


class _Keeper:
    """Writes checkpoint and best model after each validation, so that both are there whatever happens.

    Parameters
    ----------
    folder : Path
        Made, and tried.
    names : list of str
        What is trained on.
    counts : (int, int)
        Number of training and of validation images.
    licence : str
    resumed : bool
        Whether the checkpoint in the folder is gone on with.
    """

    def __init__(self, folder: Path, names: list[str], counts: tuple[int, int], licence: str, *, resumed: bool) -> None:
        from napari_focusfuse import models

        self._folder, self._names, self._counts, self._licence = folder, names, counts, licence
        self._kept = -1
        models.check_folder(folder)
        self._spared = models.spared_model(folder, resumed=resumed)

    @property
    def told(self) -> str:
        """Where the best model so far is."""
        if self._spared:
            return f"{self._folder} still holds the model it held before, and a checkpoint of this training"
        return f"the best model so far is in {self._folder}"

    def keep(self, state: AnyTrainState) -> None:
        """Write where the training stands, and the best model if it is a new one and no older one is spared."""
        from napari_focusfuse import models

        models.save_state(state, self._folder, self._spared)
        if not self._spared and state.kept != self._kept:
            self._save(state, None)
            self._kept = state.kept

    def finish(self, state: AnyTrainState, held_out: list[Grey]) -> dict[str, float]:
        """Write the best model with its scores, which are returned."""
        from napari_focusfuse.core.training.recipes import best_model, scores_of

        scores = scores_of(best_model(state), held_out, state.config)
        self._save(state, scores)
        return scores

    def leave(self) -> None:
        """Take the folder away if nothing was written."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _save(self, state: AnyTrainState, scores: dict[str, float] | None) -> None:
        from napari_focusfuse import models
        from napari_focusfuse.core.training.recipes import best_model

        card = models.training_card(state, self._names, self._counts, scores, self._licence)
        models.save_model(best_model(state), self._folder, card)
