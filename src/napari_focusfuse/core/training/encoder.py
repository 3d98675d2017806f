"""Training an encoder to rank slices by their focus, without labels.

Small stacks are made from sharp images: the same piece at several amounts of defocus, each slice with noise of its
own. The spatial frequency of the encoder's features, as fusion computes it, has to be largest where the defocus is
least. That is the decision itself, so that what is learned is what is used: features that answer to detail and not to
noise.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.stack.workers import memory_is_short
from napari_focusfuse.core.training import (
    Clock,
    Course,
    LearningReport,
    LearningState,
    freeze_norms,
    going_on,
    moments,
    restore,
    usable,
)
from napari_focusfuse.core.training.small_stacks import (
    HeldOut,
    RankExample,
    RankScores,
    SmallStacks,
    Validation,
    log_shares,
    rank_loss,
    ranking_scores,
)
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
    "iter_rank",
    "ranking_scores",
]

Image = NDArray[np.float32]
Reports = Generator["RankReport", None, Any]
_RADII = (2, 4)
_WARM_UP, _LEAST_RATE, _LONGEST_GRADIENT = 100, 0.02, 2.0
_CALIBRATION = 12
#: Streams of random numbers: batches, and calibration of the batch norms.
_FITTING, _CALIBRATING = 0, 1
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


def iter_rank(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: RankConfig,
    state: RankState | None = None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
    around: float = 0.0,
) -> Generator[RankReport, None, RankState]:
    """Train an encoder to rank slices by focus.

    Parameters
    ----------
    images, validation : sequences of arrays (Y, X) float32
        Sharp grey images in [0, 1], of any sizes; those of one value are left out. Without any, textures are computed.
    config : RankConfig
    state : RankState, optional
        Where to go on, or a trained encoder without a log to start from. Going on, the same weights come out as without
        the interruption (same machine, CPU).
    device : torch device, optional
        By default the CPU.
    stop : callable, optional
        Asked after each step; True ends the training, which is validated once more.
    around : float
        Seconds of the time budget that were spent before, and will be needed for the same afterwards.

    Yields
    ------
    RankReport

    Returns
    -------
    RankState
        `best` holds the encoder to use.

    Raises
    ------
    TrainingError
        All images are of one value, `state` has other settings, memory does not suffice, or the loss is no longer a
        number.
    """
    stacks = SmallStacks(usable(images, "training"), config)
    held_out = Validation(usable(validation, "validation"), config)
    state = going_on(state, config, LIMITS) if state else _begun(stacks, config)
    clock = Clock(sum(entry.seconds for entry in state.log), config.minutes, stop, around)
    yield from _RankRun(stacks, held_out, state, device or torch.device("cpu"), clock).iter_rounds()
    return state


def _begun(stacks: SmallStacks, config: RankConfig) -> RankState:
    """A new encoder whose batch norms have seen a few stacks, and stay as they are from then on."""
    torch.manual_seed(config.seed)
    encoder = Encoder("none").train()
    rng = np.random.default_rng((config.seed, _CALIBRATING))
    with torch.no_grad():
        for k in range(_CALIBRATION):
            encoder(stacks.draw(rng, k % 3).slices)
    return RankState(encoder, config)


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


class _RankRun(StepRun):
    """All of an encoder is fitted to small stacks."""

    def __init__(
        self, stacks: SmallStacks, held_out: Validation, state: RankState, device: torch.device, clock: Clock
    ) -> None:
        encoder = state.encoder.to(device)
        encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        freeze_norms(encoder)
        super().__init__(held_out, state, list(encoder.parameters()), clock)
        self._stacks = stacks

    def batch_loss(self, rng: np.random.Generator, step: int) -> torch.Tensor:  # noqa: ARG002
        """See `StepRun`."""
        level = self._stacks.level(rng)
        batch = [self._stacks.draw(rng, level) for _ in range(self._config.stacks)]
        slices = torch.cat([stack.slices for stack in batch])
        return rank_loss(log_shares(self._state.encoder, slices, int(rng.choice(_RADII))), batch)
