"""Small focus stacks to train on."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.activity import reduced
from napari_focusfuse.core.simulate._field import Field
from napari_focusfuse.core.simulate._optics import disc, gaussian
from napari_focusfuse.core.training import Pieces, log_uniform, seen_by_camera

__all__ = ["SLICES", "Looks", "SmallStack", "SmallStacks"]

#: Where the slices lie, in steps; the plane of focus is up to half a step from the first.
_PLACES = np.array([0, 1, 2, 3.5, 6, 9])
SLICES = len(_PLACES)
#: Growth of the blur a step, px; share of stacks blurred by a disc; change of brightness from slice to slice.
_GROWTH, _DISC, _FLICKER = (0.5, 1.6), 0.4, 0.015
#: Half the target's width: a slice one step farther from focus than the best one counts exp(-1.5) of it.
_TARGET = 1.5
#: Scales on which fusion looks, and how often each is trained.
_LEVELS, _MARGIN = (0.5, 0.25, 0.25), 16


class SmallStack(NamedTuple):
    """Slices (N, 1, Y, X) of a small stack at one scale, and how much each is wanted (N,), which sums to 1."""

    slices: Tensor
    wanted: Tensor


class Looks(NamedTuple):
    """Contrast of the texture, and standard deviation of the noise, as shares of full scale."""

    contrast: float
    noise: float


class SmallStacks:
    """Makes small stacks from sharp images and from computed textures.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1].
    config : RankConfig
    """

    def __init__(self, images: Sequence[Image], config: RankConfig) -> None:
        self._pieces, self._config = Pieces(images, config.procedural, config.seed), config

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
        sharp = self._pieces.draw(rng, (side or self._config.crop) * 2**level + 2 * margin, looks and looks.contrast)
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
        wanted = torch.softmax(torch.from_numpy(-_TARGET * (distance - distance.min()) ** 2).float(), dim=0)
        return SmallStack(seen, wanted)
