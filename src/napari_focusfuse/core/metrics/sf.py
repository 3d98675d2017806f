"""SF: spatial frequency of the fused image (Eskicioglu and Fisher 1995)."""

import numpy as np

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["SF", "sf"]


def sf(fused: Image) -> float:
    """Spatial frequency sqrt(RF^2 + CF^2) of the whole image: the paper's Eq. 5-7 with one window.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, sqrt 2]; RF^2 and CF^2 are sums of squared differences along rows and columns, divided by Y X.
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
