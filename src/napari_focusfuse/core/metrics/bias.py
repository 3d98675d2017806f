"""Bias: whether the fused image is brighter or darker than the true one."""

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["BIAS", "bias"]


def bias(truth: Image, fused: Image) -> float:
    """Mean of the fused image minus mean of the true one, in [-1, 1].

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float
    """
    return float(fused.mean() - truth.mean())


BIAS = Metric(
    name="bias",
    title="Bias",
    function=bias,
    needs="truth",
    better="zero",
    low=-1,
    high=1,
    smallest=1,
    measures="mean intensity against that of the true image",
    blind_to="everything that leaves the mean as it is",
    reference="difference of means",
)
