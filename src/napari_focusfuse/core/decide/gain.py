"""Brightness that flickers from slice to slice, found so that it can be removed before slices are compared.

A slice that is five per cent brighter has five per cent more activity everywhere and would win everywhere. Defocus
changes the contrast between blocks of some ten pixels a side slowly along z; what jumps is the lamp or the camera. The
contrast does not depend on the dark level; the mean does not depend on focus. Both have to jump, and the one that is
steadier elsewhere says by how much. The pixels of the fused image stay as they are.
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
