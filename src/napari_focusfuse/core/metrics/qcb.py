"""Qcb: how much of the visible contrast of the sources is in the fused image (paper, Eq. 23-29).

Chen and Blum 2009. Each image is stretched to 0..255 first, the contrast of Eq. 23 counts without its sign, and
Eq. 25 has p = 3, q = 2, Z = 1e-4, as in the toolbox that the paper's scores were made with.
"""

from collections.abc import Sequence

import numpy as np
from scipy import fft, ndimage

from napari_focusfuse.core.metrics.information import grey_levels
from napari_focusfuse.core.metrics.metric import Image, Metric, Pool, ratio

__all__ = ["QCB", "qcb", "qcb_map"]

#: Contrast sensitivity of the eye as a difference of Gaussians: widths in cycles, depth of the inner one.
_OUTER, _INNER, _DEPTH = 15.3870, 1.3456, 0.7622
#: The image is looked at as if it had a cycle in this many pixels at frequency 1.
_PIXELS = 30
_FINE, _COARSE, _REACH = 2.0, 4.0, 15
_Z = 1e-4


def qcb(sources: Sequence[Image], fused: Image) -> float:
    """Perceptual quality Qcb (Eq. 29), in [0, 1]: the mean of `qcb_map`.

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qcb"])["qcb"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.75, 0.69]
    """
    return float(qcb_map(sources, fused).mean())


def qcb_map(sources: Sequence[Image], fused: Image) -> Image:
    """How much contrast is kept at each pixel (Eq. 28).

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    (Y, X) float64 in [0, 1]
        Mean over the sources of Eq. 27, weighted by their squared contrast (Eq. 26, for any N); without any contrast
        all count the same, and two images without contrast are alike.
    """
    target, pool = _contrast(fused), Pool()
    for source in sources:
        contrast = _contrast(source)
        kept = ratio(np.minimum(contrast, target), np.maximum(contrast, target), 1.0)
        pool.add(kept, contrast**2)
    return pool.mean()


def _contrast(image: Image) -> Image:
    """C' of Eq. 25: local contrast of the image as the eye filters it."""
    levels = grey_levels(image).astype(np.float64)
    seen = fft.irfft2(fft.rfft2(levels) * _sensitivity(image.shape), s=image.shape)
    c = np.abs(ratio(_blurred(seen, _FINE), _blurred(seen, _COARSE), 1.0) - 1)
    return np.asarray(c**3 / (c**2 + _Z))


def _sensitivity(shape: tuple[int, ...]) -> Image:
    """Contrast sensitivity at each frequency of a real Fourier transform of an image of that shape."""
    u, v = fft.rfftfreq(shape[1]) * 2 * shape[1] / _PIXELS, fft.fftfreq(shape[0]) * 2 * shape[0] / _PIXELS
    squared = u[None, :] ** 2 + v[:, None] ** 2
    return np.asarray(np.exp(-squared / _OUTER**2) - _DEPTH * np.exp(-squared / _INNER**2))


def _blurred(image: Image, sigma: float) -> Image:
    """Eq. 24 on a grid of 31 x 31 px, with zeros around the image."""
    offsets = np.arange(-_REACH, _REACH + 1)
    line = np.exp(-(offsets**2) / (2 * sigma**2)) / (np.sqrt(2 * np.pi) * sigma)
    rows = ndimage.correlate1d(image, line, axis=0, mode="constant")
    return np.asarray(ndimage.correlate1d(rows, line, axis=1, mode="constant"))


QCB = Metric(
    name="qcb",
    title="Qcb",
    function=qcb,
    needs="sources",
    better="high",
    low=0,
    high=1,
    smallest=1,
    measures="share of the sources' local contrast, as the eye sees it, that the fused image keeps",
    blind_to="brightness and gain: each image is stretched, so that one very dark pixel can move it by .05",
    reference="Chen and Blum 2009, doi 10.1016/j.imavis.2007.12.002",
    pixels=qcb_map,
)
