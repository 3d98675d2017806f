"""Image matting: S. Li et al., "Image matting for fusion of multi-focus images", Information Fusion 14 (2013) 147-162.

Bright and dark detail by morphology says roughly where each slice is sharp; what is not clearly inside one of these
regions is given to the slices by matting, which follows the edges of the image. The paper uses robust matting, that is
the closed-form Laplacian used here (A. Levin, D. Lischinski, Y. Weiss, IEEE Trans. PAMI 30 (2008) 228-242) with a
further term that compares colours.

For N slices there is one alpha for each. All come from the same linear system, so that they sum to 1.
"""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from skimage.morphology import disk

from napari_focusfuse.config import IMFConfig
from napari_focusfuse.core._types import Grey, Mask
from napari_focusfuse.core.decide.confidence import hard_weights
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.verification import opened, without_small_regions
from napari_focusfuse.core.methods.shared import NOTHING, Measure, Planes, decided, grey_slice, iter_best, iter_limits
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision, Labels
from napari_focusfuse.core.stack import Stack

__all__ = ["detail", "iter_alphas", "iter_imf", "matting_laplacian"]

Floats = NDArray[np.floating]
#: Radius of the mean that makes the comparison of detail robust, px.
_MEAN = 3
#: Conjugate gradients: residual at the end, most steps, steps between reports.
_NEAR, _STEPS, _REPORTED = 1e-3, 2000, 20
_UNKNOWN = -1


def detail(grey: Grey, radius: int) -> Floats:
    """Bright or dark detail (Y, X), whichever is stronger: what opening or closing by a disk removes, in the mean."""
    footprint = disk(radius)
    bright = ndimage.white_tophat(grey, footprint=footprint, mode="nearest")
    dark = ndimage.black_tophat(grey, footprint=footprint, mode="nearest")
    return np.asarray(ndimage.uniform_filter(np.maximum(bright, dark), 2 * _MEAN + 1, mode="nearest"))


def iter_imf(stack: Stack, config: IMFConfig) -> Generator[Progress, None, Decision]:
    """Give the pixels to the slices by alphas: 1 well inside of sharp regions, matted between them.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="imf", config=ff.IMFConfig(band=4)).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 30
    True
    """
    measure = Measure(lambda grey: detail(grey, config.radius), 2 * config.radius + _MEAN)
    limits = yield from staged(iter_limits(stack), 0, 0.03)
    peaks = yield from staged(iter_best(stack, measure, limits), 0.03, 0.3)
    trimap = _trimap(peaks.labels[0], config)
    guide = yield from staged(_iter_guide(stack, peaks.labels[0], limits), 0.33, 0.07)
    kept = [int(k) for k in stack.order if (trimap == k).any()]
    alphas = TopK(stack.shape, len(kept) + 1, beside=False)
    found = yield from staged(iter_alphas(guide, trimap, kept, config.eps), 0.4, 0.5)
    for k, alpha in zip(kept, found, strict=True):
        missing = grey_slice(stack, k, limits)[1]
        share = alpha.clip(0, 1)
        alphas.show((slice(None), slice(None)), k, -1, share if missing is None else share * ~missing)
    alphas.labels[alphas.labels < 0] = 0
    labels, weights = hard_weights(alphas, peaks.labels[0])
    work = decided(stack, peaks, NOTHING, labels, weights)
    return (yield from repeated(work, Progress(900, 1000, "depth and confidence")))


def _trimap(winners: Labels, config: IMFConfig) -> Labels:
    """The slice of each pixel (Y, X) that is well inside its region; -1 elsewhere.

    That is more than `config.band` px, or in a narrow region half as deep as there is.
    """
    area, out = config.min_region * winners.size, np.full_like(winners, _UNKNOWN)
    for k in np.unique(winners):
        region = without_small_regions(opened(winners == k, 1), area)
        region = ~without_small_regions(~region, area)
        if region.all():
            return np.full_like(winners, k)
        depth = ndimage.distance_transform_edt(region)
        parts, count = ndimage.label(region)
        deepest = np.array([0.0, *ndimage.maximum(depth, parts, np.arange(1, count + 1))])
        out[region & (depth > np.minimum(config.band, deepest / 2)[parts])] = k
    return out


def _iter_guide(stack: Stack, index: Labels, limits: tuple[float, float]) -> Generator[Progress, None, Floats]:
    """The pixels of the sharpest slices, (C, Y, X) in about [0, 1]."""
    planes, low, high = Planes(stack), *limits
    guide = np.zeros(planes.shape)
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        slice_ = planes.take(k)
        if slice_ is not None:
            np.copyto(guide, slice_ / 2, where=index == k)
    share = high / 2 - low / 2
    return np.asarray(((guide - low / 2) / (share if share > 0 else 1)).clip(-1, 2))


