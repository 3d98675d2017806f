"""AG: average gradient of the fused image."""

import numpy as np

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["AG", "ag"]


def ag(fused: Image) -> float:
    """Average gradient: mean of sqrt((dx^2 + dy^2) / 2), differences to the right and lower neighbour.

    Parameters
    ----------
    fused : (Y, X) float64

    Returns
    -------
    float
        In [0, 1]; multiply by 255 to compare with papers that use 0..255.
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
