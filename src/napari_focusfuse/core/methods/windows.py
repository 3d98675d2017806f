"""Methods that compare one focus measure of the grey values, pixel by pixel or by blocks, and take the sharpest slice.

Blocks: S. Li, J. T. Kwok, Y. Wang, "Combination of images with diverse focuses using the spatial frequency",
Information Fusion 2 (2001) 169-176.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import BlockSFConfig, FocusStackConfig, LoGConfig, WindowConfig
from napari_focusfuse.core._types import Grey
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.methods.shared import NOTHING, Measure, decided, grey_slice, iter_chosen, iter_limits
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision, Labels
from napari_focusfuse.core.stack import Stack

__all__ = [
    "block_spatial_frequency",
    "iter_block_sf",
    "iter_focusstack",
    "iter_log",
    "iter_sf",
    "iter_variance",
    "majority",
    "spatial_frequency",
]

Activity = NDArray[np.floating]
_TRUNCATE = 4.0


def _box(image: Activity, radius: int) -> Activity:
    """Mean over a window of 2 radius + 1 pixels a side, borders replicated."""
    return np.asarray(ndimage.uniform_filter(image, 2 * radius + 1, mode="nearest"))


def _root(energy: Activity) -> Activity:
    return np.asarray(np.sqrt(np.maximum(energy, 0)))


def _gaussian_halo(sigma: float) -> int:
    """Pixels that scipy's Gaussian sees on each side."""
    return int(_TRUNCATE * sigma + 0.5)


def spatial_frequency(grey: Grey, radius: int) -> Activity:
    """Spatial frequency (Y, X) of the grey values themselves: Eq. 5-7 of Ma et al. 2020 without an encoder."""
    across, down = (np.diff(grey, axis=axis, prepend=grey.take([0], axis)) for axis in (1, 0))
    return _root(_box(across**2 + down**2, radius))


def iter_sf(stack: Stack, config: WindowConfig) -> Generator[Progress, None, Decision]:
    """Largest spatial frequency in a window around the pixel (Eskicioglu and Fisher 1995; Li, Kwok and Wang 2001).

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="sf", config=ff.WindowConfig(radius=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    39
    """
    return (yield from iter_chosen(stack, Measure(lambda g: spatial_frequency(g, config.radius), config.radius + 1)))


def iter_log(stack: Stack, config: LoGConfig) -> Generator[Progress, None, Decision]:
    """Largest energy of the Laplacian of Gaussian in a window (energy of Laplacian, Huang and Jing 2007).

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="log", config=ff.LoGConfig(sigma=2)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    39
    """

    def activity(grey: Grey) -> Activity:
        response = ndimage.gaussian_laplace(grey, config.sigma, mode="nearest", truncate=_TRUNCATE)
        return _root(_box(response**2, config.radius))

    return (yield from iter_chosen(stack, Measure(activity, _gaussian_halo(config.sigma) + config.radius)))


def iter_focusstack(stack: Stack, config: FocusStackConfig) -> Generator[Progress, None, Decision]:
    """Largest magnitude of the Laplacian of Gaussian at the pixel, no window (McGuinness 2015).

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="focusstack", config=ff.FocusStackConfig(sigma=1)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """

    def activity(grey: Grey) -> Activity:
        return np.asarray(np.abs(ndimage.gaussian_laplace(grey, config.sigma, mode="nearest", truncate=_TRUNCATE)))

    return (yield from iter_chosen(stack, Measure(activity, _gaussian_halo(config.sigma))))


def iter_variance(stack: Stack, config: WindowConfig) -> Generator[Progress, None, Decision]:
    """Largest variance of the grey values in a window around the pixel (Sugimoto and Ichioka 1985).

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="variance", config=ff.WindowConfig(radius=4)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    39
    """

    def activity(grey: Grey) -> Activity:
        exact = grey.astype(np.float64)
        return _root(_box(exact**2, config.radius) - _box(exact, config.radius) ** 2)

    return (yield from iter_chosen(stack, Measure(activity, config.radius)))


_FULL = np.float32(255)
_MIXED = -1


def block_spatial_frequency(grey: Grey, block: int) -> Grey:
    """Spatial frequency of each block of `block` px a side; the last ones may be smaller.

    Differences across the border of two blocks do not count.
    """
    total = np.zeros(grey.shape)
    total[:, 1:] += np.diff(grey, axis=1) ** 2 * (np.arange(1, grey.shape[1]) % block > 0)
    total[1:] += np.diff(grey, axis=0) ** 2 * (np.arange(1, grey.shape[0]) % block > 0)[:, None]
    size = _block_sums(np.ones(grey.shape), block)
    return np.asarray(np.sqrt(_block_sums(total, block) / size), dtype=np.float32)


def _block_sums(values: NDArray[np.floating], block: int) -> NDArray[np.floating]:
    rows, columns = (np.arange(0, n, block) for n in values.shape)
    return np.asarray(np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1))


def majority(index: Labels) -> Labels:
    """`index` with the label that five or more of the 3 x 3 blocks have; that of mixed blocks is -1."""
    out = index.copy()
    for label in np.unique(index[index != _MIXED]):
        votes = ndimage.correlate((index == label).astype(np.uint8), np.ones((3, 3), np.uint8), mode="nearest")
        out[votes >= 5] = label
    return out


def iter_block_sf(stack: Stack, config: BlockSFConfig) -> Generator[Progress, None, Decision]:
    """Take each block from the slice where its spatial frequency is largest.

    Slices within the threshold of the best (of four, for N slices) are averaged; a majority filter over 3 x 3 blocks
    follows.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="block-sf", config=ff.BlockSFConfig(block=8)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    limits = yield from staged(iter_limits(stack), 0, 0.05)
    peaks = yield from staged(_iter_peaks(stack, config, limits), 0.05, 0.85)
    blocks = (slice(None), *(slice(None, None, config.block) for _ in stack.shape))
    activity, best = peaks.activity[blocks], peaks.labels[blocks]
    near = activity >= activity[0] - config.threshold
    index = np.where(near.sum(axis=0) > 1, _MIXED, best[0])
    voted = majority(index)
    changed = (voted != index) & (voted != best[0])
    near[:, voted != index] = np.array([True] + [False] * (len(near) - 1))[:, None]
    labels = best.copy()
    labels[0][changed] = voted[changed]
    weights = (near / near.sum(axis=0)).astype(np.float32)
    labels, weights = (_enlarged(values, config.block, stack.shape) for values in (labels, weights))
    work = decided(stack, peaks, float(_FULL) * NOTHING, labels, weights)
    return (yield from repeated(work, Progress(900, 1000, "depth and confidence")))


def _iter_peaks(stack: Stack, config: BlockSFConfig, limits: tuple[float, float]) -> Generator[Progress, None, TopK]:
    """The few best slices of each pixel, the same in the whole of a block."""
    peaks, previous = TopK(stack.shape, len(stack)), -1
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        grey, missing = grey_slice(stack, k, limits)
        activity = block_spatial_frequency(grey * _FULL, config.block) + _FULL * np.float32(NOTHING)
        if missing is not None:
            activity[_block_sums(missing.astype(float), config.block) > 0] = 0
        peaks.show((slice(None), slice(None)), k, previous, _enlarged(activity, config.block, stack.shape))
        previous = k
    return peaks


def _enlarged(values: NDArray[Any], block: int, shape: tuple[int, int]) -> NDArray[Any]:
    """Values of the blocks (..., y, x) at every pixel."""
    return values.repeat(block, axis=-2).repeat(block, axis=-1)[..., : shape[0], : shape[1]]
