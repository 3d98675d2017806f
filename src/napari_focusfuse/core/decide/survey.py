"""A first look at a stack: the range of its values, flicker, noise, and where there is most to see."""

import math
from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decide.gain import block_means, gains
from napari_focusfuse.core.decide.noise import NoiseMap, block_noise, noise_map, quantisation
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range, without_specks, without_void
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["Survey", "iter_survey", "spread"]

#: Patches to look closer at, their side (px), and pixels for the range.
_PATCHES, _PATCH, _SAMPLE = 4, 128, 2**20
#: Slices at most whose noise is measured.
_NOISE_SLICES = 9
#: An integer camera saturates where more than this share of the values are the largest there is.
_SATURATED, _TINY = 1e-4, 1e-9

Where = tuple[slice, slice]


class Survey(NamedTuple):
    """What a first look at all slices tells: intensity range, gain of each slice, where to look closer, and noise."""

    limits: tuple[float, float]
    gains: NDArray[np.float64]
    places: list[Where]
    saturation: float
    noise: NoiseMap


def iter_survey(stack: Stack) -> Generator[Progress, None, Survey]:
    """Look at every slice once, at few pixels of each."""
    places = _places(stack.shape)
    values, blocks, calm, contrast = [], [], [], np.zeros(len(places))
    brightest, rounding = -math.inf, math.inf
    step = max(1, math.isqrt(math.ceil(len(stack) * stack.shape[0] * stack.shape[1] / _SAMPLE)))
    asked = spread(len(stack), _NOISE_SLICES)
    for done, k in enumerate(stack.order):
        image = stack[int(k)]
        grey = luminance(image)
        rough = robust_range(grey[::step, ::step])
        grey, missing = filled(without_void(without_specks(grey, rough), rough))
        values.append(grey[::step, ::step].ravel())
        brightest = max(brightest, float(grey.max()))
        blocks.append(block_means(grey))
        contrast = np.maximum(contrast, [grey[place][::4, ::4].std(dtype=np.float64) for place in places])
        if done in asked:
            calm.append(block_noise(grey, missing))
            rounding = min(rounding, quantisation(image[:: 2 * step, :: 2 * step]))
        yield Progress(done, len(stack), f"brightness and noise of slice {done + 1} of {len(stack)}")
    factors = np.ones(len(stack))
    factors[stack.order] = gains(blocks)
    ranks = np.unique(np.linspace(0, (len(places) - 1) / 2, _PATCHES).round().astype(int))
    chosen = np.argsort(-contrast, kind="stable")[ranks]
    sample = np.concatenate(values)
    limits = robust_range(sample)
    span = max(limits[1] - limits[0], _TINY)
    full = stack.dtype.kind in "iu" and np.isclose(brightest, _full_scales(stack.dtype), rtol=1e-6).any()
    saturates = full and (sample >= brightest).mean() > _SATURATED
    saturation = (brightest - limits[0]) / span if saturates else math.inf
    noise = noise_map([of_slice / span for of_slice in calm], rounding / span)
    return Survey(limits, factors, [places[i] for i in chosen], saturation, noise)


def spread(count: int, most: int) -> list[int]:
    """At most so many numbers below `count`, evenly spread, with the first and the last."""
    return sorted({round(k) for k in np.linspace(0, count - 1, most)})


def _full_scales(dtype: np.dtype[Any]) -> list[float]:
    """The largest counts of cameras whose images are kept in this integer type: of 8 bits and more."""
    return [float(2**bits - 1) for bits in range(8, 8 * dtype.itemsize + 1)]


def _places(shape: tuple[int, int]) -> list[Where]:
    """The grid of patches: whole ones, or the parts of an image that is smaller."""
    grid = [tile.core for tile in tiles(shape, _PATCH, 0)]
    return [place for place in grid if all(side.stop - side.start == _PATCH for side in place)] or grid
