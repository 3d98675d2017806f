"""PSNR: peak signal-to-noise ratio against the true image, by scikit-image."""

import numpy as np

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["PSNR", "psnr"]


def psnr(truth: Image, fused: Image) -> float:
    """Peak signal-to-noise ratio, dB, with the peak 1; infinite for equal images.

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float
    """
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(truth, fused, data_range=1.0))


PSNR = Metric(
    name="psnr",
    title="PSNR",
    function=psnr,
    needs="truth",
    better="high",
    low=float("-inf"),
    high=float("inf"),
    smallest=1,
    measures="mean squared error against the true image, in dB",
    blind_to="where the error is: a halo at an edge counts like a little noise everywhere",
    reference="scikit-image, peak_signal_noise_ratio",
)
