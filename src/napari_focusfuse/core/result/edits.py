"""Edits of a decision map by hand: which pixels they reach, and the weights there.

All of it is local: what an edit does to a pixel depends on the few pixels around it and on nothing else, so that a part
of a decision can be edited alone, to the same result as the whole.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.stack.tiles import grown

__all__ = ["REACH", "Seam", "bounds", "seam", "with_label"]

Labels = NDArray[np.signedinteger[Any]]
Weights = NDArray[np.float32]
#: Width of the seam around what was edited, px.
_FEATHER = 2.0
#: Pixels along a side that an edit reaches beyond itself.
REACH = math.ceil(_FEATHER)
_STEPS = range(-REACH, REACH + 1)
#: From a pixel to those around it within the feather, the nearest first.
_AROUND = sorted((y * y + x * x, y, x) for y in _STEPS for x in _STEPS if math.hypot(y, x) < _FEATHER + 1)


class Seam(NamedTuple):
    """The pixels that an edit touches: those of the mask and those around it, as (n,) arrays.

    Attributes
    ----------
    y, x : (n,) int
        The pixels.
    from_y, from_x : (n,) int
        For each the nearest pixel of the mask; of several the first.
    near : (n,) float32
        1 under the mask, less with the distance from it.
    """

    y: NDArray[np.intp]
    x: NDArray[np.intp]
    from_y: NDArray[np.intp]
    from_x: NDArray[np.intp]
    near: NDArray[np.float32]


def bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The smallest part of an image that holds all of a mask (Y, X); None of an empty one."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def seam(mask: NDArray[np.bool_]) -> Seam:
    """What an edit under `mask` (Y, X) touches."""
    inner = bounds(mask)
    where = (slice(0, 0), slice(0, 0)) if inner is None else grown(inner, REACH, (mask.shape[0], mask.shape[1]))
    inside = np.pad(mask[where], REACH)
    height, width = mask[where].shape
    nearest = np.full((height, width), -1, dtype=np.int8)
    for k, (_, dy, dx) in enumerate(_AROUND):
        seen = inside[REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width]
        nearest[(nearest < 0) & seen] = k
    y, x = np.nonzero(nearest >= 0)
    squared, dy, dx = np.array(_AROUND)[nearest[y, x]].T
    near = np.clip(1 - np.sqrt(squared) / (_FEATHER + 1), 0, 1).astype(np.float32)
    y, x = y + where[0].start, x + where[1].start
    return Seam(y, x, y + dy, x + dx, near)


def with_label(labels: Labels, weights: Weights, label: Labels, near: Weights) -> tuple[Labels, Weights]:
    """Give a label to pixels as far as they are near to where it was painted, and the rest to those they have.

    Where `near` is less than 1 the chosen label stays in front, so that `Decision.index` changes under the mask only.

    Parameters
    ----------
    labels, weights : (K, n)
        Of the pixels, the chosen label first.
    label : (n,) int
    near : (n,) float32

    Returns
    -------
    labels, weights : (K, n)
        As many labels a pixel as before; the weights sum to 1.
    """
    label, painted = label.astype(labels.dtype), near >= 1
    same = labels == label
    others, own = np.where(same, 0, weights), np.where(same, weights, 0).sum(axis=0)
    lead = np.maximum(weights[0] - own, 0)
    most = np.where(painted | (labels[0] == label), 1, lead / (1 + lead))
    share = (near * most).astype(np.float32)
    first = np.where(painted, label, labels[0])
    all_weights = np.concatenate([(share + (1 - share) * own)[None], others * (1 - share)])
    all_labels = np.concatenate([label[None], labels])
    in_front = (all_labels == first) & (all_weights > 0)
    order = np.argsort(-all_weights - in_front, axis=0, kind="stable")[: len(labels)]
    kept = np.take_along_axis(all_weights, order, axis=0)
    return np.take_along_axis(all_labels, order, axis=0), kept / kept.sum(axis=0)
