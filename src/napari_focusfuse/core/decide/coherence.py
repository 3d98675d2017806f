"""Coherence: an island in the map of slices needs evidence, the more the smaller it is (after Sect. 3.3.2).

The paper reverses every region smaller than a share of the image. Here a region stays where the log odds of its pixels
together outweigh what its border costs: a bead of a few pixels that is sharp in one slice stays, specks do not.
"""

import numpy as np
from numpy.typing import NDArray
from skimage import measure

from napari_focusfuse.core.decide.weights import Choice

__all__ = ["settle"]

#: Log odds that each pixel of an island's border costs.
_COST = 3.0
#: Regions of this share of the image or more are no islands; and of so many pixels that is at least and at most.
_SHARE, _LEAST, _MOST = 0.001, 100, 2000
_ROUNDS = 4


def settle(choice: Choice) -> NDArray[np.bool_]:
    """Give islands without evidence to the slice around them, in place.

    Returns
    -------
    array (Y, X) bool
        Where another slice was chosen.
    """
    before = choice.labels[0].copy()
    index = before.copy()
    for _ in range(_ROUNDS):
        if not _settled(index, choice.lead):
            break
    changed: NDArray[np.bool_] = index != before
    if changed.any():
        _put_first(choice, index, changed)
    return changed


def _settled(index: NDArray[np.signedinteger], lead: NDArray[np.float32]) -> bool:
    """One round: whether an island was given away."""
    regions = measure.label(index, background=-1, connectivity=1)
    areas = np.bincount(regions.ravel())
    small = areas < np.clip(_SHARE * index.size, _LEAST, _MOST)
    small[0] = False
    inside, outside, labels = _borders(regions, index, small)
    cost = _COST * np.bincount(inside, minlength=len(areas))
    evidence = np.bincount(regions.ravel(), lead.ravel(), minlength=len(areas))
    weak = small & (evidence < cost)
    # Of two islands beside each other the smaller one, or the earlier, waits for the other.
    first = (areas[outside] > areas[inside]) | ((areas[outside] == areas[inside]) & (outside < inside))
    ready = weak[inside] & (first | ~weak[outside])
    islands, slices = _most_frequent(inside[ready], labels[ready])
    winner = np.full(len(areas), -1, index.dtype)
    winner[islands] = slices
    given = winner[regions]
    np.copyto(index, given, where=given >= 0)
    return len(islands) > 0


def _most_frequent(
    keys: NDArray[np.integer], values: NDArray[np.signedinteger]
) -> tuple[NDArray[np.integer], NDArray[np.signedinteger]]:
    """For each key the value that goes with it most often."""
    pairs, counts = np.unique(np.stack([keys, values]), axis=1, return_counts=True)
    order = np.lexsort((counts, pairs[0]))
    last = np.append(np.diff(pairs[0][order]) > 0, True) if len(order) else np.zeros(0, bool)
    best = order[last]
    return pairs[0][best], pairs[1][best]


def _borders(
    regions: NDArray[np.int64], index: NDArray[np.signedinteger], small: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.signedinteger]]:
    """Each side of each pixel where a small region meets another: that region, the other one, and its slice."""
    found = []
    for axis in (0, 1):
        one = [slice(None)] * 2
        two = [slice(None)] * 2
        one[axis], two[axis] = slice(None, -1), slice(1, None)
        for a, b in ((tuple(one), tuple(two)), (tuple(two), tuple(one))):
            meets = small[regions[a]] & (regions[a] != regions[b])
            found.append((regions[a][meets], regions[b][meets], index[b][meets]))
    inside, outside, labels = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return inside, outside, labels


def _put_first(choice: Choice, index: NDArray[np.signedinteger], changed: NDArray[np.bool_]) -> None:
    """Choose the slices `index` where `changed`: they take the weight of those that were chosen, which take theirs."""
    labels, weights = choice.labels[:, changed], choice.weights[:, changed]
    wanted = index[changed]
    there = labels == wanted
    at = np.where(there.any(0), there.argmax(0), len(labels) - 1)
    columns = np.arange(labels.shape[1])
    absent = ~there.any(0)
    labels[at, columns], labels[0] = labels[0], wanted
    weights[at, columns], weights[0] = (
        np.where(absent, 0, weights[at, columns]),
        weights[0] + np.where(absent, weights[at, columns], 0),
    )
    choice.labels[:, changed], choice.weights[:, changed] = labels, weights
    choice.share[changed] = np.minimum(1 - choice.share[changed], 0.5)
    choice.lead[changed] = 0
