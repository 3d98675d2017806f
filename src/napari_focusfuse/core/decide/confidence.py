"""What the activities around a pixel's best slice say: sub-slice depth, confidence and flags."""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decide.coherence import Choice
from napari_focusfuse.core.decide.depth import places, vertex
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.weights import CLAIM
from napari_focusfuse.core.encode.head import odds
from napari_focusfuse.core.result import Flag, Labels
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import bands

__all__ = ["Assessment", "hard_weights", "iter_assess"]


#: The second best slice lies nearer to the best one than a slice drawn at random, (N + 1) / 3 away, in an orderly stack
#: of so many slices or more: at most this share of it, if there is a signal in enough of the pixels.
_ORDERLY, _NEARER, _ENOUGH = 6, 0.65, 0.01
#: Depth is measured where the confidence is at least this; or, of many slices, twice what three have by chance.
_LEAST_CONFIDENCE, _TWICE_CHANCE = 0.5, 6
#: Less of the odds on the chosen slice and its neighbours is a broad curve: no second depth, but none at all.
_NARROW = 0.5
_HALF, _TINY = 0.5, 1e-30
#: Less weight than this over all labels is rounding: no label claims the pixel.
_LEAST_WEIGHT = 1e-3


class Assessment(NamedTuple):
    """Depth, confidence and flags of every pixel; see `Decision`."""

    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    flags: NDArray[np.uint16]


def iter_assess(
    peaks: TopK,
    stack: Stack,
    silence: float,
    choice: Choice | None = None,
    *,
    ordered: bool = False,
) -> Generator[None, None, Assessment]:
    """Judge every pixel, band by band.

    Depth is the `vertex` of the activities of the best slice and its two neighbours, where that slice or one beside it
    was chosen; else the mean position of the chosen one and its neighbours by their weights. Confidence is the
    probability that the slice is right to within one, where a candidate head has judged; else 1 - runner-up / best,
    where slices next to the best one do not count as runners-up if the stack has more than three.

    Parameters
    ----------
    peaks : TopK
        After the last slice.
    stack : Stack
    silence : float
        A best activity below this is no signal.
    choice : Choice, optional
        What a candidate head has chosen.
    ordered : bool
        Whether to say nothing of a stack whose second best slices lie anywhere: it is not in the order of focus.

    Returns
    -------
    Assessment
    """
    shape = stack.shape
    out = Assessment(np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape, np.uint16))
    away = told = 0
    judge = _Judge(peaks, stack, silence, choice)
    for rows in bands(shape):
        out.depth[rows], out.confidence[rows], out.flags[rows] = judge.judged(rows)
        heard = peaks.activity[0, rows] >= silence
        away += int(judge.apart(rows)[heard].sum())
        told += int(heard.sum())
        yield
    random = told * (len(stack) + 1) / 3
    if ordered and len(stack) >= _ORDERLY and away > _NEARER * random and told > _ENOUGH * out.depth.size:
        out.depth[:], out.confidence[:] = np.nan, 0
        out.flags[:] |= np.uint16(Flag.UNORDERED)
    return out


class _Judge:
    """Judges bands of a decision."""

    def __init__(self, peaks: TopK, stack: Stack, silence: float, choice: Choice | None) -> None:
        self._peaks, self._silence, self._choice = peaks, silence, choice
        self._z, self._rank = stack.z[stack.order], np.argsort(stack.order)

    def apart(self, rows: slice) -> NDArray[np.intp]:
        """How far the second best slice is from the best one."""
        at = self._rank[self._peaks.labels[:2, rows]]
        return np.asarray(np.abs(at[1] - at[0]))

    def judged(self, rows: slice) -> Assessment:
        """Depth, confidence and flags of some rows."""
        peaks, slices, choice = self._peaks, len(self._z), self._choice
        at = self._rank[peaks.labels[:, rows]]
        best, below, above = peaks.activity[0, rows], peaks.below[rows], peaks.above[rows]
        silent = best < self._silence
        depth = vertex(places(self._z, at[0]), (below, best, above), odds=choice is not None)
        chosen = at[0] if choice is None else self._rank[choice.labels[0, rows]]
        if choice is None:
            runner_up = _runner_up(peaks.activity[:, rows], at, slices)
            confidence = np.asarray(1 - runner_up / np.maximum(best, self._silence), dtype=np.float32)
        else:
            confidence = np.minimum(choice.share[rows], np.float32(1))
            elsewhere = np.abs(chosen - at[0]) > 1
            depth[elsewhere] = self._around(rows, chosen)[elsewhere]
            depth[confidence < min(_LEAST_CONFIDENCE, _TWICE_CHANCE / slices)] = np.nan
        open_ended = ((chosen == 0) | (chosen == slices - 1)) & (slices > 2) & ~silent
        flags = Flag.NO_SIGNAL * silent + Flag.NOT_BRACKETED * open_ended
        if choice is not None:
            flags |= Flag.TWO_PEAKS * ((choice.lead[rows] < CLAIM) & (choice.share[rows] > _NARROW) & ~silent)
            saturated = (choice.weights[:, rows] * choice.saturated[:, rows]).sum(axis=0) >= _HALF
            flags |= Flag.SATURATED * saturated
            depth[saturated], confidence[saturated] = np.nan, 0
        depth[silent | open_ended], confidence[silent] = np.nan, 0
        return Assessment(depth, confidence, flags)

    def _around(self, rows: slice, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Mean position of the chosen slice and those beside it, by their activities as odds."""
        at = self._rank[self._peaks.labels[:, rows]]
        near = np.abs(at - chosen) <= 1
        weights = np.where(near, odds(self._peaks.activity[:, rows].astype(np.float64)), 0)
        total = weights.sum(axis=0)
        mean = (weights * self._z[at]).sum(axis=0) / np.maximum(total, _TINY)
        return np.where(total > 0, mean, self._z[chosen])


def _runner_up(activity: NDArray[np.float32], at: NDArray[np.intp], slices: int) -> NDArray[np.float32]:
    """The best activity that is not beside the best slice; of three slices or fewer, the second best."""
    if slices <= 3:
        return np.asarray(activity[1])
    runner = np.asarray(activity[-1])
    for k in range(len(activity) - 2, 0, -1):
        runner = np.where(np.abs(at[k] - at[0]) > 1, activity[k], runner)
    return runner


def hard_weights(verified: TopK, index: Labels) -> tuple[Labels, NDArray[np.float32]]:
    """Labels and weights from verified maps, in place; a pixel that no label claims keeps its initial one, `index`."""
    weights = np.maximum(verified.activity, 0, out=verified.activity)
    total = weights.sum(axis=0)
    unclaimed = total < _LEAST_WEIGHT
    weights[:, unclaimed], total[unclaimed] = 0, 1
    weights[0][unclaimed] = 1
    np.copyto(verified.labels[0], index, where=unclaimed)
    weights /= total
    return verified.labels, weights
