"""Information that the fused image shares with its sources, from grey levels: Qmi and Qncie.

Each image is stretched from its own minimum and maximum to 0..255 and rounded, halves up. Entropies are in bits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from napari_focusfuse.core.metrics.metric import Image, Metric

__all__ = ["QMI", "QNCIE", "Information", "grey_levels", "information", "qmi", "qncie"]

_LEVELS = 256


class Information(NamedTuple):
    """Mutual information of two images and the entropy of each, bits."""

    mutual: float
    first: float
    second: float


def grey_levels(image: Image) -> NDArray[np.uint8]:
    """Levels 0..255, from the darkest to the brightest pixel; a constant image is 0."""
    low, high = image.min(), image.max()
    if high == low:
        return np.zeros(image.shape, dtype=np.uint8)
    levels = np.floor((image - low) * (_LEVELS - 1) / (high - low) + 0.5)
    return np.asarray(levels, dtype=np.uint8)


def information(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Information:
    """Mutual information and entropies of two images of grey levels, from their joint histogram."""
    pairs = first.ravel().astype(np.int32) * _LEVELS + second.ravel()
    joint = np.bincount(pairs, minlength=_LEVELS**2).reshape(_LEVELS, _LEVELS) / pairs.size
    of_first, of_second = _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))
    return Information(max(of_first + of_second - _entropy(joint), 0.0), of_first, of_second)


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def qmi(sources: Sequence[Image], fused: Image) -> float:
    """Normalised mutual information Qmi, in [0, 2].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        2 [I(A, F) / (H(A) + H(F)) + I(B, F) / (H(B) + H(F))] over 256 grey levels. For N sources the sum is multiplied
        by 2 / N, so that the range stays; two constant images are alike.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qmi"])["qmi"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.8, 0.81]
    """
    levels = grey_levels(fused)
    total = 0.0
    for source in sources:
        mutual, of_source, of_fused = information(grey_levels(source), levels)
        entropies = of_source + of_fused
        total += 2 * mutual / entropies if entropies else 1.0
    return 2 * total / len(sources)


QMI = Metric(
    name="qmi",
    title="Qmi",
    function=qmi,
    needs="sources",
    better="high",
    low=0,
    high=2,
    smallest=1,
    measures="mutual information of the grey levels of the fused image and of the sources",
    blind_to="positions: sharp and blurred pixels count alike, and one copied source scores well",
    reference="Hossny, Nahavandi, Creighton 2008, Electron. Lett. 44, 1066-1067",
)


_BITS = 8


def qncie(sources: Sequence[Image], fused: Image) -> float:
    """Nonlinear correlation information entropy Qncie, in [1 - log256(N + 1), 1].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        1 + sum of l log256(l), where l are the eigenvalues, divided by K = N + 1, of the K x K matrix of mutual
        information (over 256 grey levels, base 256) of all images with each other, with ones on its diagonal. It is
        defined so for any N, but values of different N cannot be compared; the cost grows with N^2.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qncie"])["qncie"] for image in images]
    >>> [round(score, 5) for score in scores]
    [0.7766, 0.77649]
    """
    images = [grey_levels(image) for image in (*sources, fused)]
    related = np.eye(len(images))
    for i, first in enumerate(images):
        for j, second in enumerate(images[:i]):
            related[i, j] = related[j, i] = information(first, second).mutual / _BITS
    shares = np.linalg.eigvalsh(related).clip(0) / len(images)
    return float(1 + xlogy(shares, shares).sum() / (_BITS * np.log(2)))


QNCIE = Metric(
    name="qncie",
    title="Qncie",
    function=qncie,
    needs="sources",
    better="high",
    low=0,
    high=1,
    smallest=1,
    measures="how strongly the grey levels of all images, the fused one included, are correlated",
    blind_to="positions; half of it is what the sources have in common, whatever the fused image",
    reference="Wang, Shen, Zhang 2005, Physica D 200, 287-295",
)
