"""Training an encoder to rank slices by their focus, without labels.

Small stacks are made from sharp images: the same crop at several amounts of defocus, each slice with noise of its
own. The spatial frequency of the encoder's features, as fusion computes it, has to be largest where the defocus is
least. That is the decision itself, so that what is learned is what is used: features that answer to detail and not to
noise.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode import reduced, squared_sf
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import Clock, drain
from napari_focusfuse.core.simulate.optics import Field, disc, gaussian
from napari_focusfuse.core.training import Crops, freeze_norms, going_on, log_uniform, seen_by_camera, usable
from napari_focusfuse.core.training.steps import (
    LIMITS,
    HeldOut,
    RankExample,
    RankReport,
    RankScores,
    RankState,
    StepRun,
)

__all__ = [
    "SLICES",
    "Looks",
    "SmallStack",
    "SmallStacks",
    "Validation",
    "accuracy",
    "iter_rank",
    "log_probabilities",
    "rank_loss",
    "ranking_scores",
]

#: Where the slices lie, in steps; the plane of focus is up to half a step from the first.
_PLACES = np.array([0, 1, 2, 3.5, 6, 9])
SLICES = len(_PLACES)
#: Growth of the blur a step, px; share of stacks blurred by a disc; change of brightness from slice to slice.
_GROWTH, _DISC, _FLICKER = (0.5, 1.6), 0.4, 0.015
#: Half the target's width: a slice one step farther from focus than the best one counts exp(-1.5) of it.
_TARGET = 1.5
#: Scales on which fusion looks, and how often each is trained.
_LEVELS, _MARGIN = (0.5, 0.25, 0.25), 16
#: Weights are activity to this power (twice the slope of the logarithm of its square), as where fusion is sharp.
_SLOPE, _TINY = 3.0, 1e-6
_RADIUS, _STACKS, _VALIDATED = 4, 18, 3
#: Streams of random numbers beside that of the training.
_VALIDATING, _SHOWING = 2, 3
_RADII, _CALIBRATION = (2, 4), 12
#: Stream of random numbers to calibrate the batch norms.
_CALIBRATING = 1


class SmallStack(NamedTuple):
    """Slices (N, 1, Y, X) of a small stack at one scale, and the target (N,): the probability that each should have."""

    slices: Tensor
    target: Tensor


class Looks(NamedTuple):
    """Contrast of the texture, and standard deviation of the noise, as shares of full scale."""

    contrast: float
    noise: float


#: The stack that shows how an encoder does: its side (px), and how it looks.
_SIDE, _LOOKS = 96, Looks(contrast=0.7, noise=0.06)


class SmallStacks:
    """Makes small stacks from sharp images and from computed textures.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1].
    config : RankConfig
    """

    def __init__(self, images: Sequence[Image], config: RankConfig) -> None:
        self._crops, self._config = Crops(images, config.procedural, config.seed), config

    def level(self, rng: np.random.Generator) -> int:
        """Draw a scale: 0 is full size, 1 half size and so on."""
        return int(rng.choice(len(_LEVELS), p=_LEVELS))

    def draw(
        self, rng: np.random.Generator, level: int, side: int | None = None, looks: Looks | None = None
    ) -> SmallStack:
        """Draw a stack that fusion would see at this scale.

        Parameters
        ----------
        rng : Generator
        level : int
        side : int, optional
            Of the stack, px; by default that of the crops.
        looks : Looks, optional
            Its contrast and noise; drawn by default.
        """
        margin = _MARGIN * 2**level
        sharp = self._crops.draw(rng, (side or self._config.crop) * 2**level + 2 * margin, looks and looks.contrast)
        growth = log_uniform(rng, *_GROWTH)
        distance = np.abs(_PLACES - rng.uniform(0, 0.5))
        optics = disc(growth) if rng.random() < _DISC else gaussian(growth)
        field = Field(sharp.shape, len(optics.kernel(float(distance.max()))) // 2)
        spectrum = field.spectrum(sharp)
        slices = np.stack([field.image(spectrum * field.transfer(optics.kernel(float(d)))) for d in distance])
        flicker = rng.uniform(1 - _FLICKER, 1 + _FLICKER, (len(slices), 1, 1))
        light = slices[:, margin:-margin, margin:-margin] * flicker
        seen = torch.from_numpy(seen_by_camera(rng, light, looks and looks.noise))[:, None]
        for _ in range(level):
            seen = reduced(seen)
        target = torch.softmax(torch.from_numpy(-_TARGET * (distance - distance.min()) ** 2).float(), dim=0)
        return SmallStack(seen, target)


def log_probabilities(encoder: Encoder, slices: Tensor, radius: int) -> Tensor:
    """Logarithm of the probability of each slice, a softmax over the activities of a pixel.

    Parameters
    ----------
    encoder : Encoder
    slices : Tensor, (B N, 1, Y, X)
        Of B small stacks, one after the other.
    radius : int
        r of Eq. 5-7.

    Returns
    -------
    Tensor, (B, N, Y, X)
    """
    device = next(encoder.parameters()).device
    images = slices.to(device).contiguous(memory_format=torch.channels_last)
    squared = squared_sf(encoder(images, _shared_means(encoder, images)), radius)[:, 0]
    squared = squared.view(-1, SLICES, *squared.shape[1:])
    return torch.log_softmax(_SLOPE * torch.log(squared + _TINY), dim=1)


def rank_loss(log_probability: Tensor, batch: Sequence[SmallStack]) -> Tensor:
    """Cross entropy between the target of each stack and the `log_probabilities` (B, N, Y, X) of its slices."""
    target = torch.stack([stack.target for stack in batch]).to(log_probability.device)
    return -(target[:, :, None, None] * log_probability).sum(dim=1).mean()


def accuracy(log_probability: Tensor) -> float:
    """Share of pixels whose sharpest slice is the one with the largest activity or next to it."""
    return (log_probability.argmax(dim=1) <= 1).float().mean().item()


def _shared_means(encoder: Encoder, images: Tensor) -> list[Tensor] | None:
    """Channel means over all slices of each stack, which freeze the gates as fusion does; None without such gates."""
    if not encoder.pools:
        return None
    means: list[Tensor] = []
    for _ in range(encoder.depth):
        own = encoder.ungated(images, means).mean(dim=(2, 3))
        means.append(own.view(-1, SLICES, own.shape[1]).mean(dim=1).repeat_interleave(SLICES, dim=0))
    return means


class Validation(HeldOut):
    """Small stacks.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1]. Without any, textures are computed.
    config : RankConfig
    """

    def __init__(self, images: Sequence[Image], config: RankConfig) -> None:
        self._stacks, self._config = SmallStacks(images, config), config
        self._drawn: list[SmallStack] = []

    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """See `HeldOut`."""
        rng = np.random.default_rng((self._config.seed, _VALIDATING))
        for k in range(_STACKS):
            if k == len(self._drawn):
                self._drawn.append(self._stacks.draw(rng, k % _VALIDATED))
            yield _score(encoder, self._drawn[k])

    @torch.inference_mode()
    def example(self, encoder: Encoder) -> RankExample:
        """What an encoder decides on a stack to look at."""
        stack = self._stacks.draw(np.random.default_rng((self._config.seed, _SHOWING)), 0, _SIDE, _LOOKS)
        picked = log_probabilities(encoder, stack.slices, _RADIUS)[0].argmax(dim=0)
        return RankExample(stack.slices[:, 0].numpy(), picked.cpu().numpy())


@torch.inference_mode()
def _score(encoder: Encoder, stack: SmallStack) -> tuple[float, float]:
    found = log_probabilities(encoder, stack.slices, _RADIUS)
    return rank_loss(found, [stack]).item(), accuracy(found)


def ranking_scores(encoder: Encoder, images: Sequence[Image], config: RankConfig) -> RankScores:
    """How well an encoder decides on the stacks that a training with these images and settings is validated on."""
    return drain(Validation(images, config).iter_scores(encoder))


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
        return rank_loss(log_probabilities(self._state.encoder, slices, int(rng.choice(_RADII))), batch)
