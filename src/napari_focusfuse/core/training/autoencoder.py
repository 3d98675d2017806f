"""Unsupervised training of the encoder-decoder (paper, Sect. 3.2 and 4.1): it learns to reconstruct images.

Images in, reports out; files, names and devices by name belong to the API.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.progress import Clock
from napari_focusfuse.core.training import Course, LearningReport, LearningState, freeze_norms, going_on, usable
from napari_focusfuse.core.training.reconstruction import (
    Example,
    Fitting,
    Scores,
    StepLosses,
    crop_loss,
    crops,
    example_of,
    iter_validate,
    mean_losses,
    reconstruction_scores,
)

__all__ = ["EpochLog", "Example", "TrainReport", "TrainState", "best_network", "iter_train", "reconstruction_scores"]

Image = NDArray[np.float32]
Reports = Generator["TrainReport", None, Any]
#: What may be another when a training goes on.
_LIMITS = ("epochs", "patience", "minutes")


class EpochLog(NamedTuple):
    """Mean losses of one epoch (Eq. 1-3) on training and validation images, and the reconstruction's PSNR in dB.

    The norm of Eq. 2 runs over a batch, so that L grows with it; ``train_crop`` and ``val_crop`` are L for batches of
    one crop (`crop_loss`), which can be compared.
    """

    epoch: int
    learning_rate: float
    train_total: float
    train_pixel: float
    train_ssim: float
    val_total: float
    val_pixel: float
    val_ssim: float
    val_psnr: float
    seconds: float
    train_crop: float = math.nan
    val_crop: float = math.nan

    @property
    def at(self) -> int:
        """The epoch."""
        return self.epoch

    @property
    def loss(self) -> float:
        """Validation loss."""
        return self.val_total

    @property
    def curve(self) -> float:
        """Validation loss for batches of one crop."""
        return self.val_crop

    @property
    def score(self) -> str:
        """How well images are reconstructed."""
        return f"{self.val_psnr:.1f} dB"

    @property
    def told(self) -> str:
        """StepLosses and score, for people."""
        return f"loss {self.train_total:.4g}, validation {self.val_total:.4g} ({self.score})"


@dataclass
class TrainState(LearningState[EpochLog]):
    """Where training stands after an epoch.

    Attributes
    ----------
    network : SESFNet
        As it is now.
    config : TrainConfig
        The recipe it was trained with.
    example : Example or None
        A validation image as the network gives it back after the latest epoch.
    """

    network: SESFNet
    config: TrainConfig
    example: Example | None = field(default=None, kw_only=True)

    @property
    def trained(self) -> SESFNet:
        """Encoder and decoder."""
        return self.network


@dataclass(frozen=True)
class TrainReport(LearningReport):
    """One step of training; `done` and `total` count crops.

    Attributes
    ----------
    loss : float
        Loss of the last batch (Eq. 1).
    crop_loss : float
        The same for a batch of one crop; see `EpochLog`.
    """

    unit: ClassVar[str] = "crops"
    counted: ClassVar[str] = "epochs"

    state: TrainState | None = None
    crop_loss: float = math.nan

    @property
    def curve(self) -> float:
        """The loss for a batch of one crop."""
        return self.crop_loss


def best_network(state: TrainState) -> SESFNet:
    """The network of the epoch with the smallest validation loss, in evaluation mode, on the CPU."""
    network = SESFNet(state.network.encoder.variant)
    network.load_state_dict(state.best)
    return network.eval()


def iter_train(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: TrainConfig,
    state: TrainState | None = None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
    around: float = 0.0,
) -> Generator[TrainReport, None, TrainState]:
    """Train the encoder-decoder on grey images, without labels.

    Parameters
    ----------
    images, validation : sequences of arrays (Y, X) float32
        Grey images in [0, 1], of any sizes; those smaller than the crop or of one value are left out.
    config : TrainConfig
        Recipe.
    state : TrainState, optional
        Where to go on, or a trained network without a log to start from. Going on, the same weights come out as without
        the interruption (same machine, CPU).
    device : torch device, optional
        By default the CPU.
    stop : callable, optional
        Asked after each step; True ends the training: the epoch is cut short, but validated like any other.
    around : float
        Seconds of the time budget that were spent before, and will be needed for the same afterwards.

    Yields
    ------
    TrainReport

    Returns
    -------
    TrainState

    Raises
    ------
    TrainingError
        No image can be used, `state` has another recipe, memory does not suffice for one crop, or the loss is no longer
        a number.
    """
    images, validation = usable(images, "training", config.crop), usable(validation, "validation", config.crop)
    torch.manual_seed(config.seed)
    state = going_on(state, config, _LIMITS) if state else TrainState(SESFNet(config.variant), config)
    clock = Clock(sum(entry.seconds for entry in state.log), config.minutes, stop, around)
    yield from _Run(images, validation, state, device or torch.device("cpu"), clock).iter_rounds()
    return state


class _Run(Course[TrainReport]):
    """What the loop needs at hand."""

    rounds: ClassVar[str] = "epochs"
    complete: ClassVar[str] = "epochs"

    def __init__(
        self, images: list[Image], validation: list[Image], state: TrainState, device: torch.device, clock: Clock
    ) -> None:
        super().__init__(state, clock, state.config.patience)
        self._images, self._validation = images, validation
        self._state, self._config = state, state.config
        self._fitting = Fitting(state.network, state.config, device)
        self._fitting.restore(state.moments)
        self._crops = len(images) * state.config.crops_of(len(images))
        self._latest = (math.nan, math.nan)
        self._fitted = self._done = 0
        self._what = ""

    def is_complete(self) -> bool:
        """Whether all epochs are done."""
        return len(self._state.log) >= self._config.epochs

    def iter_round(self) -> Reports:
        """One epoch."""
        config, state, epoch, before = self._config, self._state, len(self._state.log), self._clock.spent
        self._what = f"epoch {epoch + 1} of {config.epochs}"
        rate = config.learning_rate * config.decay ** (epoch // config.decay_epochs)
        self._fitting.set_rate(rate)
        losses, own = yield from self._iter_fit(epoch)
        scores = yield from self._iter_validate()
        state.example = example_of(state.network, self._validation)
        state.moments = self._fitting.moments()
        seconds = self._clock.spent - before
        return EpochLog(epoch + 1, rate, *mean_losses(losses), *scores[:4], seconds, own, scores.crop)

    def iter_validation_loss(self, what: str) -> Reports:
        """Validation loss of the network as it is."""
        self._what = what
        scores = yield from self._iter_validate()
        return scores.total

    def report(self, *, kept: bool = False) -> TrainReport:
        """Where the training stands."""
        epochs = len(self._state.log)
        done, total = self._crops * epochs + self._done, self._crops * self._config.epochs
        if kept:
            done = self._crops * epochs
        clock, fitted, (loss, own) = self._clock, self._fitted, self._latest
        left, at = clock.left(fitted, total - done), done / self._crops
        return TrainReport(
            done, total, self._what, loss, clock.rate(fitted), left, at, self._state if kept else None, own
        )

    def _iter_fit(self, epoch: int) -> Generator[TrainReport, None, tuple[list[StepLosses], float]]:
        """One pass over the images, unless it is cut short; the losses of its steps, and their mean by crop."""
        self._prepare()
        losses: list[StepLosses] = []
        own: list[float] = []
        self._done = 0
        for batch in crops(self._images, self._config, epoch):
            for count, values in self._fitting.fit(batch):
                losses.append(values)
                own.append(crop_loss(values[0], values[1], count))
                self._latest = values[0], own[-1]
                self._done, self._fitted = self._done + count, self._fitted + count
                yield from self._clock.give(self.report())
            self._state.ended = self._clock.cut()
            if self._state.ended:
                break
        return losses, float(np.mean(own))

    def _prepare(self) -> None:
        """Set training mode, but let the batch norms of a model that was started from keep its statistics.

        Those of a few images of another kind would undo in a step what it has learnt.
        """
        self._state.network.train()
        if self._state.origin:
            freeze_norms(self._state.network)

    def _iter_validate(self) -> Generator[TrainReport, None, Scores]:
        config = self._config
        largest, weight = self._fitting.largest, config.ssim_weight
        work = iter_validate(self._state.network, self._validation, config.crop, largest, weight)
        return (yield from self._iter_timed(work))
