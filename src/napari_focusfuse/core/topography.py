"""Depth as a topography: holes filled from what was measured around them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.config import SurfaceConfig
from napari_focusfuse.core.decision import Decision

__all__ = ["fill_depth"]

Map = NDArray[np.float32]
#: Binomial filter of a pyramid (Burt and Adelson 1983, IEEE Trans. Commun. 31:532, a = 3/8).
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
_SMALLEST = 1e-6


def fill_depth(decision: Decision, *, least_confidence: float = SurfaceConfig.least_confidence) -> Map:
    """Depth everywhere: measured where it is sure, else filled from its surroundings.

    Confidence-weighted normalised convolution (Knutsson and Westin 1993, CVPR, p. 515) over scales that grow by two,
    by a pyramid: each pixel takes what its own measurement leaves open from the finest scale that knows more.

    Parameters
    ----------
    decision : Decision
    least_confidence : float
        Depth of this confidence or more stays exactly as it was measured; of less, it counts in proportion.

    Returns
    -------
    (Y, X) float32
        In the units of `Decision.z`; NaN throughout if no depth is known at all. What was filled is an estimate of the
        shape, not a measurement: tell it apart by the NaN and the confidence of the decision.
    """
    known = np.isfinite(decision.depth)
    sure = decision.confidence >= least_confidence
    weight = np.where(sure, 1, decision.confidence / max(least_confidence, _SMALLEST)) * known
    depth: Map = np.where(known, decision.depth, np.float32(0))
    if not (weight > 0).any():
        return np.full(decision.shape, np.nan, np.float32)
    filled = _filled(depth, weight.astype(np.float32))
    return np.where(known & sure, decision.depth, filled).astype(np.float32)


def _filled(values: Map, weight: Map) -> Map:
    """`values` where their `weight` is 1; what is missing of it from the next coarser scale."""
    if max(values.shape) <= 2:
        return np.full_like(values, (values * weight).sum() / max(weight.sum(), _SMALLEST))
    coarse_weight = _reduced(weight)
    coarse = (_reduced(values * weight) / np.maximum(coarse_weight, _SMALLEST)).astype(np.float32)
    # One sure pixel among the four of a coarser one is enough to know it.
    below = _expanded(_filled(coarse, np.minimum(4 * coarse_weight, np.float32(1))), values.shape)
    return weight * values + (1 - weight) * below


def _reduced(image: Map) -> Map:
    """Every second pixel of the smoothed image."""
    for axis in (0, 1):
        image = ndimage.convolve1d(image, _BINOMIAL, axis=axis, mode="nearest")
    return image[::2, ::2]


def _expanded(image: Map, shape: tuple[int, ...]) -> Map:
    """The image at twice its size, cut to `shape`: linear between its pixels, and smoothed."""
    out = _twice(_twice(image, shape[0]).T, shape[1]).T
    for axis in (0, 1):
        out = ndimage.uniform_filter1d(out, 3, axis=axis, mode="nearest")
    return np.asarray(out, dtype=np.float32)


def _twice(image: Map, length: int) -> Map:
    """Linear interpolation at every half pixel of the first axis."""
    at = np.arange(length)
    low, high = (np.minimum(n, len(image) - 1) for n in (at // 2, (at + 1) // 2))
    return np.asarray((image[low] + image[high]) / 2, dtype=np.float32)
