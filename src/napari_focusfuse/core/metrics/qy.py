"""Qy: structural similarity to the sources where they agree, to the nearest where they do not (Yang et al. 2008)."""

from collections.abc import Sequence

import numpy as np

from napari_focusfuse.core.metrics._local import Local, similarity
from napari_focusfuse.core.metrics._metric import Image, Metric
from napari_focusfuse.core.metrics._pool import Pool

__all__ = ["QY", "qy"]

_SIDE = 7
#: Sources that are as similar as this agree.
_AGREE = 0.75


def qy(sources: Sequence[Image], fused: Image) -> float:
    """Structural similarity Qy, in [-1, 1].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        Mean over the windows (Gaussian, 7 x 7 px) of the mean similarity to the sources, weighted by their variances,
        where the sources agree, and of the largest similarity elsewhere. N > 2 sources agree where each of them is
        similar to the one that varies most over the whole image; with two that is their similarity to each other.
    """
    target, pool = Local(fused, _SIDE), Pool()
    most = max(range(len(sources)), key=lambda k: float(sources[k].var()))
    reference = Local(sources[most], _SIDE)
    best, agreement = np.full_like(target.mean, -1), np.ones_like(target.mean)
    for source in sources:
        local = Local(source, _SIDE)
        here = similarity(local, target)
        pool.add(here, local.variance)
        np.maximum(best, here, out=best)
        np.minimum(agreement, similarity(local, reference), out=agreement)
    return float(np.where(agreement >= _AGREE, pool.mean(), best).mean())


QY = Metric(
    name="qy",
    title="Qy",
    function=qy,
    needs="sources",
    better="high",
    low=-1,
    high=1,
    smallest=_SIDE,
    measures="similarity to all sources where they agree, to the nearest one where they do not",
    blind_to="which source is sharp: any copied source scores 1 where they differ",
    reference="Yang, Zhang, Wang, Liu 2008, Inf. Fusion 9, 156-160",
)
