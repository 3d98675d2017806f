"""Structure that the fused image keeps, from means, variances and covariances in windows: Qs, Qc and Qy.

The window is moved over all places where it lies inside the image (Wang et al. 2004, doi 10.1109/TIP.2003.819861).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from napari_focusfuse.core.metrics.metric import Image, Metric, Pool, ratio

__all__ = ["QC", "QS", "QY", "Local", "covariance", "qc", "qs", "qy", "similarity"]

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

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qc"])["qc"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.83, 0.83]
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


_SIDE_QS = 11
#: Of images in 0..255, though ours are in [0, 1]: so it is in the toolbox that publications use, and only so are
#: values comparable with theirs. Almost everything is therefore above .999.
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def qs(sources: Sequence[Image], fused: Image) -> float:
    """Structural similarity Qs, in [-1, 1].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    float
        Mean over the windows (Gaussian, 11 x 11 px) of the similarity to the sources, weighted by their variances;
        for any N, and where all are constant they count the same.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qs"])["qs"] for image in images]
    >>> [round(score, 5) for score in scores]
    [0.99994, 0.99992]
    """
    target, pool = Local(fused, _SIDE_QS), Pool()
    for source in sources:
        local = Local(source, _SIDE_QS)
        pool.add(similarity(local, target, _C1, _C2), local.variance)
    return float(pool.mean().mean())


QS = Metric(
    name="qs",
    title="Qs",
    function=qs,
    needs="sources",
    better="high",
    low=-1,
    high=1,
    smallest=_SIDE_QS,
    measures="structural similarity to whichever source varies more",
    blind_to="nearly everything on images in 0..1, because its constants are those of 0..255: look at the fifth digit",
    reference="Piella and Heijmans 2003, Proc. ICIP III, 173-176",
)


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

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qy"])["qy"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.95, 0.92]
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
