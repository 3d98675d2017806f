"""Guided filtering fusion.

S. Li, X. Kang, J. Hu, "Image fusion with guided filtering", IEEE Trans. Image Process. 22 (2013) 2864-2875.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import GFConfig
from napari_focusfuse.core.decide.verification import guided_filter
from napari_focusfuse.core.methods._choice import Grey, Measure, grey_slice, iter_best, iter_limits
from napari_focusfuse.core.methods._planes import Planes
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["iter_gf", "saliency"]

#: Side of the mean filter that makes the base layer, radius and sigma of the Gaussian of the saliency (Sect. III).
_BASE, _RADIUS, _SIGMA = 31, 5, 5.0
_TILE = 512
#: So that the weights have a sum where all of them are 0.
_LEAST = 1e-9


def saliency(grey: Grey) -> NDArray[np.floating]:
    """Magnitude of the Laplacian in a Gaussian window of 11 x 11 pixels."""
    response = np.abs(ndimage.laplace(grey, mode="nearest"))
    return np.asarray(ndimage.gaussian_filter(response, _SIGMA, mode="nearest", radius=_RADIUS))


def iter_gf(stack: Stack, config: GFConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Blend base and detail layers, each by guided-filtered maps of the most salient slice.

    The two layers have weights of their own, so that there is no decision, and the sum may lie outside the slices.
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
        for tile in tiles(stack.shape, _TILE, halo):
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
