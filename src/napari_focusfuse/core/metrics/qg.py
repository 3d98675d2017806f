"""Qg: how much of the sources' edges is in the fused image (paper, Eq. 10-17; Xydeas and Petrovic 2000).

Two things are not as the paper prints them, because the toolbox that its scores were made with does otherwise: the
thresholds of Eq. 14-15 are +.5 and +.75, and Eq. 17 is a mean of ratios and not a ratio of sums. The difference of
angles is folded into [0, pi / 2]: an edge has no sign.

Where no image has an edge, the toolbox divides rounding errors by each other, which mostly comes out as "kept". Here it
always is: where nothing was to be kept, nothing is lost. That matters where large areas are saturated.
"""

from collections.abc import Sequence

import numpy as np

from napari_focusfuse.core.metrics.metric import Image, Metric

__all__ = ["QG", "qg", "qg_map"]

_K_STRENGTH, _SIGMA_STRENGTH = -10.0, 0.5
_K_ANGLE, _SIGMA_ANGLE = -20.0, 0.75
#: Stands in for a difference of 0 along x.
_SMALL = 1e-5
#: What every edge is stronger than: without edges all sources count the same, and edges of no strength are alike.
_NO_EDGE = 1e-30
_TINY = 1e-300
#: Pixels that are worked on at once: what is in between stays in the processor's cache.
_AT_ONCE = 1 << 14


def qg(sources: Sequence[Image], fused: Image) -> float:
    """Edge preservation Qg, in [0, 1]: the mean of `qg_map`.

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
    >>> scores = [ff.measure(scene.stack, image, metrics=["qg"])["qg"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.62, 0.57]
    """
    return float(qg_map(sources, fused).mean())


def qg_map(sources: Sequence[Image], fused: Image) -> Image:
    """Edge preservation of each pixel.

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64

    Returns
    -------
    (Y, X) float64 in [0, 1]
        Mean over the sources of Q^{SF} (Eq. 16), weighted by the edge strength of each source S (Eq. 17, for any N);
        where no source has an edge all count the same. Outside of the images there are zeros, as in the toolbox.
    """
    height, width = fused.shape
    step = max(1, _AT_ONCE // width)
    kept, weight = np.zeros_like(fused), np.zeros_like(fused)
    framed = np.pad(fused, 1)
    for source in sources:
        here = np.pad(source, 1)
        for top in range(0, height, step):
            rows, around = slice(top, top + step), slice(top, top + step + 2)
            edges = _edges(here[around])
            strength = edges[0] + _NO_EDGE
            quality = _preservation(edges, _edges(framed[around]))
            quality *= strength
            kept[rows] += quality
            weight[rows] += strength
    kept /= weight
    return kept


def _edges(framed: Image) -> tuple[Image, Image, Image]:
    """Edge strength (Eq. 10) and its parts along x and y by Sobel, of an image with one more pixel on each side."""
    smooth = framed[:-2] + 2 * framed[1:-1] + framed[2:]
    x = smooth[:, 2:] - smooth[:, :-2]
    smooth = framed[:, :-2] + 2 * framed[:, 1:-1] + framed[:, 2:]
    y = smooth[2:] - smooth[:-2]
    strength = np.sqrt(x * x + y * y)
    x[x == 0] = _SMALL
    return strength, x, y


def _preservation(source: tuple[Image, Image, Image], fused: tuple[Image, Image, Image]) -> Image:
    """Q^{AF} of Eq. 16. The angle between two edges comes from their cross and dot products, folded by their signs."""
    (ga, xa, ya), (gf, xf, yf) = source, fused
    alike = (np.minimum(ga, gf) + _NO_EDGE) / (np.maximum(ga, gf) + _NO_EDGE)
    angle = np.arctan(np.abs(ya * xf - xa * yf) / np.maximum(np.abs(xa * xf + ya * yf), _TINY))
    parallel = 1 - angle * (2 / np.pi)
    strength = 1 + np.exp(_K_STRENGTH * (alike - _SIGMA_STRENGTH))
    return np.asarray(1 / (strength * (1 + np.exp(_K_ANGLE * (parallel - _SIGMA_ANGLE)))))


QG = Metric(
    name="qg",
    title="Qg",
    function=qg,
    needs="sources",
    better="high",
    low=0,
    high=1,
    smallest=1,
    measures="share of the sources' edges, strength and direction, that the fused image keeps",
    blind_to="truth: noise and halos of the sources count as edges, and a weak edge as much as a strong one",
    reference="Xydeas and Petrovic 2000, Electron. Lett. 36, 308-309",
    pixels=qg_map,
)
