"""Qc: similarity to each source by how much the fused image follows it (Cvejic et al. 2005)."""

from collections.abc import Sequence

import numpy as np

from napari_focusfuse.core.metrics._local import Local, covariance, similarity
from napari_focusfuse.core.metrics._metric import Image, Metric
from napari_focusfuse.core.metrics._pool import Pool, ratio

__all__ = ["QC", "qc"]

_SIDE = 7


def qc(sources: Sequence[Image], fused: Image) -> float:
    """Similarity Qc, in [-1, 1].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        Mean over the windows (Gaussian, 7 x 7 px) of the universal quality index of fused image and sources, weighted
        by the share of each in the sum of their covariances with the fused image, clipped to [0, 1]. For N > 2 the
        clipped shares are brought to the sum 1; where the sum of covariances is 0, all sources count the same.
    """
    target = Local(fused, _SIDE)
    total = np.zeros_like(target.mean)
    for source in sources:
        total += covariance(Local(source, _SIDE), target)
    pool = Pool()
    for source in sources:
        local = Local(source, _SIDE)
        share = np.clip(ratio(covariance(local, target), total, 0.0), 0, 1)
        pool.add(similarity(local, target), share)
    return float(pool.mean().mean())


QC = Metric(
    name="qc",
    title="Qc",
    function=qc,
    needs="sources",
    better="high",
    low=-1,
    high=1,
    smallest=_SIDE,
    measures="similarity to the sources, each by how much the fused image follows it",
    blind_to="following the wrong source: a blurred region that is copied scores as well as a sharp one",
    reference="Cvejic, Loza, Bull, Canagarajah 2005, Int. J. Signal Process. 2, 178-182",
)
