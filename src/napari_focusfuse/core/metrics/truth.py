"""Against the true all-in-focus image: PSNR, SSIM, and the bias of the mean."""

import numpy as np

from napari_focusfuse.core.metrics.metric import Image, Metric

__all__ = ["BIAS", "PSNR", "SSIM", "bias", "psnr", "ssim"]


def psnr(truth: Image, fused: Image) -> float:
    """Peak signal-to-noise ratio, dB, with the peak 1; infinite for equal images.

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] for image in images]
    >>> [round(score, 1) for score in scores]
    [inf, 23.5]
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


def ssim(truth: Image, fused: Image) -> float:
    """Structural similarity, in [-1, 1]: Gaussian window of 11 x 11 px with sigma 1.5, data range 1.

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, truth=scene.truth, metrics=["ssim"])["ssim"] for image in images]
    >>> [round(score, 2) for score in scores]
    [1.0, 0.73]
    """
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            truth, fused, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


SSIM = Metric(
    name="ssim",
    title="SSIM",
    function=ssim,
    needs="truth",
    better="high",
    low=-1,
    high=1,
    smallest=11,
    measures="structural similarity to the true image",
    blind_to="small errors beside strong contrast; it is harsh where the true image is flat",
    reference="Wang et al. 2004, doi 10.1109/TIP.2003.819861",
)


def bias(truth: Image, fused: Image) -> float:
    """Mean of the fused image minus mean of the true one, in [-1, 1].

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, scene.truth // 2
    >>> scores = [ff.measure(scene.stack, image, truth=scene.truth, metrics=["bias"])["bias"] for image in images]
    >>> [round(score, 4) for score in scores]
    [0.0, -0.2586]
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
    blind_to="everything that does not change the mean",
    reference="difference of means",
)
