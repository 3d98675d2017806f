"""Guided filtering, and multi-scale weighted gradients.

Guided filtering: S. Li, X. Kang, J. Hu, "Image fusion with guided filtering", IEEE Trans. Image Process. 22 (2013)
2864-2875.

Multi-scale weighted gradients: Z. Zhou, S. Li, B. Wang, "Multi-scale weighted gradient-based fusion for multi-focus
images", Information Fusion 20 (2014) 60-72. Here the weights choose slices, so that there is a decision; the paper
merges the gradients by them and rebuilds an image, which is the same away from borders.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import GFConfig, MWGConfig
from napari_focusfuse.core.decide.verification import guided_filter
from napari_focusfuse.core.methods.shared import (
    NOTHING,
    Grey,
    Measure,
    Planes,
    decided,
    grey_slice,
    iter_best,
    iter_limits,
)
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["iter_gf", "iter_mwg", "saliency", "structure_saliency"]

#: Side of the mean filter that makes the base layer, radius and sigma of the Gaussian of the saliency (Sect. III).
_BASE, _RADIUS, _SIGMA = 31, 5, 5.0
_GF_TILE = 512
#: So that the weights have a sum where all of them are 0.
_LEAST = 1e-9


def saliency(grey: Grey) -> NDArray[np.floating]:
    """Magnitude of the Laplacian in a Gaussian window of 11 x 11 pixels."""
    response = np.abs(ndimage.laplace(grey, mode="nearest"))
    return np.asarray(ndimage.gaussian_filter(response, _SIGMA, mode="nearest", radius=_RADIUS))


def iter_gf(stack: Stack, config: GFConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Blend base and detail layers, each by guided-filtered maps of the most salient slice.

    The two layers have weights of their own, so that there is no decision, and the sum may lie outside the slices.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="gf", config=ff.GFConfig()).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    limits = yield from staged(iter_limits(stack), 0, 0.05)
    peaks = yield from staged(iter_best(stack, Measure(saliency, _RADIUS + 1), limits), 0.05, 0.35)
    planes, index = Planes(stack), peaks.labels[0]
    settings = ((config.base_radius, config.base_eps), (config.detail_radius, config.detail_eps))
    sums = np.zeros((2, *planes.shape))
    weights = np.full((2, *stack.shape), _LEAST)
    halo = max(2 * max(config.base_radius, config.detail_radius), _BASE // 2)
    for done, k in enumerate(int(k) for k in stack.order):
        slice_, grey = planes.take(k), grey_slice(stack, k, limits)[0]
        for tile in tiles(stack.shape, _GF_TILE, halo):
            yield Progress(400 + 600 * done // len(stack), 1000, f"layers of slice {done + 1} of {len(stack)}")
            chosen = (index[tile.outer] == k).astype(np.float32)
            if slice_ is None or not chosen.any():
                continue
            part = slice_[:, *tile.outer]
            base = ndimage.uniform_filter(part, (1, _BASE, _BASE), mode="nearest")
            for i, (layer, (radius, eps)) in enumerate(zip((base, part - base), settings, strict=True)):
                weight = guided_filter(grey[tile.outer], chosen, radius, eps)[tile.inner].clip(0)
                weights[i, *tile.core] += weight
                sums[i, :, *tile.core] += weight * layer[:, *tile.inner]
    yield Progress(1000, 1000, "fused image")
    return planes.image((sums / weights[:, None]).sum(axis=0))


Ranks = NDArray[np.int32]
_SLOPE = (-0.5, 0.0, 0.5)
_TILE = 1024


def structure_saliency(grey: Grey, sigma: float, alpha: float) -> NDArray[np.floating]:
    """Structure saliency Q (Y, X): sqrt((s1 + s2)^2 + alpha (s1 - s2)^2).

    s1^2 and s2^2 are the eigenvalues of the gradients' covariance in a Gaussian window. Borders are replicated.
    """
    y, x = (ndimage.correlate1d(grey.astype(np.float64), _SLOPE, axis, mode="nearest") for axis in (0, 1))
    yy, xx, xy = (ndimage.gaussian_filter(product, sigma, mode="nearest") for product in (y * y, x * x, x * y))
    both = np.sqrt(np.maximum(yy * xx - xy**2, 0))
    return np.asarray(np.sqrt((1 + alpha) * (yy + xx) + 2 * (1 - alpha) * both))


def iter_mwg(stack: Stack, config: MWGConfig) -> Generator[Progress, None, Decision]:
    """Decide at the large scale; near borders of that decision decide again at the small scale.

    For N slices: near a border the slices that lie, in the order of z, between those around the pixel compete; the
    median over 3 x 3 pixels is taken of their order.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="mwg", config=ff.MWGConfig()).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    39
    """
    measure = Measure(lambda grey: structure_saliency(grey, config.large, config.alpha), _halo(config.large))
    limits = yield from staged(iter_limits(stack), 0, 0.04)
    peaks = yield from staged(iter_best(stack, measure, limits), 0.04, 0.5)
    coarse = np.argsort(stack.order)[peaks.labels[0]].astype(np.int32)
    size = 2 * int(np.ceil(config.margin * config.large / 2)) + 1
    between = ndimage.minimum_filter(coarse, size), ndimage.maximum_filter(coarse, size)
    fine = yield from staged(_iter_fine(stack, config, limits, coarse, between), 0.54, 0.36)
    labels = stack.order[fine][None].astype(peaks.labels.dtype)
    work = decided(stack, peaks, NOTHING, labels, np.ones(labels.shape, dtype=np.float32))
    return (yield from repeated(work, Progress(900, 1000, "depth and confidence")))


def _iter_fine(
    stack: Stack, config: MWGConfig, limits: tuple[float, float], coarse: Ranks, between: tuple[Ranks, Ranks]
) -> Generator[Progress, None, Ranks]:
    """The order of the best slice, decided again at the small scale where it is not the same all around."""
    lowest, highest = between
    best = np.full(stack.shape, -1, dtype=np.float32)
    fine = coarse.copy()
    for rank, k in enumerate(int(k) for k in stack.order):
        progress = Progress(rank, len(stack), f"borders, slice {rank + 1} of {len(stack)}")
        yield progress
        competes = (lowest <= rank) & (rank <= highest) & (lowest < highest)
        if not competes.any():
            continue
        grey, missing = grey_slice(stack, k, limits)
        if missing is not None:
            competes &= ~missing
        for tile in tiles(stack.shape, _TILE, _halo(config.small)):
            yield progress
            saliency = structure_saliency(grey[tile.outer], config.small, config.alpha)[tile.inner]
            wins = competes[tile.core] & (saliency > best[tile.core])
            np.copyto(best[tile.core], saliency, where=wins, casting="same_kind")
            np.copyto(fine[tile.core], rank, where=wins)
    smooth = coarse.copy()
    for tile in tiles(stack.shape, _TILE, 1):
        yield Progress(len(stack), len(stack), "borders")
        median = ndimage.median_filter(fine[tile.outer], 3, mode="nearest")[tile.inner]
        np.copyto(smooth[tile.core], median, where=(lowest < highest)[tile.core])
    return smooth


def _halo(sigma: float) -> int:
    """Pixels that the structure saliency sees on each side: scipy's Gaussian, and the gradient."""
    return int(4 * sigma + 0.5) + 1
