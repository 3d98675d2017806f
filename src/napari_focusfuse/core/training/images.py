"""What is learnt from: images, crops of texture to make training stacks of, and the noise of a camera."""

import math
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import Texture
from napari_focusfuse.core.simulate.surfaces import texture_named
from napari_focusfuse.errors import FocusFuseWarning, TrainingError

__all__ = ["Crops", "central", "log_uniform", "seen_by_camera", "usable"]

Image = NDArray[np.float32]
#: Contrast of a crop; shares of crops of inverted contrast and at half the size.
_CONTRAST, _INVERTED, _HALVED = (0.15, 1.0), 0.3, 0.25
#: Noise, share of full scale; shares of stacks without noise and with photon noise.
_NOISE, _CLEAN, _PHOTONS = (0.003, 0.1), 0.25, 0.5
#: Contrast below which a crop is left as it is.
_FLAT = 0.05
_SIDE = 640
#: Share of computed crops that are leaves, each drawn anew.
_LEAVES = 0.6
_TEXTURES: tuple[Texture, ...] = ("grains", "cloud", "beads", "cloud", "grains", "cloud")


def central(image: Image, size: int) -> Image:
    """The middle of an image, at most `size` px along each side."""
    y, x = (max(side - size, 0) // 2 for side in image.shape)
    return image[y : y + size, x : x + size]


def usable(images: Sequence[Image], purpose: str, least: int = 1) -> list[Image]:
    """The images that something can be learnt from: at least `least` px a side, and not of one value.

    Raises
    ------
    TrainingError
        There are some, but none of that kind.
    """
    large = [image for image in images if min(image.shape) >= least]
    if images and not large:
        raise TrainingError(
            f"none of the {len(images)} {purpose} images is at least {least} x {least} px: "
            "give larger images or a smaller crop"
        )
    found = [image for image in large if image.max() > image.min()]
    if large and not found:
        raise TrainingError(f"there is nothing to learn from: all {len(large)} {purpose} images are of one value")
    reasons = {
        f"smaller than {least} x {least} px": len(images) - len(large),
        "of one value": len(large) - len(found),
    }
    said = " and ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    if said:
        warnings.warn(f"of {len(images)} {purpose} images {said} are left out", FocusFuseWarning, stacklevel=3)
    return found


class Crops:
    """Draws squares of texture from sharp images and from computed textures.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1]; may be empty.
    procedural : float
        Share of crops whose texture is computed.
    seed : int
        Of the computed textures.
    leaves : bool
        Whether shapes that cover each other are among them.
    """

    def __init__(self, images: Sequence[Image], procedural: float, seed: int, *, leaves: bool = False) -> None:
        self._images, self._procedural, self._seed, self._leaves = list(images), procedural, seed, leaves

    def draw(self, rng: np.random.Generator, size: int, contrast: float | None = None) -> Image:
        """A square of texture, turned, flipped, of any contrast if none is given; mirrored where the image is small."""
        computed = not self._images or rng.random() < self._procedural
        if computed and self._leaves and rng.random() < _LEAVES:
            return texture_named("leaves", rng, (size, size))
        source: Sequence[Image] = _computed(self._seed) if computed else self._images
        image = source[int(rng.integers(len(source)))]
        if rng.random() < _HALVED:
            image = image[::2, ::2]
        if min(image.shape) < size:
            image = np.pad(image, [(0, max(0, size - n)) for n in image.shape], mode="symmetric")
        y, x = (int(rng.integers(n - size + 1)) for n in image.shape)
        crop = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
        crop = crop[:, ::-1] if rng.integers(2) else crop
        low, high = float(crop.min()), float(crop.max())
        full = (crop - low) / (high - low) if high - low > _FLAT else crop
        contrast = log_uniform(rng, *_CONTRAST) if contrast is None else contrast
        lit = full * contrast + rng.uniform(0, 1 - contrast)
        return np.ascontiguousarray(1 - lit if rng.random() < _INVERTED else lit, dtype=np.float32)


@lru_cache(maxsize=2)
def _computed(seed: int) -> tuple[Image, ...]:
    """Computed textures, the same for training and validation; the crops that are drawn from them differ."""
    rng = np.random.default_rng(seed)
    return tuple(texture_named(name, rng, (_SIDE, _SIDE)) for _ in range(3) for name in _TEXTURES)


def seen_by_camera(rng: np.random.Generator, light: NDArray[np.floating[Any]], strength: float | None = None) -> Image:
    """Slices (N, Y, X) with noise of one standard deviation, drawn where it is None; clipped to [0, 1]."""
    if strength is not None:
        light = light + strength * rng.standard_normal(light.shape)
    elif rng.random() >= _CLEAN:
        noise = log_uniform(rng, *_NOISE) * rng.standard_normal(light.shape)
        photons = rng.random() < _PHOTONS
        light = light + noise * (np.sqrt(1.5 * np.maximum(light, 0.02)) if photons else 1)
    return np.asarray(np.clip(light, 0, 1), dtype=np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))
