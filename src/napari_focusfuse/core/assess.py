"""What the activities around a pixel's best slice say: weights, sub-slice depth, confidence and flags."""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decision import Decision, Flag, Labels
from napari_focusfuse.core.peaks import Peaks, log_parabola
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import bands

__all__ = ["Assessment", "hard_weights", "iter_assess", "iter_soften", "summary"]


#: Less weight than this over all labels is rounding: no label claims the pixel.
_CLAIMED = 1e-3


class Assessment(NamedTuple):
    """Depth, confidence and flags of every pixel; see `Decision`."""

    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    flags: NDArray[np.uint16]


def iter_assess(peaks: Peaks, stack: Stack, silence: float) -> Generator[None, None, Assessment]:
    """Judge every pixel by its few best activities, band by band.

    Depth is the vertex of a parabola through the log-activities of the best slice and its two neighbours. Confidence is
    1 - runner-up / best, where slices next to the best one do not count as runners-up if the stack has more than three.

    Parameters
    ----------
    peaks : Peaks
        After the last slice.
    stack : Stack
    silence : float
        A best activity below this is no signal.

    Returns
    -------
    Assessment
    """
    shape = stack.shape
    out = Assessment(np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape, np.uint16))
    z = stack.z[stack.order]
    rank = np.argsort(stack.order)
    for rows in bands(shape):
        at = rank[peaks.labels[:, rows]]
        best, below, above = peaks.activity[0, rows], peaks.below[rows], peaks.above[rows]
        silent = best < silence
        open_ended = (np.isnan(below) | np.isnan(above)) & (len(z) > 2) & ~silent
        before, after = z[np.maximum(at[0] - 1, 0)], z[np.minimum(at[0] + 1, len(z) - 1)]
        depth = log_parabola((before, z[at[0]], after), (below, best, above))
        out.depth[rows] = np.where(silent, np.nan, depth)
        runner_up = _runner_up(peaks.activity[:, rows], at, len(z))
        out.confidence[rows] = np.where(silent, 0, 1 - runner_up / np.maximum(best, silence))
        out.flags[rows] = Flag.NO_SIGNAL * silent + Flag.NOT_BRACKETED * open_ended
        yield
    return out


def _runner_up(activity: NDArray[np.float32], at: NDArray[np.intp], slices: int) -> NDArray[np.float32]:
    """The best activity that is not beside the best slice; of three slices or fewer, the second best."""
    if slices <= 3:
        return np.asarray(activity[1])
    runner = np.asarray(activity[-1])
    for k in range(len(activity) - 2, 0, -1):
        runner = np.where(np.abs(at[k] - at[0]) > 1, activity[k], runner)
    return runner


def iter_soften(activity: NDArray[np.float32], softness: float) -> Generator[None, None, NDArray[np.float32]]:
    """Weights (activity / best)^softness that sum to 1, made in place of the activities (K, Y, X), band by band."""
    for rows in bands((activity.shape[1], activity.shape[2])):
        band = activity[:, rows]
        best = band[0].copy()
        np.divide(band, best, out=band, where=best > 0)
        band[:, best == 0] = 1
        np.power(band, softness, out=band)
        band /= band.sum(axis=0)
        yield
    return activity


def hard_weights(verified: Peaks, index: Labels) -> tuple[Labels, NDArray[np.float32]]:
    """Labels and weights from verified maps, in place; a pixel that no label claims keeps its initial one, `index`."""
    weights = np.maximum(verified.activity, 0, out=verified.activity)
    total = weights.sum(axis=0)
    unclaimed = total < _CLAIMED
    weights[:, unclaimed], total[unclaimed] = 0, 1
    weights[0][unclaimed] = 1
    np.copyto(verified.labels[0], index, where=unclaimed)
    weights /= total
    return verified.labels, weights


def summary(decision: Decision) -> str:
    """The decision in a sentence for people."""
    silent = float(((decision.flags & Flag.NO_SIGNAL) > 0).mean())
    ends = float(((decision.flags & Flag.NOT_BRACKETED) > 0).mean())
    text = f"{len(decision.z)} slices: {1 - silent:.1%} of the pixels decided"
    if silent:
        text += f", {silent:.1%} without signal"
    if ends:
        text += f"; sharpest at an end of the stack in {ends:.1%}"
    return text + "."
