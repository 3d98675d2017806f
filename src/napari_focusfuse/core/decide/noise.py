"""The noise of a stack, place by place: what of a picture's finest detail is there in every slice, sharp or not.

Real noise follows brightness, optics and whatever a camera or codec did to the picture. Defocus takes away all fine
detail of the specimen but leaves the noise, so that at each place the calmest slices show how much there is of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

__all__ = ["NoiseMap", "block_noise", "noise_level", "noise_map", "quantisation"]

#: Side of a block, px; share of the slices that are calm at a place.
BLOCK, _CALM = 32, 0.2
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
    return NoiseMap(np.maximum(calm, np.float32(least)).astype(np.float32))


def quantisation(values: NDArray[np.generic]) -> float:
    """Standard deviation of the error that rounding to the steps of some values has left; 0 for floats."""
    if values.dtype.kind not in "iub" or values.size < 2:
        return 0.0
    steps = np.diff(np.unique(values).astype(np.float64))
    return _ROUNDED * float(steps.min()) if len(steps) else _ROUNDED
