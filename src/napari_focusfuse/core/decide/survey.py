"""A first look at a stack: the range of its values, its noise place by place, flicker, and where there is most to see.

Real noise follows brightness, optics and whatever a camera or codec did to the picture. Defocus takes away all fine
detail of the specimen but leaves the noise, so that at each place the calmest slices show how much there is of it.

Brightness that flickers from slice to slice is found so that it can be removed before slices are compared. A slice that
is five per cent brighter has five per cent more activity everywhere and would win everywhere. Defocus changes the
contrast between blocks of some ten pixels a side slowly along z; what jumps is the lamp or the camera. The contrast
does not depend on the dark level; the mean does not depend on focus. Both have to jump, and the one that is steadier
elsewhere says by how much. The pixels of the fused image stay as they are.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range, without_specks, without_void
from napari_focusfuse.core.stack.tiles import tiles

__all__ = [
    "NoiseMap",
    "Survey",
    "block_means",
    "block_noise",
    "gains",
    "iter_survey",
    "noise_level",
    "noise_map",
    "quantisation",
    "spread",
]

#: Side of a block, px; share of the slices that are calm at a place.
BLOCK, _CALM = 32, 0.2
#: Noise at least, share of the range; rounding to 8 bits leaves as much. In a perfect picture the last tails of blurred
#: edges would outweigh all else.
_LEAST_NOISE = 1e-3
#: Median absolute value of a Gaussian of standard deviation 1.
_MEDIAN = 0.6745
#: Rounding to whole counts leaves an error of this standard deviation, in counts.
_ROUNDED = 12**-0.5

Grey = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NoiseMap:
    """Standard deviation of the noise, as a share of the range.

    Attributes
    ----------
    blocks : (B, A) float32
        In blocks of 32 px a side.
    """

    blocks: Grey

    @property
    def typical(self) -> float:
        """The median of all blocks."""
        return float(np.median(self.blocks))

    def part(self, where: tuple[slice, slice], step: int = 1) -> Tensor:
        """The map (y, x) in a part of the image, at every `step`-th pixel: bilinear between the centres of blocks."""
        rows, columns = (_between(side, step, count) for side, count in zip(where, self.blocks.shape, strict=True))
        return torch.from_numpy(rows @ self.blocks @ columns.T)


def _between(side: slice, step: int, count: int) -> Grey:
    """Share (length, count) that each block along one axis has in each pixel."""
    at = ((np.arange(side.start, side.stop, step) + 0.5) / BLOCK - 0.5).clip(0, count - 1)
    return np.asarray(np.maximum(1 - np.abs(at[:, None] - np.arange(count)), 0), dtype=np.float32)


def block_noise(grey: NDArray[np.floating], missing: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Standard deviation (B, A) of the finest diagonal detail (Haar) in each block of an image, by its median.

    NaN where something is `missing`.
    """
    even = np.pad(grey, [(0, n % 2) for n in grey.shape], mode="edge")
    # Values near the end of what their type holds: quarters of them can be added.
    detail = np.abs(even[::2, ::2] / 4 - even[1::2, ::2] / 4 - even[::2, 1::2] / 4 + even[1::2, 1::2] / 4)
    out = np.median(_blocks(detail), axis=2).astype(np.float64) * (2 / _MEDIAN)
    if missing is not None:
        out[_blocks(np.pad(missing, [(0, n % 2) for n in grey.shape])[::2, ::2]).any(axis=2)] = np.nan
    return np.asarray(out)


