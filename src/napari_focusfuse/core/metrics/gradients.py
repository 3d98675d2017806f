"""Sharpness of the fused image by itself: average gradient, grey-level difference, spatial frequency."""

import numpy as np

from napari_focusfuse.core.metrics.metric import Image, Metric

__all__ = ["AG", "GLD", "SF", "ag", "gld", "sf"]


def ag(fused: Image) -> float:
    """Average gradient: mean of sqrt((dx^2 + dy^2) / 2), differences to the right and lower neighbour.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, 1]; multiply by 255 to compare with papers that use 0..255.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["ag"])["ag"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.07, 0.03]
    """
    across = np.diff(fused, axis=1)[:-1]
    down = np.diff(fused, axis=0)[:, :-1]
    return float(np.sqrt((across**2 + down**2) / 2).mean())


AG = Metric(
    name="ag",
    title="AG",
    function=ag,
    needs="fused",
    better="high",
    low=0,
    high=1,
    smallest=2,
    measures="how steep the fused image is on average",
    blind_to="everything but steepness: noise, halos and sharpening raise it",
    reference="Ma et al. 2020, Sect. 4.3, doi 10.1007/s00521-020-05358-9",
)


def gld(fused: Image) -> float:
    """Grey-level difference: mean of |dx| + |dy|, differences to the right and lower neighbour.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, 2]; multiply by 255 to compare with papers that use 0..255.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["gld"])["gld"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.13, 0.05]
    """
    across = np.abs(np.diff(fused, axis=1)[:-1])
    down = np.abs(np.diff(fused, axis=0)[:, :-1])
    return float((across + down).mean())


GLD = Metric(
    name="gld",
    title="GLD",
    function=gld,
    needs="fused",
    better="high",
    low=0,
    high=2,
    smallest=2,
    measures="how much neighbouring pixels of the fused image differ",
    blind_to="everything but differences: noise, halos and sharpening raise it",
    reference="named in Ma et al. 2020, Sect. 4.3, doi 10.1007/s00521-020-05358-9",
)


def sf(fused: Image) -> float:
    """Spatial frequency sqrt(RF^2 + CF^2) of the whole image: the paper's Eq. 5-7 with one window.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, sqrt 2]; RF^2 and CF^2 are sums of squared differences along rows and columns, divided by Y X.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["sf"])["sf"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.12, 0.05]
    """
    rows, columns = (float((np.diff(fused, axis=axis) ** 2).sum()) for axis in (1, 0))
    return float(np.sqrt((rows + columns) / fused.size))


SF = Metric(
    name="sf",
    title="SF",
    function=sf,
    needs="fused",
    better="high",
    low=0,
    high=float(np.sqrt(2)),
    smallest=1,
    measures="root mean square difference of neighbouring pixels of the fused image",
    blind_to="everything but differences: noise, halos and sharpening raise it; strong edges outweigh fine detail",
    reference="Eskicioglu and Fisher 1995, IEEE Trans. Commun. 43, 2959-2965",
)
