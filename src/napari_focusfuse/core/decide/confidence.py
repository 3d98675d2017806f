"""What the activities around a pixel's best slice say: sub-slice depth, confidence and flags."""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decide.depth import places, vertex
from napari_focusfuse.core.decide.top_k import Peaks
from napari_focusfuse.core.decision import Decision, Flag, Labels
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import bands

__all__ = ["PROBABILITY", "Assessment", "hard_weights", "iter_assess", "summary"]


#: The second best slice lies nearer to the best one than a slice drawn at random, (N + 1) / 3 away, in an orderly stack
#: of so many slices or more: at most this share of it, if there is a signal in enough of the pixels.
_ORDERLY, _NEARER, _ENOUGH = 6, 0.65, 0.01
#: Smaller shares are not mentioned.
_WORTH_TELLING = 0.0005
#: What the confidence is where a model has learned to tell it; and from where on a pixel is decided.
PROBABILITY, _SURE = "probability", 0.5
#: Less weight than this over all labels is rounding: no label claims the pixel.
_CLAIMED = 1e-3


class Assessment(NamedTuple):
    """Depth, confidence and flags of every pixel; see `Decision`."""

    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    flags: NDArray[np.uint16]


def iter_assess(
    peaks: Peaks, stack: Stack, silence: float, *, ordered: bool = False, odds: bool = False
) -> Generator[None, None, Assessment]:
    """Judge every pixel by its few best activities, band by band.

    Depth is the `vertex` of the activities of the best slice and its two neighbours. Confidence is
    1 - runner-up / best, where slices next to the best one do not count as runners-up if the stack has more than three.

    Parameters
    ----------
    peaks : Peaks
        After the last slice.
    stack : Stack
    silence : float
        A best activity below this is no signal.
    ordered : bool
        Whether to tell nothing of a stack whose second best slices lie anywhere: it is not in the order of focus.
    odds : bool
        Whether the activities are odds of a decision head; see `vertex`.

    Returns
    -------
    Assessment
    """
    shape = stack.shape
    out = Assessment(np.empty(shape, np.float32), np.empty(shape, np.float32), np.zeros(shape, np.uint16))
    z = stack.z[stack.order]
    rank = np.argsort(stack.order)
    away = told = 0
    for rows in bands(shape):
        at = rank[peaks.labels[:, rows]]
        best, below, above = peaks.activity[0, rows], peaks.below[rows], peaks.above[rows]
        silent = best < silence
        open_ended = (np.isnan(below) | np.isnan(above)) & (len(z) > 2) & ~silent
        depth = vertex(places(z, at[0]), (below, best, above), odds=odds)
        out.depth[rows] = np.where(silent, np.nan, depth)
        runner_up = _runner_up(peaks.activity[:, rows], at, len(z))
        out.confidence[rows] = np.where(silent, 0, 1 - runner_up / np.maximum(best, silence))
        out.flags[rows] = Flag.NO_SIGNAL * silent + Flag.NOT_BRACKETED * open_ended
        away += int(np.abs(at[1] - at[0])[~silent].sum())
        told += int((~silent).sum())
        yield
    random = told * (len(z) + 1) / 3
    if ordered and len(z) >= _ORDERLY and away > _NEARER * random and told > _ENOUGH * out.depth.size:
        out.depth[:], out.confidence[:] = np.nan, 0
        out.flags[:] |= np.uint16(Flag.UNORDERED)
    return out


def _runner_up(activity: NDArray[np.float32], at: NDArray[np.intp], slices: int) -> NDArray[np.float32]:
    """The best activity that is not beside the best slice; of three slices or fewer, the second best."""
    if slices <= 3:
        return np.asarray(activity[1])
    runner = np.asarray(activity[-1])
    for k in range(len(activity) - 2, 0, -1):
        runner = np.where(np.abs(at[k] - at[0]) > 1, activity[k], runner)
    return runner


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
    """The decision in a sentence for people: decided are pixels more probably right than wrong, where that is told."""

    def share(flag: Flag) -> float:
        return float(((decision.flags & flag) > 0).mean())

    silent, z = share(Flag.NO_SIGNAL), decision.z
    probable = decision.info.get("confidence") == PROBABILITY
    doubtful = float(((decision.confidence < _SURE) & (decision.flags & Flag.NO_SIGNAL == 0)).mean()) if probable else 0
    text = f"{len(z)} slices: {1 - silent - doubtful:.1%} of the pixels decided"
    if doubtful >= _WORTH_TELLING:
        text += f", {doubtful:.1%} in doubt"
    if silent:
        text += f", {silent:.1%} without signal"
    for flag, what in ((Flag.AVERAGED, "averaged"), (Flag.TWO_PEAKS, "at two depths"), (Flag.SATURATED, "saturated")):
        if share(flag) >= _WORTH_TELLING:
            text += f", {share(flag):.1%} {what}"
    if share(Flag.UNORDERED):
        return text + "; the slices are not in the order of focus: check their order or their z, depth cannot be told."
    open_ended = (decision.flags & Flag.NOT_BRACKETED) > 0
    first = float((open_ended & (decision.index == int(z.argmin()))).mean())
    last = float(open_ended.mean()) - first
    ends = [f"{part:.1%} at the {end}" for part, end in ((first, "start"), (last, "end")) if part >= _WORTH_TELLING]
    if ends:
        text += f"; sharpest {' and '.join(ends)} of the stack: slices beyond would tell more"
    return text + "."
