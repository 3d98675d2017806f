"""Coherence: an island in the map of slices needs evidence, the more the smaller it is (after Sect. 3.3.2).

The paper reverses every region smaller than a share of the image. Here the neighbours of a pixel have a say in its
slice, as in the mean field of a Potts model (Krähenbühl and Koltun 2011): hairs and beads stay, specks do not. Of two
or three slices, which have no neighbours along z to tell by, larger regions stay only where the log odds of their
pixels together outweigh what the border costs.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import measure
from torch import Tensor

from napari_focusfuse.core.encode.votes import DIRECTIONS, Votes
from napari_focusfuse.core.result import Labels

__all__ = ["AROUND", "Choice", "agreed", "settle"]

#: How far away the pixels are that have a say, px, one for each round; log odds that the neighbours can outweigh.
AROUND, _SAY = 4, 5.0
_LEAST_ODDS = 1e-6
#: Log odds that each pixel of an island's border costs.
_COST = 3.0
#: Regions of this share of the image or more are no islands; and of so many pixels that is at least.
_SHARE, _LEAST = 0.02, 100
_ROUNDS = 8
#: Share of the odds that a slice has that was taken for the sake of its surroundings.
_GUESSED = 0.25


class Choice(NamedTuple):
    """What is chosen for each pixel.

    Attributes
    ----------
    labels : (K, Y, X) int
        The right slice first, then by weight; at most 4.
    weights : (K, Y, X) float32
        They sum to 1.
    share : (Y, X) float32
        Share of the right slice and its neighbours in the odds of all slices.
    lead : (Y, X) float32
        Log odds of the right slice against the best one elsewhere in depth.
    saturated : (K, Y, X) bool
        Whether a slice is as bright there as the camera goes.
    """

    labels: Labels
    weights: NDArray[np.float32]
    share: NDArray[np.float32]
    lead: NDArray[np.float32]
    saturated: NDArray[np.bool_]


def agreed(odds: Tensor, ranks: Tensor, slices: int) -> Tensor:
    """Odds of the candidates in agreement with the neighbours: ``q_k = softmax(log p_k + s mean q_n(k))``, iterated.

    The mean is of the eight neighbours of a pixel, and of what each says of that slice or one next to it. Pixels
    further away than `AROUND` have no say.

    Parameters
    ----------
    odds : Tensor (K, Y, X)
        0 where there is no candidate.
    ranks : Tensor (K, Y, X)
        Places of the slices in the order of z.
    slices : int
        Number of slices of the stack.
    """
    own = torch.log(odds / odds.sum(0, keepdim=True).clamp_min(_LEAST_ODDS) + _LEAST_ODDS)
    joint = torch.softmax(own, dim=0)
    for _ in range(AROUND):
        votes = Votes(joint, ranks, slices, 1)
        joint = torch.softmax(own + _SAY * votes.heard(votes.total(DIRECTIONS), len(DIRECTIONS)), dim=0)
    return joint


def settle(choice: Choice, order: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Give islands without evidence to the slice around them, in place; for stacks of few slices.

    A pixel stays where the slice around it is none of its candidates, or missing there.

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
    for _ in range(_ROUNDS):
        if not _settled(index, choice.lead, max(_SHARE * index.size, _LEAST)):
            break
    wanted = order[index].astype(index.dtype)
    possible = ((choice.labels == wanted) & (choice.weights > 0)).any(axis=0)
    changed: NDArray[np.bool_] = (index != before) & possible
    if changed.any():
        _put_first(choice, wanted, changed)
    return changed


def _settled(index: NDArray[np.signedinteger], lead: NDArray[np.float32], largest: float) -> bool:
    """One round: whether an island was given away."""
    regions = measure.label(index, background=-1, connectivity=1)
    areas = np.bincount(regions.ravel())
    small = areas < largest
    small[0] = False
    inside, outside, ranks = _borders(regions, index, small)
    cost = _COST * np.bincount(inside, minlength=len(areas))
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
    regions: NDArray[np.int64], index: NDArray[np.signedinteger], small: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each side of each pixel where a small region meets another: both regions, its rank."""
    found = []
    for axis in (0, 1):
        one, two = [slice(None)] * 2, [slice(None)] * 2
        one[axis], two[axis] = slice(None, -1), slice(1, None)
        other = index[tuple(one)] != index[tuple(two)]
        for a, b in ((tuple(one), tuple(two)), (tuple(two), tuple(one))):
            meets = small[regions[a]] & other
            found.append((regions[a][meets], regions[b][meets], index[b][meets].astype(np.int64)))
    inside, outside, ranks = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return inside, outside, ranks


def _put_first(choice: Choice, wanted: NDArray[np.signedinteger], changed: NDArray[np.bool_]) -> None:
    """Choose the slices `wanted` where `changed`: they get the weight of those that were chosen."""
    labels = choice.labels[:, changed]
    at = (labels == wanted[changed]).argmax(0)
    columns = np.arange(labels.shape[1])
    for maps in (choice.labels, choice.saturated):
        part = maps[:, changed]
        part[at, columns], part[0] = part[0].copy(), part[at, columns].copy()
        maps[:, changed] = part
    choice.share[changed] = _GUESSED
    choice.lead[changed] = np.inf
