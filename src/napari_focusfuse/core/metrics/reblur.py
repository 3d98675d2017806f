"""Reblur: whether the fused image, blurred as needed at each place, reproduces every source.

A sharp image explains all slices of its stack: each is the image, blurred by an amount that changes from place to
place. A pixel from the wrong slice is too blurred to explain the right one, and a halo explains none. Blur by a bank of
Gaussians is the usual model of defocus (Pentland 1987, IEEE Trans. Pattern Anal. Mach. Intell. 9, 523-531). The score
is this project's own; how well it follows the truth is in ``docs/metrics.md``.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import ndimage

from napari_focusfuse.core.metrics.metric import Image, Metric, Pool, ratio

__all__ = ["REBLUR", "reblur"]

#: Standard deviations of the blurs tried, px.
_BLURS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Side of the window in which the blur is chosen, px.
_SIDE = 3
#: Standard deviations of the Gaussians before and after the gradient that weights the sources, px.
_INNER, _OUTER = 1.0, 2.0
#: Second difference in both directions: blind to planes and edges along the axes; its noise gain is 6 (Immerkaer 1996,
#: Comput. Vis. Image Underst. 64, 300-302).
_NOISE = np.outer([1, -2, 1], [1, -2, 1]) / 6
#: Median of the magnitude of a standard normal variable.
_MEDIAN = 0.6745


def reblur(sources: Sequence[Image], fused: Image) -> float:
    """Consistency with the sources under blur, in dB.

    It is ``-10 log10(mean_x(sum_k w_k e_k) + v)``, where ``e_k = min_s <(G_s * F - S_k)^2>`` is what no Gaussian G_s
    explains of source k, in a window of 3 x 3 px, and v the noise variance of the fused image, known from the median
    of its second differences.

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
        Weighted at each pixel by the root mean square of their gradient nearby, for any N, so that slices far from
        focus, about which the model of blur knows least, count little; without any gradient all count the same.
    fused : (Y, X) float64

    Returns
    -------
    float
        Infinite if there is no error and no noise.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["reblur"])["reblur"] for image in images]
    >>> [round(score, 1) for score in scores]
    [37.9, 28.3]
    """
    blurred = [ndimage.gaussian_filter(fused, s, mode="nearest") if s else fused for s in _BLURS]
    pool = Pool()
    for source in sources:
        pool.add(_unexplained(blurred, source), _strength(source))
    error = float(pool.mean().mean()) + _noise_variance(fused)
    return -10 * math.log10(error) if error > 0 else math.inf


def _unexplained(blurred: Sequence[Image], source: Image) -> Image:
    """Least squared difference of the source to the images and to all between two neighbours, in a window.

    With the difference d to one image and the step q to the next one, <(d - t q)^2> is least at t = <d q> / <q q>.
    """
    least = np.full(source.shape, np.inf)
    for image, following in pairwise(blurred):
        difference, step = source - image, following - image
        across, along = _windowed(difference * step), _windowed(step**2)
        part = np.clip(ratio(across, along, 0.0), 0, 1)
        np.minimum(least, _windowed(difference**2) - 2 * part * across + part**2 * along, out=least)
    return np.asarray(np.maximum(least, 0))


def _strength(image: Image) -> Image:
    """Root mean square of the gradient around each pixel."""
    smooth = ndimage.gaussian_filter(image, _INNER, mode="nearest")
    squares = [np.diff(smooth, axis=axis, append=smooth.take([-1], axis)) ** 2 for axis in (0, 1)]
    return np.asarray(np.sqrt(ndimage.gaussian_filter(squares[0] + squares[1], _OUTER, mode="nearest")))


def _windowed(image: Image) -> Image:
    return np.asarray(ndimage.uniform_filter(image, _SIDE, mode="nearest"))


def _noise_variance(image: Image) -> float:
    """Variance of white noise in an image, robust against its structures."""
    return float(np.median(np.abs(ndimage.correlate(image, _NOISE, mode="nearest"))) / _MEDIAN) ** 2


REBLUR = Metric(
    name="reblur",
    title="Reblur",
    function=reblur,
    needs="sources",
    better="high",
    low=-math.inf,
    high=math.inf,
    smallest=3,
    measures="whether the fused image, blurred as needed at each place, reproduces every source",
    blind_to="sharpening that blur undoes; which of two sources is right where both are blurred alike",
    reference="this project; docs/metrics.md compares it with the truth",
)
