"""GLD: grey-level difference of the fused image."""

import numpy as np

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["GLD", "gld"]


def gld(fused: Image) -> float:
    """Grey-level difference: mean of |dx| + |dy|, differences to the right and lower neighbour.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, 2]; multiply by 255 to compare with papers that use 0..255.
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
