"""The training loop: a generator of `TrainReport`, one that ends an epoch carries all it takes to go on from there."""

import copy
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.loss import crop_loss
from napari_focusfuse.core.network import SESFNet
from napari_focusfuse.core.training._clock import Clock
from napari_focusfuse.core.training._crops import crops, usable
from napari_focusfuse.core.training._fitting import Fitting
from napari_focusfuse.core.training._state import EpochLog, TrainReport, TrainState
from napari_focusfuse.core.training._validation import Scores, example_of, iter_validate, mean_losses
from napari_focusfuse.errors import TrainingError

__all__ = ["iter_train"]

Image = NDArray[np.float32]
Reports = Generator[TrainReport, None, None]
Losses = tuple[float, float, float]


def iter_train(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: TrainConfig,
    state: TrainState | None = None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
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
    images, validation = usable(images, config, "training"), usable(validation, config, "validation")
    torch.manual_seed(config.seed)
    state = _going_on(state, config) if state else TrainState(SESFNet(config.variant), config)
    run = _Run(images, validation, state, device or torch.device("cpu"), stop or (lambda: False))
    yield from run.iter_epochs()
    return state


def _going_on(state: TrainState, config: TrainConfig) -> TrainState:
    """The state, if it has this recipe; when to stop may be another."""
    limits = {name: getattr(config, name) for name in ("epochs", "patience", "minutes")}
    if replace(state.config, **limits) != config:
        raise TrainingError("the training was begun with another recipe: resume with the same one, or begin a new one")
    state.config, state.ended = config, ""
    return state


class _Run:
    """What the loop needs at hand."""

    def __init__(
        self,
        images: list[Image],
        validation: list[Image],
        state: TrainState,
        device: torch.device,
        stop: Callable[[], bool],
    ) -> None:
        self._images, self._validation = images, validation
        self._state, self._config, self._stop = state, state.config, stop
        self._fitting = Fitting(state.network, state.config, device)
        self._fitting.restore(state.moments)
        self._clock = Clock(sum(entry.seconds for entry in state.log), state.config.minutes)
        self._crops = len(images) * state.config.crops_of(len(images))
        self._latest = (math.nan, math.nan)
        self._fitted = self._done = 0

    def iter_epochs(self) -> Reports:
        """Train until there is a reason to end."""
        state = self._state
        if state.origin and not state.log:
            yield from self._iter_start()
        while not (state.ended or self._reason()):
            yield from self._iter_epoch(len(state.log))
        state.ended = state.ended or self._reason()

    def _reason(self) -> str:
        """Why the training is over between two epochs; empty if it is not."""
        state, config = self._state, self._config
        epochs = len(state.log)
        if epochs >= config.epochs:
            return "all epochs are done"
        if config.patience and epochs - state.best_epoch >= config.patience:
            return f"no better for {config.patience} epochs"
        return self._cut()

    def _cut(self) -> str:
        """Why the training is over at once."""
        if self._clock.over:
            return f"the {self._config.minutes:g} minutes are over"
        return "stopped" if self._stop() else ""

    def _iter_start(self) -> Reports:
        """See how good the model is that is started from; if nothing gets better, it stays the best."""
        self._state.best = copy.deepcopy(self._state.network.state_dict())
        scores = yield from self._iter_validate("looking at the model to start from")
        self._state.start_loss = scores.total

    def _iter_epoch(self, epoch: int) -> Reports:
        config, state = self._config, self._state
        before, what = self._clock.spent, f"epoch {epoch + 1} of {config.epochs}"
        rate = config.learning_rate * config.decay ** (epoch // config.decay_epochs)
        self._fitting.set_rate(rate)
        losses, own = yield from self._iter_fit(epoch, what)
        scores = yield from self._iter_validate(what)
        if not math.isfinite(scores.total):
            raise TrainingError(f"the validation loss is no longer a number: lower the learning rate ({rate:.2g})")
        state.example = example_of(state.network, self._validation)
        if scores.total < state.best_loss:
            state.best = copy.deepcopy(state.network.state_dict())
        seconds = self._clock.spent - before
        state.log.append(EpochLog(epoch + 1, rate, *mean_losses(losses), *scores[:4], seconds, own, scores.crop))
        state.moments = self._fitting.moments()
        yield from self._clock.give(self._report(epoch + 1, 0, what, state))

    def _iter_fit(self, epoch: int, what: str) -> Generator[TrainReport, None, tuple[list[Losses], float]]:
        """One pass over the images, unless it is cut short; the losses of its steps, and their mean by crop."""
        self._prepare()
        losses: list[Losses] = []
        own: list[float] = []
        self._done = 0
        for batch in crops(self._images, self._config, epoch):
            for count, values in self._fitting.fit(batch):
                losses.append(values)
                own.append(crop_loss(values[0], values[1], count))
                self._latest = values[0], own[-1]
                self._done, self._fitted = self._done + count, self._fitted + count
                yield from self._clock.give(self._report(epoch, self._done, what))
            self._state.ended = self._cut()
            if self._state.ended:
                break
        return losses, float(np.mean(own))

    def _prepare(self) -> None:
        """Set training mode, but let the batch norms of a model that was started from keep its statistics.

        Those of a few images of another kind would undo in a step what it has learnt.
        """
        self._state.network.train()
        if self._state.origin:
            for module in self._state.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()

    def _iter_validate(self, what: str) -> Generator[TrainReport, None, Scores]:
        config, epochs = self._config, len(self._state.log)
        work = iter_validate(
            self._state.network, self._validation, config.crop, self._fitting.largest, config.ssim_weight
        )
        while True:
            try:
                next(work)
            except StopIteration as end:
                scores: Scores = end.value
                return scores
            yield from self._clock.give(self._report(epochs, self._done, what))

    def _report(self, epochs: int, done: int, what: str, state: TrainState | None = None) -> TrainReport:
        total = self._crops * self._config.epochs
        done += self._crops * epochs
        clock, fitted = self._clock, self._fitted
        left = clock.left(fitted, total - done)
        return TrainReport(done, total, what, *self._latest, clock.rate(fitted), left, state)
