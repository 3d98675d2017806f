"""Qp: whether the edges and corners of the sources, found by phase congruency, are in the fused image (Zhao et al.).

J. Zhao, R. Laganiere, Z. Liu, "Performance assessment of combinative pixel-level image fusion based on an absolute
feature measurement", Int. J. Innov. Comput. Inf. Control 3 (2007) 1433-1447. Constants are those of the toolbox that
published values were made with.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.metrics._metric import Image, Metric
from napari_focusfuse.core.metrics._phase import Features, features
from napari_focusfuse.core.metrics._pool import ratio

__all__ = ["QP", "qp"]

#: Phase congruency above which a pixel of a source belongs to a feature.
_FEATURE = 0.1
_SMALL = 1e-4
_SIGMA, _RADIUS = 1.5, 5

Mask = NDArray[np.bool_]


def qp(sources: Sequence[Image], fused: Image) -> float:
    """Phase congruency metric Qp = P_p P_M P_m, in [-1, 1].

    Each factor is of one map: phase congruency p, its largest moment M (edges) and its least moment m (corners). It is
    the mean, over the pixels where some source has p > 0.1, of the largest correlation

        (cov(s, f) + 0.0001) / (sqrt(var(s) var(f)) + 0.0001)

    of the fused map f, in a Gaussian window of 11 x 11 px with zeros around the image, with each source map s that is
    a feature there and with their selection. Source maps are 0 outside features and the fused one is not, as in the
    toolbox, so that a copy of equal sources scores a little less than 1.

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
        The selection takes at each pixel the maps of the source with the largest p; that is defined for any N.
    fused : (Y, X) float64

    Returns
    -------
    float
        Where no source has a feature, or the fused image has none: 1 if that is so for both, else 0.

    Notes
    -----
    The constants make the correlation 1 where the fused map does not vary within a window, so that features that are
    lost without a trace do not lower the score. Only for an image without any is that put right here.
    """
    target = _Windowed(features(fused))
    strongest: Image | None = None
    best = np.full((3, *fused.shape), -np.inf)
    for source in sources:
        found = np.asarray(features(source))
        strongest = found if strongest is None else np.where(found[0] > strongest[0], found, strongest)
        _keep_best(best, found, target)
    wanted = np.zeros(fused.shape, bool) if strongest is None else strongest[0] > _FEATURE
    anything = bool((target.maps[0] > _FEATURE).any())
    if strongest is None or not wanted.any() or not anything:
        return float(anything == wanted.any())
    _keep_best(best, strongest, target)
    return float(np.prod(best[:, wanted].mean(axis=1)))


class _Windowed:
    """The three maps of the fused image with their means and variances."""

    def __init__(self, found: Features) -> None:
        self.maps = np.asarray(found)
        self.mean = _mean(self.maps)
        self.variance = _mean(self.maps**2) - self.mean**2


def _keep_best(best: Image, found: Image, target: _Windowed) -> None:
    """Raise `best` (3, Y, X) to the correlations of these maps where they are features, and to 0 elsewhere.

    Where a source is no feature the toolbox takes 0, so that a negative correlation with the others does not count.
    """
    feature = found[0] > _FEATURE
    here = found * feature
    mean = _mean(here)
    variance = _mean(here**2) - mean**2
    covariance = _mean(here * target.maps) - mean * target.mean
    likeness = ratio(covariance + _SMALL, np.sqrt(np.abs(variance * target.variance)) + _SMALL, 0.0)
    np.maximum(best, np.where(feature, likeness, 0.0), out=best)


def _mean(maps: Image) -> Image:
    """Weighted mean around each pixel of maps (3, Y, X)."""
    return np.asarray(ndimage.gaussian_filter(maps, _SIGMA, axes=(-2, -1), mode="constant", radius=_RADIUS))


QP = Metric(
    name="qp",
    title="Qp",
    function=qp,
    needs="sources",
    better="high",
    low=-1,
    high=1,
    smallest=2 * _RADIUS + 1,
    measures="whether edges and corners of the sources, found by phase congruency, are in the fused image",
    blind_to="features lost without a trace, what is added where no source has a feature, and smooth areas",
    reference="Zhao, Laganiere, Liu 2007, Int. J. Innov. Comput. Inf. Control 3, 1433-1447",
)
