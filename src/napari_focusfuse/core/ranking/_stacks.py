"""Small focus stacks to train on."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.activity import reduced
from napari_focusfuse.core.config import RankConfig, Texture
from napari_focusfuse.core.simulate._field import Field
from napari_focusfuse.core.simulate._optics import disc, gaussian
from napari_focusfuse.core.simulate._textures import texture_named

__all__ = ["SLICES", "Looks", "SmallStack", "SmallStacks"]

Image = NDArray[np.float32]
#: Where the slices lie, in steps; the plane of focus is up to half a step from the first.
_PLACES = np.array([0, 1, 2, 3.5, 6, 9])
SLICES = len(_PLACES)
#: Growth of the blur a step, px; contrast of the texture; noise, share of full scale; change of brightness by slice.
_GROWTH, _CONTRAST, _NOISE, _FLICKER = (0.5, 1.6), (0.15, 1.0), (0.003, 0.1), 0.015
#: Shares of stacks without noise, with photon noise, blurred by a disc, of inverted contrast, at half the size.
_CLEAN, _PHOTONS, _DISC, _INVERTED, _HALVED = 0.25, 0.5, 0.4, 0.3, 0.25
#: Half the target's width: a slice one step farther from focus than the best one counts exp(-1.5) of it.
_TARGET = 1.5
#: Scales on which fusion looks, and how often each is trained.
_LEVELS, _MARGIN = (0.5, 0.25, 0.25), 16
#: Contrast below which a piece is left as it is.
_FLAT = 0.05
_SIDE = 640
_TEXTURES: tuple[Texture, ...] = ("grains", "cloud", "beads", "cloud", "grains", "cloud")


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
        self._images, self._config = list(images), config

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
        sharp = self._piece(rng, (side or self._config.crop) * 2**level + 2 * margin, looks)
        growth = _log_uniform(rng, *_GROWTH)
        distance = np.abs(_PLACES - rng.uniform(0, 0.5))
        optics = disc(growth) if rng.random() < _DISC else gaussian(growth)
        field = Field(sharp.shape, len(optics.kernel(float(distance.max()))) // 2)
        spectrum = field.spectrum(sharp)
        slices = np.stack([field.image(spectrum * field.transfer(optics.kernel(float(d)))) for d in distance])
        seen = torch.from_numpy(_seen(rng, slices[:, margin:-margin, margin:-margin], looks))[:, None]
        for _ in range(level):
            seen = reduced(seen)
        wanted = torch.softmax(torch.from_numpy(-_TARGET * (distance - distance.min()) ** 2).float(), dim=0)
        return SmallStack(seen, wanted)

    def _piece(self, rng: np.random.Generator, size: int, looks: Looks | None) -> Image:
        """A square of texture, turned, flipped, of any contrast; mirrored where the image is too small."""
        computed = not self._images or rng.random() < self._config.procedural
        source: Sequence[Image] = _computed(self._config.seed) if computed else self._images
        image = source[int(rng.integers(len(source)))]
        if rng.random() < _HALVED:
            image = image[::2, ::2]
        if min(image.shape) < size:
            image = np.pad(image, [(0, max(0, size - n)) for n in image.shape], mode="symmetric")
        y, x = (int(rng.integers(n - size + 1)) for n in image.shape)
        piece = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
        piece = piece[:, ::-1] if rng.integers(2) else piece
        low, high = float(piece.min()), float(piece.max())
        full = (piece - low) / (high - low) if high - low > _FLAT else piece
        contrast = looks.contrast if looks else _log_uniform(rng, *_CONTRAST)
        lit = full * contrast + rng.uniform(0, 1 - contrast)
        return np.ascontiguousarray(1 - lit if rng.random() < _INVERTED else lit, dtype=np.float32)


@lru_cache(maxsize=2)
def _computed(seed: int) -> tuple[Image, ...]:
    """Computed textures, the same for training and validation; the pieces that are drawn from them differ."""
    rng = np.random.default_rng(seed)
    return tuple(texture_named(name, rng, (_SIDE, _SIDE)) for _ in range(3) for name in _TEXTURES)


def _seen(rng: np.random.Generator, slices: Image, looks: Looks | None) -> Image:
    """Slices as a camera sees them: brightness that flickers, and noise of one strength."""
    light = slices * rng.uniform(1 - _FLICKER, 1 + _FLICKER, (len(slices), 1, 1))
    if looks:
        light = light + looks.noise * rng.standard_normal(slices.shape)
    elif rng.random() >= _CLEAN:
        noise = _log_uniform(rng, *_NOISE) * rng.standard_normal(slices.shape)
        photons = rng.random() < _PHOTONS
        light = light + noise * (np.sqrt(1.5 * np.maximum(light, 0.02)) if photons else 1)
    return np.asarray(np.clip(light, 0, 1), dtype=np.float32)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
