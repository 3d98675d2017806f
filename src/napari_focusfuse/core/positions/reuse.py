"""A decision made for one channel, used for another: whether it should be, and a shift of focus between the two."""

from dataclasses import replace

import numpy as np

from napari_focusfuse.core.result.decision import Decision, Flag
from napari_focusfuse.errors import FocusFuseError

__all__ = ["doubt", "shifted"]

#: Less than this share of the pixels has a signal: what the others come from was guessed.
_LEAST_SIGNAL = 0.01


def doubt(decision: Decision) -> str:
    """Why nothing should be fused by a decision, in a sentence; empty if it is sound."""
    silent = float(((decision.flags & Flag.NO_SIGNAL) > 0).mean())
    if silent > 1 - _LEAST_SIGNAL:
        return f"the decision is a guess, {silent:.1%} of its pixels had no signal: decide on a brighter channel"
    if (decision.flags & Flag.UNORDERED).any():
        return (
            "the decision is a guess, its slices were not in the order of focus or show noise alone: "
            "check the stack axis, or decide on a brighter channel"
        )
    return ""


def shifted(decision: Decision, slices: int) -> Decision:
    """A decision for a channel that is in focus some slices further along z.

    Lenses do not focus all colours at the same depth. Beyond the ends of the stack the last slice is taken.

    Parameters
    ----------
    decision : Decision
    slices : int
        How many slices further up z the other channel is in focus; negative: further down.

    Returns
    -------
    Decision
        Its depth is that of the given one: the depth of the scene.

    Raises
    ------
    FocusFuseError
        The stack has no more slices than that.
    """
    if slices == 0:
        return decision
    if slices != int(slices) or abs(slices) >= len(decision.z):
        raise FocusFuseError(f"{slices} cannot shift a stack of {len(decision.z)} slices: give a few whole slices")
    order = np.argsort(decision.z, kind="stable")
    moved = order[np.clip(np.arange(len(order)) + int(slices), 0, len(order) - 1)]
    table = np.empty_like(order)
    table[order] = moved
    return replace(decision, labels=table[decision.labels].astype(decision.labels.dtype))
