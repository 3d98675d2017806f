"""How well an encoder decides on small stacks that it was not trained on."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training.encoder._decision import found, log_shares, rank_loss
from napari_focusfuse.core.training.encoder._stacks import Looks, SmallStack, SmallStacks

__all__ = ["HeldOut", "RankExample", "RankScores", "Validation", "ranking_scores"]

_RADIUS, _STACKS, _LEVELS = 4, 18, 3
#: Streams of random numbers beside that of the training.
_VALIDATING, _SHOWING = 2, 3
#: The stack that shows how an encoder does: its side (px), and how it looks.
_SIDE, _LOOKS = 96, Looks(contrast=0.7, noise=0.06)


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
                self._drawn.append(self._stacks.draw(rng, k % _LEVELS))
            yield _score(encoder, self._drawn[k])

    @torch.inference_mode()
    def example(self, encoder: Encoder) -> RankExample:
        """What an encoder decides on a stack to look at."""
        stack = self._stacks.draw(np.random.default_rng((self._config.seed, _SHOWING)), 0, _SIDE, _LOOKS)
        picked = log_shares(encoder, stack.slices, _RADIUS)[0].argmax(dim=0)
        return RankExample(stack.slices[:, 0].numpy(), picked.cpu().numpy())


@torch.inference_mode()
def _score(encoder: Encoder, stack: SmallStack) -> tuple[float, float]:
    shares = log_shares(encoder, stack.slices, _RADIUS)
    return rank_loss(shares, [stack]).item(), found(shares)


def ranking_scores(encoder: Encoder, images: Sequence[Image], config: RankConfig) -> RankScores:
    """How well an encoder decides on the stacks that a training with these images and settings is validated on."""
    return drain(Validation(images, config).iter_scores(encoder))