def _blocks(half: NDArray[Any]) -> NDArray[Any]:
    """The pixels (B, A, n) of each block of an image at half size; the last ones are filled up by mirroring."""
    side = BLOCK // 2
    whole = np.pad(half, [(0, -n % side if n > side else 0) for n in half.shape], mode="reflect")
    height, width = (max(n // side, 1) for n in whole.shape)
    blocks = whole.reshape(height, whole.shape[0] // height, width, whole.shape[1] // width).swapaxes(1, 2)
    return blocks.reshape(height, width, -1)


def noise_level(images: Sequence[Grey]) -> float:
    """Standard deviation of white noise, by the calmest tenth of the blocks of some images."""
    levels = np.concatenate([block_noise(image).ravel() for image in images])
    return float(np.quantile(levels, 0.1)) if levels.size else 0.0


def noise_map(of_slices: Sequence[NDArray[np.floating]], least: float) -> NoiseMap:
    """The noise of a stack from the `block_noise` of some of its slices; nowhere less than `least`."""
    stacked = np.sort(np.stack(of_slices), axis=0)  # NaN last
    known = np.isfinite(stacked).sum(axis=0)
    calm = np.take_along_axis(stacked, (np.maximum(known - 1, 0) * _CALM).astype(np.intp)[None], axis=0)[0]
    calm[known == 0] = np.median(calm[known > 0]) if known.any() else 0
    calm = ndimage.uniform_filter(ndimage.median_filter(calm, 3, mode="nearest"), 3, mode="nearest")
    return NoiseMap(np.maximum(calm, np.float32(max(least, _LEAST_NOISE))).astype(np.float32))


def quantisation(values: NDArray[np.generic]) -> float:
    """Standard deviation of the error that rounding to the steps of some values has left; 0 for floats."""
    if values.dtype.kind not in "iub" or values.size < 2:
        return 0.0
    steps = np.diff(np.unique(values).astype(np.float64))
    return _ROUNDED * float(steps.min()) if len(steps) else _ROUNDED


#: Side of the blocks, px; in small images at most a quarter of the image.
_SIDE = 32
#: Slices less alike than this are optical sections of something else, not one scene at another brightness.
_ALIKE = 0.98
#: Deviations from the slow course along z (slices of standard deviation) that are smaller than this are no flicker.
_NO_FLICKER, _SLOW = 0.02, 2.0
#: The mean has to jump as well, by this share of what the contrast does.
_BOTH = 0.3
#: Where more slices jump than this share, all of them tell whether mean or contrast is the steadier measure.
_MOST = 0.5
#: Rounds of finding the slow course and what jumps.
_ROUNDS = 8
_FLAT = 1e-3
_LEAST_SLICES = 5


def block_means(grey: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Means of equal square blocks; what is left over at the right and below is not used."""
    side = max(1, min(_SIDE, min(grey.shape) // 4))
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    blocks = grey[: rows * side, : columns * side].reshape(rows, side, columns, side)
    with np.errstate(over="ignore"):  # of numbers near the largest there is no mean, and no gain
        return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def gains(blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Factors (N,) that remove the flicker of slices, given by their block means in the order of z.

    All are 1 where nothing can be told: fewer than five slices, flat ones, or neighbours that show different things.
    """
    none = np.ones(len(blocks))
    if not all(np.isfinite(means).all() for means in blocks):
        return none
    contrast = np.array([(means - ndimage.gaussian_filter(means, 1)).std() for means in blocks])
    if len(blocks) < _LEAST_SLICES or contrast.min() <= _FLAT * max(float(np.ptp(means)) for means in blocks):
        return none
    if min(np.corrcoef(a.flat, b.flat)[0, 1] for a, b in pairwise(blocks)) < _ALIKE:
        return none
    average = np.array([means.mean() for means in blocks])
    by_contrast = _flicker(np.log(contrast))
    by_mean = _flicker(np.log(average)) if average.min() > 0 else by_contrast
    jumps = (np.abs(by_contrast) > _NO_FLICKER) & (by_mean * np.sign(by_contrast) > _BOTH * np.abs(by_contrast))
    steady = ~jumps if jumps.mean() <= _MOST else np.ones(len(jumps), dtype=bool)
    steadier = min((by_contrast, by_mean), key=lambda deviation: float(np.abs(deviation[steady]).sum()))
    return np.where(jumps, np.exp(-steadier), none)


def _flicker(course: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviations from the slow course along z, of which what jumps hardly takes part."""
    deviation = np.zeros(len(course))
    for _ in range(_ROUNDS):
        deviation = course - _slow(course, 1 / (1 + (deviation / _NO_FLICKER) ** 2) ** 2)
    return deviation


def _slow(course: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A line through the course around each slice; where fewer than two slices have weight, the course itself."""
    places = np.arange(len(course))
    slow = course.copy()
    for k in places:
        near = weights * np.exp(-(((places - k) / _SLOW) ** 2) / 2)
        if np.count_nonzero(near > _FLAT) > 1:
            slow[k] = np.polyfit(places - k, course, 1, w=np.sqrt(near))[1]
    return slow


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
