"""Coherence: an island in the map of slices needs evidence, the more the smaller it is (after Sect. 3.3.2).

The paper reverses every region smaller than a share of the image. Here a region stays where the log odds of its pixels
together outweigh what its border costs: a bead of a few pixels that is sharp in one slice stays, specks do not.
"""

import numpy as np
from numpy.typing import NDArray
from skimage import measure

from napari_focusfuse.core.decide.weights import Choice
from napari_focusfuse.core.encode.candidate_head import FEW

__all__ = ["settle"]

#: Log odds that each pixel of an island's border costs; of few slices, and of many, among which fibres are islands.
_COST_OF_FEW, _COST = 3.0, 1.0
#: Regions of this share of the image or more are no islands; and of so many pixels that is at least and at most.
_SHARE, _LEAST, _MOST = 0.001, 100, 2000
#: Of few slices, which have no neighbours along z to tell by, regions are larger.
_SHARE_OF_FEW = 0.02
_ROUNDS = 8
#: Share of the odds that a slice has that was taken for the sake of its surroundings.
_GUESSED = 0.25


def settle(choice: Choice, order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Give islands without evidence to the slice around them, in place.

    Slices next to each other in z are one surface: a border between them costs nothing. A pixel stays where the slice
    around it is none of its candidates, or missing there.

    Parameters
    ----------
    choice : Choice
    order : (N,) int
        Slices by rising z.

    Returns
    -------
    array (Y, X) bool
        Where another slice was chosen.
    """
    before = np.argsort(order)[choice.labels[0]].astype(choice.labels.dtype)
    index = before.copy()
    few = len(order) <= FEW
    largest = max(_SHARE_OF_FEW * index.size if few else min(_SHARE * index.size, _MOST), _LEAST)
    for _ in range(_ROUNDS):
        if not _settled(index, choice.lead, largest, few=few):
            break
    wanted = order[index].astype(index.dtype)
    possible = ((choice.labels == wanted) & (choice.weights > 0)).any(axis=0)
    changed: NDArray[np.bool_] = (index != before) & possible
    if changed.any():
        _put_first(choice, wanted, changed, few=few)
    return changed


def _settled(index: NDArray[np.signedinteger], lead: NDArray[np.float32], largest: float, *, few: bool) -> bool:
    """One round: whether an island was given away."""
    regions = measure.label(index, background=-1, connectivity=1)
    areas = np.bincount(regions.ravel())
    small = areas < largest
    small[0] = False
    inside, outside, ranks = _borders(regions, index, small, 0 if few else 1)
    cost = (_COST_OF_FEW if few else _COST) * np.bincount(inside, minlength=len(areas))
    evidence = np.bincount(regions.ravel(), lead.ravel(), minlength=len(areas))
    weak = small & (evidence < cost)
    # Of two islands beside each other the smaller one, or the earlier, waits for the other.
    first = (areas[outside] > areas[inside]) | ((areas[outside] == areas[inside]) & (outside < inside))
    ready = weak[inside] & (first | ~weak[outside])
    islands, taken = _most_frequent(inside[ready], ranks[ready])
    winner = np.full(len(areas), -1, index.dtype)
    winner[islands] = taken
    given = winner[regions]
    np.copyto(index, given, where=given >= 0)
    return len(islands) > 0


def _most_frequent(
    keys: NDArray[np.integer], values: NDArray[np.signedinteger]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """For each key the value that goes with it most often, of several the one that does so first."""
    span = int(values.max(initial=0)) + 1
    pairs, first, counts = np.unique(keys * span + values, return_index=True, return_counts=True)
    order = np.lexsort((-first, counts, pairs // span))
    last = np.append(np.diff(pairs[order] // span) > 0, True) if len(order) else np.zeros(0, bool)
    best = pairs[order[last]]
    return best // span, best % span


def _borders(
    regions: NDArray[np.int64], index: NDArray[np.signedinteger], small: NDArray[np.bool_], near: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each side of each pixel where a small region meets one more than `near` ranks away: both regions, its rank."""
    found = []
    for axis in (0, 1):
        one, two = [slice(None)] * 2, [slice(None)] * 2
        one[axis], two[axis] = slice(None, -1), slice(1, None)
        far = np.abs(index[tuple(one)] - index[tuple(two)]) > near
        for a, b in ((tuple(one), tuple(two)), (tuple(two), tuple(one))):
            meets = small[regions[a]] & far
            found.append((regions[a][meets], regions[b][meets], index[b][meets].astype(np.int64)))
    inside, outside, ranks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return inside, outside, ranks


def _put_first(choice: Choice, wanted: NDArray[np.signedinteger], changed: NDArray[np.bool_], *, few: bool) -> None:
    """Choose the slices `wanted` where `changed`.

    How much of each slice is taken stays as it is: that is another question. Of `few` slices the chosen one is taken
    alone, and so those that are wanted get the weight of those that were chosen.
    """
    labels = choice.labels[:, changed]
    at = (labels == wanted[changed]).argmax(0)
    columns = np.arange(labels.shape[1])
    for maps in (choice.labels, choice.saturated) if few else (choice.labels, choice.saturated, choice.weights):
        part = maps[:, changed]
        part[at, columns], part[0] = part[0].copy(), part[at, columns].copy()
        maps[:, changed] = part
    choice.share[changed] = _GUESSED
    choice.lead[changed] = np.inf
