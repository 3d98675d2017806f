"""Training an encoder or a head by steps: state, log, validation, and the run, whose learning rate follows a cosine."""

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import Clock
from napari_focusfuse.core.stack.workers import memory_is_short
from napari_focusfuse.core.training import Course, LearningReport, LearningState, moments, restore
from napari_focusfuse.errors import TrainingError

__all__ = [
    "LIMITS",
    "HeldOut",
    "RankExample",
    "RankLog",
    "RankReport",
    "RankScores",
    "RankState",
    "StepRun",
    "best_encoder",
]

Reports = Generator["RankReport", None, Any]
_WARM_UP, _LEAST_RATE, _LONGEST_GRADIENT = 100, 0.02, 2.0
#: Stream of random numbers of the batches.
_FITTING = 0
#: What may be another when a training goes on. The number of steps may not: the learning rate follows it.
LIMITS = ("patience", "minutes")


class RankLog(NamedTuple):
    """Mean losses since the last entry and of the validation, and share of validation pixels whose slice is found."""

    step: int
    learning_rate: float
    train_loss: float
    val_loss: float
    val_found: float
    seconds: float = 0.0

    @property
    def at(self) -> int:
        """Steps done."""
        return self.step

    @property
    def loss(self) -> float:
        """Validation loss."""
        return self.val_loss

    @property
    def curve(self) -> float:
        """Validation loss."""
        return self.val_loss

    @property
    def score(self) -> str:
        """How many pixels find their slice."""
        return f"{100 * self.val_found:.1f} % found"

    @property
    def told(self) -> str:
        """Losses and score, for people."""
        return f"loss {self.train_loss:.4g}, validation {self.val_loss:.4g} ({self.score})"


class RankExample(NamedTuple):
    """A stack that was not trained on, and what is decided.

    Attributes
    ----------
    slices : (N, Y, X) float32
        The sharpest image, then more and more blurred ones or slices of a scene; in [0, 1].
    picked : (Y, X) int
        How many slices the one with the largest activity is from the sharpest one; 0 is right everywhere.
    """

    slices: Image
    picked: NDArray[np.integer]


class RankScores(NamedTuple):
    """Mean loss, and share of the pixels whose sharpest slice is found, or the one next to it."""

    loss: float
    found: float


@dataclass
class RankState(LearningState[RankLog]):
    """Where training stands after a validation.

    Attributes
    ----------
    encoder : Encoder
        As it is now; its batch norms stay as they are.
    config : RankConfig
    example : RankExample or None
        What it decides on a small stack.
    """

    encoder: Encoder
    config: RankConfig
    example: RankExample | None = field(default=None, kw_only=True)

    @property
    def trained(self) -> Encoder:
        """The encoder."""
        return self.encoder

    @property
    def step(self) -> int:
        """Steps done."""
        return self.log[-1].step if self.log else 0


@dataclass(frozen=True)
class RankReport(LearningReport):
    """One step of training; `done` and `total` count steps."""

    state: RankState | None = None


def best_encoder(state: RankState) -> Encoder:
    """The encoder with the smallest validation loss, in evaluation mode, on the CPU."""
    encoder = Encoder(
        state.encoder.variant, decides=state.encoder.head is not None, judges=state.encoder.candidates is not None
    )
    encoder.load_state_dict(state.best)
    return encoder.eval()


class HeldOut(ABC):
    """What a training by steps is validated on, always the same; recipes say what it is and how it is scored."""

    def iter_scores(self, encoder: Encoder) -> Generator[None, None, RankScores]:
        """Score what is trained, piece by piece."""
        scores = []
        for score in self.scores(encoder):
            scores.append(score)
            yield
        loss, share = np.mean(scores, axis=0)
        return RankScores(float(loss), float(share))

    @abstractmethod
    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """Loss and share found of each piece."""

    @abstractmethod
    def example(self, encoder: Encoder) -> RankExample:
        """What is decided now, to look at."""


class StepRun(Course[RankReport]):
    """A training by steps whose learning rate follows a cosine; recipes say what is fitted to what.

    Parameters
    ----------
    held_out : HeldOut
    state : RankState
    parameters : sequence of parameters
        What is trained.
    clock : Clock
    """

    rounds: ClassVar[str] = "validations"
    complete: ClassVar[str] = "steps"

    def __init__(self, held_out: HeldOut, state: RankState, parameters: Sequence[nn.Parameter], clock: Clock) -> None:
        super().__init__(state, clock, state.config.patience)
        self._held_out, self._state, self._config = held_out, state, state.config
        self._parameters = list(parameters)
        self._optimizer = torch.optim.Adam(self._parameters)
        restore(self._optimizer, state.moments)
        self._begun_at = self._step = state.step
        self._latest = math.nan
        self._looking = ""

    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self._state.step >= self._config.steps

    def iter_round(self) -> Reports:
        """All steps until the next validation."""
        config, state, before = self._config, self._state, self._clock.spent
        self._looking = ""
        until = min((self._step // config.validate_every + 1) * config.validate_every, config.steps)
        losses: list[float] = []
        while self._step < until and not state.ended:
            losses.append(self._fit())
            self._step += 1
            yield from self._clock.give(self.report())
            state.ended = self._clock.cut()
        scores = yield from self._iter_timed(self._held_out.iter_scores(self._state.encoder))
        state.example, state.moments = self._held_out.example(state.encoder), moments(self._optimizer)
        rate = self._rate(self._step - 1)
        return RankLog(self._step, rate, float(np.mean(losses)), *scores, self._clock.spent - before)

    def iter_validation_loss(self, what: str) -> Reports:
        """Validation loss of the encoder as it is."""
        self._looking = what
        scores = yield from self._iter_timed(self._held_out.iter_scores(self._state.encoder))
        return scores.loss

    def report(self, *, kept: bool = False) -> RankReport:
        """Where the training stands."""
        done, total, clock = self._step, self._config.steps, self._clock
        fitted = done - self._begun_at
        what = self._looking or f"step {done} of {total}"
        left = clock.left(fitted, total - done)
        return RankReport(
            done, total, what, self._latest, clock.rate(fitted), left, done, self._state if kept else None
        )

    @abstractmethod
    def batch_loss(self, rng: np.random.Generator, step: int) -> torch.Tensor:
        """Loss of a new batch."""

    def _fit(self) -> float:
        """One step; its loss."""
        rng = np.random.default_rng((self._config.seed, _FITTING, self._step))
        self._optimizer.param_groups[0]["lr"] = rate = self._rate(self._step)
        try:
            loss = self.batch_loss(rng, self._step)
            self._latest = loss.item()
            if not math.isfinite(self._latest):
                raise TrainingError(f"the loss is no longer a number: lower the learning rate ({rate:.2g})")
            self._learn(loss)
        except RuntimeError as error:
            if not memory_is_short(error):
                raise
            raise TrainingError(
                f"there is not enough memory for {self._config.stacks} stacks of {self._config.crop} px: "
                "take fewer at once, a smaller crop, or the CPU"
            ) from error
        return self._latest

    def _learn(self, loss: torch.Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._parameters, _LONGEST_GRADIENT)
        self._optimizer.step()

    def _rate(self, step: int) -> float:
        """Learning rate: a short rise, then a cosine."""
        config = self._config
        falling = _LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * step / config.steps)) / 2
        return config.learning_rate * min(1, (step + 1) / _WARM_UP) * falling
