"""What hides what: a depth map cut where it jumps, and what goes on behind."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

__all__ = ["Sheet", "iter_sheets"]

Depth = NDArray[np.float64]
Mask = NDArray[np.bool_]
Labels = NDArray[np.intp]
#: A surface that rises by no more than this from pixel to pixel (steps) is one sheet.
_CONTINUES = 0.9


@dataclass(frozen=True, eq=False)
class Sheet:
    """Parts of a surface that hide nothing of each other.

    Attributes
    ----------
    here : (Y, X) bool
        Where it is, seen or hidden.
    seen : (Y, X) bool
        Where it, or a sheet behind it, is seen.
    depth : (Y, X) float64
        Where it lies; beneath nearer sheets, as at the nearest place where it is seen.
    """

    here: Mask
    seen: Mask
    depth: Depth


def iter_sheets(depth: Depth) -> Iterator[Sheet]:
    """Sheets of a depth map (Y, X), larger is nearer, from back to front.

    Nearer sheets are taken away, and what is around them goes on beneath; the farthest is everywhere.
    """
    ranks = _ranks(depth)
    for rank in range(int(ranks.max()) + 1):
        seen = ranks <= rank
        y, x = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
        yield Sheet(ranks[y, x] == rank, seen, depth[y, x])


def _ranks(depth: Depth) -> Labels:
    """(Y, X) int: how many sheets lie, each next to the other, behind that of a pixel."""
    pairs = _neighbours(depth.shape)
    heights = depth.ravel()
    goes_on = np.abs(heights[pairs[0]] - heights[pairs[1]]) <= _CONTINUES
    joined = sparse.coo_array((goes_on[goes_on], tuple(pairs[:, goes_on])), shape=2 * (depth.size,))
    count, labels = sparse.csgraph.connected_components(joined, directed=False)
    nearness = np.argsort(np.bincount(labels, heights) / np.bincount(labels), kind="stable")
    places = np.empty(count, np.intp)
    places[nearness] = np.arange(count)
    sheets = places[labels]
    edges = np.sort(sheets[pairs[:, ~goes_on]], axis=0)
    ranks = np.zeros(count, np.intp)
    # A sheet comes after all that are farther, whose ranks are known then.
    for nearer, farther in np.unique(edges[::-1], axis=1).T:
        ranks[nearer] = max(ranks[nearer], ranks[farther] + (nearer != farther))
    return np.asarray(ranks[sheets].reshape(depth.shape))


def _neighbours(shape: tuple[int, ...]) -> Labels:
    """(2, N): flat indices of pixels that lie side by side."""
    pixels = np.arange(np.prod(shape)).reshape(shape)
    down, across = np.stack([pixels[:-1], pixels[1:]]), np.stack([pixels[:, :-1], pixels[:, 1:]])
    return np.concatenate([down.reshape(2, -1), across.reshape(2, -1)], axis=1)
