"""SSIM: structural similarity to the true image, by scikit-image (Wang et al. 2004)."""

from napari_focusfuse.core.metrics._metric import Image, Metric

__all__ = ["SSIM", "ssim"]


def ssim(truth: Image, fused: Image) -> float:
    """Structural similarity, in [-1, 1]: Gaussian window of 11 x 11 px with sigma 1.5, data range 1.

    Parameters
    ----------
    truth, fused : (Y, X) float64

    Returns
    -------
    float
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
