"""Qs: structural similarity to the source that varies more (Piella and Heijmans 2003)."""

from collections.abc import Sequence

from napari_focusfuse.core.metrics._local import Local, similarity
from napari_focusfuse.core.metrics._metric import Image, Metric
from napari_focusfuse.core.metrics._pool import Pool

__all__ = ["QS", "qs"]

_SIDE = 11
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
    """
    target, pool = Local(fused, _SIDE), Pool()
    for source in sources:
        local = Local(source, _SIDE)
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
    smallest=_SIDE,
    measures="structural similarity to whichever source varies more",
    blind_to="nearly everything on images in 0..1, for its constants are those of 0..255: look at the fifth digit",
    reference="Piella and Heijmans 2003, Proc. ICIP III, 173-176",
)
