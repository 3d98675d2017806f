"""The training itself, as a generator; what it needs to go on is in its state."""

import copy
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_focusfuse.core.activity import squared_sf
from napari_focusfuse.core.config import RankConfig
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.ranking._stacks import SLICES, SmallStack, SmallStacks
from napari_focusfuse.errors import TrainingError

__all__ = ["RankLog", "RankReport", "RankState", "iter_rank"]

Image = NDArray[np.float32]
#: Weights are activity to this power (twice the slope of the logarithm of its square), as where fusion is sharp.
_SLOPE, _TINY = 3.0, 1e-6
_RADII, _VALIDATION_RADIUS = (2, 4), 4
_WARM_UP, _LEAST_RATE, _LONGEST_GRADIENT = 100, 0.02, 2.0
_CALIBRATION, _VALIDATION_STACKS = 12, 18
#: Streams of random numbers beside that of the training: calibration of the batch norms, validation.
_CALIBRATING, _VALIDATING = 1, 2


class RankLog(NamedTuple):
    """Mean losses since the last entry and of the validation, and share of validation pixels whose slice is found."""

    step: int
    learning_rate: float
    train_loss: float
    val_loss: float
    val_found: float


@dataclass
class RankState:
    """Where training stands.

    Attributes
    ----------
    encoder : Encoder
        As it is now; without squeeze and excitation.
    config : RankConfig
    step : int
        Steps done.
    best : dict of str to Tensor
        State of the encoder at the smallest validation loss.
    moments : dict of str to Tensor
        State of the Adam optimiser, flat: "INDEX.exp_avg" and so on.
    log : list of RankLog
    """

    encoder: Encoder
    config: RankConfig
    step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    log: list[RankLog] = field(default_factory=list)


@dataclass(frozen=True)
class RankReport(Progress):
    """One step of training; `state` is set after a validation, and valid until the next report."""

    loss: float = math.nan
    state: RankState | None = None


def iter_rank(
    images: Sequence[Image], validation: Sequence[Image], config: RankConfig, state: RankState | None = None
) -> Generator[RankReport, None, RankState]:
    """Train an encoder to rank slices by focus.

    Parameters
    ----------
    images, validation : sequences of arrays (Y, X) float32
        Sharp grey images in [0, 1]. Without any, textures are computed.
    config : RankConfig
    state : RankState, optional
        Where to go on, from a report; the same weights come out as without the interruption (same machine, CPU).

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
        The loss is no longer a number.
    """
    stacks, held_out = SmallStacks(images, config), SmallStacks(validation, config)
    state = state or _begun(stacks, config)
    encoder = state.encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _freeze_norms(encoder)
    optimizer = torch.optim.Adam(encoder.parameters())
    _restore(optimizer, state.moments)
    losses: list[float] = []
    for step in range(state.step, config.steps):
        rate = _rate(config, step)
        optimizer.param_groups[0]["lr"] = rate
        rng = np.random.default_rng((config.seed, 0, step))
        level = stacks.level(rng)
        batch = [stacks.draw(rng, level) for _ in range(config.stacks)]
        loss = _loss(encoder, batch, int(rng.choice(_RADII)))
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise TrainingError(f"the loss is no longer a number at step {step + 1}: lower the learning rate")
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(encoder.parameters(), _LONGEST_GRADIENT)
        optimizer.step()
        text = f"step {step + 1} of {config.steps}"
        yield RankReport(step + 1, config.steps, text, losses[-1])
        if (step + 1) % config.validate_every == 0 or step + 1 == config.steps:
            entry = RankLog(step + 1, rate, float(np.mean(losses)), *_validate(encoder, held_out, config))
            if entry.val_loss < min((other.val_loss for other in state.log), default=math.inf):
                state.best = copy.deepcopy(encoder.state_dict())
            state.step, state.moments, losses = step + 1, _moments(optimizer), []
            state.log.append(entry)
            yield RankReport(step + 1, config.steps, text, entry.train_loss, state)
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


def _freeze_norms(encoder: Encoder) -> None:
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _logits(encoder: Encoder, batch: Sequence[SmallStack], radius: int) -> Tensor:
    """Logarithm of each slice's share (B, N, Y, X) in the activity of a pixel."""
    slices = torch.cat([stack.slices for stack in batch]).contiguous(memory_format=torch.channels_last)
    squared = squared_sf(encoder(slices), radius)[:, 0]
    squared = squared.view(len(batch), SLICES, *squared.shape[1:])
    return torch.log_softmax(_SLOPE * torch.log(squared + _TINY), dim=1)


def _loss(encoder: Encoder, batch: Sequence[SmallStack], radius: int) -> Tensor:
    """Cross entropy between the wanted and the actual share of each slice."""
    wanted = torch.stack([stack.wanted for stack in batch])[:, :, None, None]
    return -(wanted * _logits(encoder, batch, radius)).sum(dim=1).mean()


@torch.inference_mode()
def _validate(encoder: Encoder, stacks: SmallStacks, config: RankConfig) -> tuple[float, float]:
    """Loss, and share of pixels whose sharpest slice is the one with the largest activity or next to it."""
    rng = np.random.default_rng((config.seed, _VALIDATING))
    losses, found = [], []
    for k in range(_VALIDATION_STACKS):
        stack = stacks.draw(rng, k % 3)
        losses.append(_loss(encoder, [stack], _VALIDATION_RADIUS).item())
        found.append((_logits(encoder, [stack], _VALIDATION_RADIUS)[0].argmax(dim=0) <= 1).float().mean().item())
    return float(np.mean(losses)), float(np.mean(found))


def _rate(config: RankConfig, step: int) -> float:
    falling = _LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * step / config.steps)) / 2
    return config.learning_rate * min(1, (step + 1) / _WARM_UP) * falling


def _restore(optimizer: torch.optim.Adam, moments: dict[str, Tensor]) -> None:
    parameters = optimizer.param_groups[0]["params"]
    for key, value in moments.items():
        index, name = key.split(".")
        optimizer.state[parameters[int(index)]][name] = value.clone()


def _moments(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    parameters = optimizer.param_groups[0]["params"]
    return {
        f"{i}.{name}": value.clone() for i, p in enumerate(parameters) for name, value in optimizer.state[p].items()
    }
