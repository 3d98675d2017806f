"""Brightness that flickers from slice to slice, found so that it can be removed before slices are compared.

A slice that is five per cent brighter has five per cent more activity everywhere and would win everywhere. Defocus
changes the contrast between blocks of some ten pixels a side slowly along z; what jumps is the lamp or the camera. The
contrast does not depend on the dark level and survives a camera's tone curve. The pixels of the fused image stay as
they are.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["block_means", "gains"]

#: Side of the blocks, px; in small images at most a quarter of the image.
_SIDE = 32
#: Slices less alike than this are optical sections of something else, not one scene at another brightness.
_ALIKE = 0.98
#: Deviations from the slow course along z (slices of standard deviation) that are smaller than this are no flicker.
_NO_FLICKER, _SLOW = 0.02, 2.0
_FLAT = 1e-3
_LEAST_SLICES = 5


def block_means(grey: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Means of equal square blocks; what is left over at the right and below is not used."""
    side = max(1, min(_SIDE, min(grey.shape) // 4))
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    blocks = grey[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def gains(blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Factors (N,) that remove the flicker of slices, given by their block means in the order of z.

    All are 1 where nothing can be told: fewer than five slices, flat ones, or neighbours that show different things.
    """
    contrast = np.array([(means - ndimage.gaussian_filter(means, 1)).std() for means in blocks])
    none = np.ones(len(blocks))
    if len(blocks) < _LEAST_SLICES or contrast.min() <= _FLAT * max(float(np.ptp(means)) for means in blocks):
        return none
    if min(np.corrcoef(a.flat, b.flat)[0, 1] for a, b in pairwise(blocks)) < _ALIKE:
        return none
    course = np.log(contrast)
    slow = ndimage.gaussian_filter1d(course, _SLOW, mode="nearest")
    steady = np.where(np.abs(course - slow) > _NO_FLICKER, slow, course)
    slow = ndimage.gaussian_filter1d(steady, _SLOW, mode="nearest")
    return np.where(np.abs(course - slow) > _NO_FLICKER, np.exp(slow - course), none)
