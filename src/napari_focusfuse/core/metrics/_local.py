"""Means, variances and covariances in a Gaussian window, and the structural similarity they give.

The window is moved over all places where it lies inside the image (Wang et al. 2004, doi 10.1109/TIP.2003.819861).
"""

import numpy as np
from scipy import ndimage

from napari_focusfuse.core.metrics._metric import Image
from napari_focusfuse.core.metrics._pool import ratio

__all__ = ["Local", "covariance", "similarity"]

#: Standard deviation of the window, px.
_SIGMA = 1.5
#: A variance below this share of the mean square is rounding.
_ROUNDING = 1e-14


class Local:
    """An image (Y, X) with its means and variances in windows of `side` px; both (Y - side + 1, X - side + 1)."""

    def __init__(self, image: Image, side: int) -> None:
        self.image, self.side = image, side
        self.mean = _windowed(image, side)
        square = _windowed(image * image, side)
        variance = square - self.mean**2
        self.variance: Image = np.where(variance > _ROUNDING * square, variance, 0.0)


def covariance(a: Local, b: Local) -> Image:
    """Covariance of two images in each window; 0 where one of them is constant."""
    limit = np.sqrt(a.variance * b.variance)
    return np.clip(_windowed(a.image * b.image, a.side) - a.mean * b.mean, -limit, limit)


def similarity(a: Local, b: Local, c1: float = 0.0, c2: float = 0.0) -> Image:
    """Structural similarity of two images in each window, in [-1, 1].

    Without the constants c1 and c2 it is the universal quality index (Wang and Bovik 2002); there, where both windows
    are black or both are constant, the term that would be 0 / 0 is 1.
    """
    brightness = ratio(2 * a.mean * b.mean + c1, a.mean**2 + b.mean**2 + c1, 1.0)
    return brightness * ratio(2 * covariance(a, b) + c2, a.variance + b.variance + c2, 1.0)


def _windowed(image: Image, side: int) -> Image:
    offsets = np.arange(side) - side // 2
    weights = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    inside = slice(side // 2, side // 2 - side + 1 or None)
    rows = ndimage.correlate1d(image, weights, axis=0)[inside]
    return np.asarray(ndimage.correlate1d(rows, weights, axis=1)[:, inside])
