"""Depth as a surface in um, its holes filled from what was measured around them; `mesh` drapes the image over it."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import SurfaceConfig
from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core._types import Map
from napari_focusfuse.core.result import Decision
from napari_focusfuse.errors import FocusFuseError

__all__ = ["depth_um", "fill_depth", "filled", "um_per_z"]

#: Binomial filter of a pyramid (Burt and Adelson 1983, IEEE Trans. Commun. 31:532, a = 3/8).
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
_SMALLEST = 1e-6


def um_per_z(z: NDArray[np.float64], z_step: float | None, refractive_index: float = 1.0) -> float | None:
    """Factor from the units of `Decision.z` to um; None where it is not known.

    Parameters
    ----------
    z : (N,) array
        Positions of the slices, in slices or in um.
    z_step : float, optional
        Mean distance between neighbouring slices, um.
    refractive_index : float
        How much further the focus moves than the stage does.

    Raises
    ------
    OutputError
        The z-step is no length.
    """
    check_sizes(z_step=z_step)
    spacing = float(np.ptp(z)) / max(len(z) - 1, 1)
    return None if z_step is None or spacing == 0 else z_step * refractive_index / spacing


def depth_um(decision: Decision, z_step: float | None, refractive_index: float = 1.0) -> Map:
    """Depth in um, as measured.

    Raises
    ------
    FocusFuseError
        The z-step is not known.
    """
    factor = um_per_z(decision.z, z_step, refractive_index)
    if factor is None:
        raise FocusFuseError("heights in um need the z-step: give the distance between neighbouring slices in um")
    with np.errstate(invalid="ignore"):  # a file may hold NaN of the kind that complains
        return decision.depth * np.float32(factor)


def fill_depth(decision: Decision, *, least_confidence: float = SurfaceConfig.least_confidence) -> Map:
    """Depth everywhere: as measured where it is reliable, otherwise filled from the surroundings.

    Confidence-weighted normalised convolution (Knutsson and Westin 1993, CVPR, p. 515) over scales that grow by two,
    by a pyramid: each pixel is completed from the finest scale with enough data.

    Parameters
    ----------
    decision : Decision
    least_confidence : float
        Depth with this confidence or more is kept exactly as measured; below, it is weighted in proportion.

    Returns
    -------
    (Y, X) float32
        In the units of `Decision.z`; NaN throughout if no depth is known at all. What was filled is an estimate of the
        shape, not a measurement: tell it apart by the NaN and the confidence of the decision.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> depth = ff.fill_depth(decision)
    >>> depth.shape, depth.dtype.name
    ((64, 64), 'float32')
    """
    return filled(decision.depth, decision.confidence, least_confidence)


def filled(depth: Map, confidence: Map, least_confidence: float = SurfaceConfig.least_confidence) -> Map:
    """`depth` (Y, X) filled by its `confidence`; see `fill_depth`."""
    known = np.isfinite(depth)
    sure = confidence >= least_confidence
    weight = np.where(sure, 1, confidence / max(least_confidence, _SMALLEST)) * known
    if not (weight > 0).any():
        return np.full(depth.shape, np.nan, np.float32)
    estimate = _filled(np.where(known, depth, np.float32(0)), weight.astype(np.float32))
    return np.where(known & sure, depth, estimate).astype(np.float32)


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