def matting_laplacian(guide: Floats, eps: float, wanted: Mask) -> sparse.csr_array:
    """The matting Laplacian (Levin et al. 2008, Eq. 12) of windows of 3 x 3 pixels.

    Parameters
    ----------
    guide : (C, Y, X) float
        Image in [0, 1], at least 3 pixels along each side.
    eps : float
        Regularisation: larger values give smoother alphas.
    wanted : (Y, X) bool
        Only windows that hold such a pixel count.

    Returns
    -------
    sparse array (Y X, Y X)
        Symmetric; the sum of each row is 0.
    """
    channels, *shape = guide.shape
    near = ndimage.binary_dilation(wanted, np.ones((3, 3)))[1:-1, 1:-1].ravel()
    number = np.arange(shape[0] * shape[1]).reshape(shape)
    window = np.lib.stride_tricks.sliding_window_view
    pixels = window(number, (3, 3)).reshape(-1, 9)[near]
    values = guide.reshape(channels, -1)[:, pixels].transpose(1, 2, 0)
    centred = values - values.mean(axis=1, keepdims=True)
    covariance = centred.transpose(0, 2, 1) @ centred / 9 + eps / 9 * np.eye(channels)
    alike = (1 + centred @ np.linalg.solve(covariance, centred.transpose(0, 2, 1))) / 9
    rows, columns = pixels.repeat(9, axis=1).ravel(), np.tile(pixels, 9).ravel()
    size = number.size
    affinity = sparse.csr_array((alike.ravel(), (rows, columns)), shape=(size, size))
    return sparse.csr_array(sparse.diags_array(affinity.sum(axis=1)) - affinity)


class _System(NamedTuple):
    """Matrix and right-hand sides for the unknown pixels."""

    matrix: sparse.csr_array
    sides: Floats


def iter_alphas(
    guide: Floats, trimap: Labels, labels: list[int], eps: float
) -> Generator[Progress, None, list[NDArray[np.float32]]]:
    """Alpha (Y, X) of each label, as it is known from the trimap, and between by the matting Laplacian.

    Parameters
    ----------
    guide : (C, Y, X) float
        Image in [0, 1] whose edges the alphas follow.
    trimap : (Y, X) int
        Known labels; -1 where it is not known.
    labels : list of int
        Those in the trimap.
    eps : float
        See `matting_laplacian`.
    """
    unknown = trimap == _UNKNOWN
    alphas = [(trimap == k).astype(np.float32) for k in labels]
    if not unknown.any() or len(labels) < 2 or min(trimap.shape) < 3:
        return alphas
    yield Progress(0, _STEPS, "matting Laplacian")
    laplacian = matting_laplacian(guide, eps, unknown)
    inside = unknown.ravel()
    rows = laplacian[inside]
    known = np.stack([alpha.ravel()[~inside] for alpha in alphas[:-1]], axis=1)
    system = _System(rows[:, inside], -(rows[:, ~inside] @ known))
    found = yield from _iter_solved(system, np.full(system.sides.shape, 1 / len(labels)))
    for k, alpha in enumerate(alphas):
        alpha[unknown] = found[:, k] if k < len(labels) - 1 else 1 - found.sum(axis=1)
    return alphas


def _iter_solved(system: _System, start: Floats) -> Generator[Progress, None, Floats]:
    """Solve a system for all its right-hand sides by conjugate gradients, preconditioned by the diagonal."""
    matrix, sides = system
    scale = 1 / np.maximum(matrix.diagonal(), 1e-12)[:, None]
    x = start
    residual = sides - matrix @ x
    along = scaled = scale * residual
    energy = (residual * scaled).sum(axis=0)
    enough = _NEAR**2 * np.maximum((sides * scale * sides).sum(axis=0), 1e-12)
    for step in range(_STEPS):
        if step % _REPORTED == 0:
            yield Progress(step, _STEPS, "matting")
        if (energy <= enough).all():
            break
        image = matrix @ along
        length = energy / np.maximum((along * image).sum(axis=0), 1e-30)
        x = x + length * along
        residual = residual - length * image
        scaled = scale * residual
        before, energy = energy, (residual * scaled).sum(axis=0)
        along = scaled + energy / np.maximum(before, 1e-30) * along
    return x
