"""Qncie: nonlinear correlation information entropy of the sources and the fused image (Wang et al. 2005)."""

from collections.abc import Sequence

import numpy as np
from scipy.special import xlogy

from napari_focusfuse.core.metrics._levels import grey_levels, information
from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["QNCIE", "qncie"]

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
    measures="how strongly the grey levels of all images, the fused one included, hang together",
    blind_to="where things are; half of it is what the sources have in common, whatever the fused image",
    reference="Wang, Shen, Zhang 2005, Physica D 200, 287-295",
)
