"""Qm: how much of the sources' Haar wavelets is in the fused image (paper, Eq. 18-22; Wang and Liu 2008).

The three bands of Eq. 19 are added and not divided by 3, as in the toolbox that the paper's scores were made with: Qm
goes up to 3. It depends on the scale of the images: here they are in [0, 1].
"""

from collections.abc import Sequence

import numpy as np

from napari_focusfuse.core.metrics.metric import Image, Metric, Pool

__all__ = ["QM", "qm"]

#: alpha_s of Eq. 22, fine to coarse.
_EXPONENTS = (2 / 3, 1 / 3)


def qm(sources: Sequence[Image], fused: Image) -> float:
    """Multi-scale edge preservation Qm, in [0, 3].

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
    fused : (Y, X) float64
        Where a side is odd, its last row or column is repeated.

    Returns
    -------
    float
        Product over the scales of the mean of EP over pixels and sources, weighted by the energy of the source
        (Eq. 20-21, for any N); without any energy all count the same.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qm"])["qm"] for image in images]
    >>> [round(score, 2) for score in scores]
    [2.91, 2.88]
    """
    target = _details(fused)
    pools = [Pool() for _ in _EXPONENTS]
    for source in sources:
        for pool, ours, theirs in zip(pools, _details(source), target, strict=True):
            kept = np.exp(-np.abs(ours - theirs)).sum(axis=0)
            energy = (ours * ours).sum(axis=0)
            total = float(energy.sum())
            pool.add(float((kept * energy).sum()) / total if total else float(kept.mean()), total)
    means = [float(pool.mean()) for pool in pools]
    return float(np.prod([mean**exponent for mean, exponent in zip(means, _EXPONENTS, strict=True)]))


def _details(image: Image) -> list[Image]:
    """The three detail bands (3, Y, X) of each scale of the orthonormal Haar wavelet, fine to coarse."""
    scales = []
    for _ in _EXPONENTS:
        image = np.pad(image, [(0, side % 2) for side in image.shape], mode="edge")
        low, high = _halves(image)
        (image, across), (down, diagonal) = (_halves(part.T) for part in (low, high))
        scales.append(np.stack([across, down, diagonal]))
        image = image.T
    return scales


def _halves(image: Image) -> tuple[Image, Image]:
    """Sums and differences of each two rows."""
    return (image[::2] + image[1::2]) / np.sqrt(2), (image[::2] - image[1::2]) / np.sqrt(2)


QM = Metric(
    name="qm",
    title="Qm",
    function=qm,
    needs="sources",
    better="high",
    low=0,
    high=3,
    smallest=2,
    measures="share of the sources' fine detail (Haar wavelet, two scales) that the fused image keeps",
    blind_to="detail coarser than 4 px; differences are absolute, so dark images score higher",
    reference="Wang and Liu 2008, doi 10.1109/ICOSP.2008.4697288",
)
