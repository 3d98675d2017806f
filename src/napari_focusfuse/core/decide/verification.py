"""Consistency verification of a binary decision map (paper, Sect. 3.3.2).

In the order of the text: opening, closing, small regions of both labels reversed, guided filter. (The published code
removes small regions after each of the two morphological steps and passes a guide of 0..255 to the guided filter;
the order here is the printed one, the scale of the guide is the code's, because eps = 0.1 on a guide of 0..1 would
smooth everything.)
"""

import math
from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import disk, remove_small_objects

from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.result import Labels
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["GUIDED_EPS", "GUIDED_RADIUS", "closed", "guided_filter", "iter_verified", "opened", "without_small_regions"]

#: r and eps of the guided filter (Sect. 3.3.2), for a guide of 0..255.
GUIDED_RADIUS, GUIDED_EPS = 4, 0.1

_TILE = 1024

Mask = NDArray[np.bool_]


def opened(mask: Mask, radius: int) -> Mask:
    """Opening of a mask (Y, X) by a disk of `radius` px."""
    footprint = disk(radius, dtype=bool)
    return np.asarray(ndimage.binary_dilation(ndimage.binary_erosion(mask, footprint, border_value=1), footprint))


def closed(mask: Mask, radius: int) -> Mask:
    """Closing of a mask (Y, X) by a disk of `radius` px."""
    footprint = disk(radius, dtype=bool)
    return np.asarray(ndimage.binary_erosion(ndimage.binary_dilation(mask, footprint), footprint, border_value=1))


def without_small_regions(mask: Mask, area: float) -> Mask:
    """The mask without its connected regions (4 neighbours) of fewer than `area` pixels."""
    return mask if area <= 1 else np.asarray(remove_small_objects(mask, max_size=math.ceil(area) - 1, connectivity=1))


def guided_filter(
    guide: NDArray[np.float32], source: NDArray[np.float32], radius: int = GUIDED_RADIUS, eps: float = GUIDED_EPS
) -> NDArray[np.float32]:
    """Guided filter (He et al. 2013) of `source` (Y, X) by a grey `guide` (Y, X); borders replicated.

    `eps` goes with the range of the guide: that of the paper is for 0..255.
    """

    def mean(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.uniform_filter(image, 2 * radius + 1, mode="nearest"))

    exact, wanted = guide.astype(np.float64), source.astype(np.float64)
    mean_guide, mean_source = mean(exact), mean(wanted)
    covariance = mean(exact * wanted) - mean_guide * mean_source
    slope = covariance / (mean(exact * exact) - mean_guide**2 + eps)
    offset = mean_source - slope * mean_guide
    return np.asarray(mean(slope) * exact + mean(offset), dtype=np.float32)


def _iter_tiled(step: Callable[[Mask, int], Mask], mask: Mask, radius: int) -> Generator[None, None, Mask]:
    """Opening or closing tile by tile, so that it can be cancelled; a pixel sees no farther than 2 `radius`."""
    out = np.empty_like(mask)
    for tile in tiles((mask.shape[0], mask.shape[1]), _TILE, 2 * radius):
        out[tile.core] = step(mask[tile.outer], radius)[tile.inner]
        yield
    return out


def iter_verified(
    index: Labels, order: Sequence[int], guide: NDArray[np.float32], radius: int, min_region: float
) -> Generator[None, None, TopK]:
    """Verify a decision map of two or more labels.

    For two slices the map of the first one is verified and the second one takes the rest, as in the paper. For more,
    every label's map is verified like that, and the results, made to sum to 1, are the weights.

    Parameters
    ----------
    index : (Y, X) int
        The initial decision.
    order : sequence of int
        All labels, in the order of z.
    guide : (Y, X) float32
        Initial fused image, grey, 0..255.
    radius : int
        Of the disk, px: the paper takes that of the spatial frequency.
    min_region : float
        Smallest region that is kept, as a share of the image.

    Returns
    -------
    TopK
        Its `activity` are the weights (not yet normalised) of its `labels`.
    """
    weights = TopK((index.shape[0], index.shape[1]), len(order), beside=False)
    for label in order[:1] if len(order) == 2 else order:
        mask = index == label
        for step in (opened, closed):
            mask = yield from _iter_tiled(step, mask, radius)
        mask = without_small_regions(mask, min_region * index.size)
        yield
        mask = ~without_small_regions(~mask, min_region * index.size)
        yield
        for tile in tiles((index.shape[0], index.shape[1]), _TILE, 2 * GUIDED_RADIUS):
            outer = mask[tile.outer]
            share = outer[tile.inner].astype(np.float32)
            if outer.any() and not outer.all():
                share = guided_filter(guide[tile.outer], outer.astype(np.float32))[tile.inner].clip(0, 1)
            weights.show(tile.core, label, -1, share)
            if len(order) == 2:
                weights.show(tile.core, order[1], -1, 1 - share)
            yield
    return weights
