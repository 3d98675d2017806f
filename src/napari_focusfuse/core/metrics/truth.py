"""Against the truth: images by PSNR, SSIM and the bias of the mean; decisions by the true depth; confidence."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.metrics.metric import Image, Metric
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "BIAS",
    "PSNR",
    "SSIM",
    "WrongPixels",
    "bias",
    "calibration_error",
    "depth_rmse",
    "edge_band",
    "islands",
    "psnr",
    "right_pixels",
    "ssim",
    "wrong_pixels",
]

#: Neighbours that lie farther apart than this (slices) are a depth edge; pixels farther off than this are wrong.
_ONE_SLICE = 1.0
_BAND = 8
_BINS = 10
#: Regions of one slice that are smaller than this share of the image are islands.
_SMALL = 0.0002

Depth = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]


def psnr(truth: Image, fused: Image) -> float:
    """Peak signal-to-noise ratio, dB, with the peak 1; infinite for equal images.

    Parameters
    ----------
    truth, fused : (Y, X) float64

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


class WrongPixels(NamedTuple):
    """Shares of pixels that are more than one slice off, in [0, 1]; 0 where a region has no pixels.

    Attributes
    ----------
    everywhere, edge, interior : float
        Of all pixels, of those near a depth edge, and of the others.
    """

    everywhere: float
    edge: float
    interior: float


def depth_rmse(depth: Depth, truth: Depth) -> float:
    """Root mean square error of the depth where it is known.

    Parameters
    ----------
    depth : (Y, X) float
        Depth in slices, or in the units of `truth`; NaN where it is not known.
    truth : (Y, X) float

    Returns
    -------
    float
        In the units of the two.

    Raises
    ------
    FocusFuseError
        The sizes differ, or the depth is known nowhere.
    """
    off = _off(depth, truth)
    known = np.isfinite(off)
    if not known.any():
        raise FocusFuseError("the depth is measured nowhere: there is nothing to compare with the true depth")
    return float(np.sqrt(np.mean(off[known] ** 2)))


def wrong_pixels(index: Depth, truth: Depth, band: int = _BAND) -> WrongPixels:
    """Shares of pixels whose slice is more than one slice off.

    Parameters
    ----------
    index : (Y, X) int or float
        Slice, or depth in slices, of each pixel; a pixel that is NaN is wrong.
    truth : (Y, X) float
        True depth in slices.
    band : int
        Pixels up to this far from a depth edge (chessboard distance) make the edge band.

    Returns
    -------
    WrongPixels

    Raises
    ------
    FocusFuseError
        The sizes differ.
    """
    wrong = ~right_pixels(index, truth)
    near = edge_band(truth, band)
    return WrongPixels(_share(wrong), _share(wrong[near]), _share(wrong[~near]))


def right_pixels(index: Depth, truth: Depth) -> NDArray[np.bool_]:
    """Pixels (Y, X) whose slice is at most one slice off; see `wrong_pixels`."""
    return np.asarray(_off(index, truth) <= _ONE_SLICE)


def calibration_error(confidence: NDArray[np.floating[Any]], right: NDArray[np.bool_], bins: int = _BINS) -> float:
    """How far confidence is from the share of pixels that are right: the expected calibration error.

    Parameters
    ----------
    confidence : array of float
        In [0, 1].
    right : array of bool
        Of the same shape.
    bins : int
        Bins of equal width.

    Returns
    -------
    float
        Mean distance of the two over the bins, weighted by their pixels; 0 is honest, 1 always sure and always wrong.

    References
    ----------
    Naeini et al. 2015, AAAI, 2901-2907.

    Examples
    --------
    >>> round(calibration_error(np.full(4, 0.9), np.array([True, True, False, False])), 2)
    0.4
    """
    sure = np.asarray(confidence, dtype=np.float64).ravel()
    which = np.minimum((sure * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(which, sure - np.asarray(right).ravel(), bins)
    return float(np.abs(gaps).sum() / sure.size)


def islands(index: NDArray[np.integer[Any]], share: float = _SMALL) -> float:
    """Share of pixels in small regions: of one slice, connected by their sides, smaller than `share` of the image.

    Parameters
    ----------
    index : (Y, X) int
        Slice of each pixel.
    share : float

    Returns
    -------
    float
        In [0, 1]: some thousandths for a coherent decision, tenths for salt and pepper.

    Examples
    --------
    >>> index = np.zeros((100, 100), dtype=int)
    >>> index[50, 50] = 1
    >>> islands(index)
    0.0001
    """
    from skimage.measure import label

    regions = label(np.asarray(index), background=-1, connectivity=1)
    sizes = np.bincount(regions.ravel())
    return float(sizes[sizes < share * index.size].sum() / index.size)


def edge_band(truth: Depth, band: int = _BAND) -> NDArray[np.bool_]:
    """Pixels (Y, X) up to `band` px from where the true depth jumps by more than one slice."""
    depth = np.asarray(truth, dtype=np.float64)
    edge = np.zeros(depth.shape, dtype=bool)
    for axis in (0, 1):
        jump = np.abs(np.diff(depth, axis=axis)) > _ONE_SLICE
        for before in (0, 1):
            pads = [(0, 0), (0, 0)]
            pads[axis] = (before, 1 - before)
            edge |= np.pad(jump, pads)
    return np.asarray(ndimage.maximum_filter(edge, 2 * band + 1, mode="constant"))


def _off(depth: Depth, truth: Depth) -> NDArray[np.float64]:
    if depth.shape != truth.shape:
        raise FocusFuseError(f"the map is {depth.shape} and the true depth {truth.shape}: they must be of one size")
    return np.abs(np.asarray(depth, dtype=np.float64) - truth)


def _share(wrong: NDArray[np.bool_]) -> float:
    return float(wrong.mean()) if wrong.size else 0.0
