"""A decision map in a sentence: in which shares its pixels are sure, unsure, empty or at an end of the stack.

The shares add up, so that no pixel is counted twice. A slice is called by its number from 0, as everywhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from napari_focusfuse.core.result import Decision, Flag

__all__ = ["PROBABILITY", "Shares", "shares", "summary"]

#: What `Decision.info` says of a confidence that is a probability; from where on a pixel is sure.
PROBABILITY, _SURE = "probability", 0.5
#: Smaller shares at an end of the stack are not mentioned.
_WORTH_TELLING = 0.0005
#: Slices that it takes to have one on either side of another.
_BRACKETS = 3


class Shares(NamedTuple):
    """Shares of the pixels, each of which is in one of them; the rest is in focus between the ends of the stack.

    Attributes
    ----------
    unsure : float
        More probably wrong than right; NaN where the confidence is not a probability.
    low, high : float
        Sharpest in the slice with the smallest z, and in that with the largest, where focus may lie outside.
    empty : float
        Sharp in no slice.
    """

    unsure: float
    low: float
    high: float
    empty: float

    @classmethod
    def mean(cls, several: Sequence["Shares"]) -> "Shares":
        """Of several decision maps of one size."""
        return cls(*map(float, np.mean(several, axis=0)))

    def told(self, low: str = "the first slice", high: str = "the last slice") -> str:
        """In words that add up to 100.0%; `low` and `high` name the slices at the ends."""
        known = self.unsure == self.unsure  # not NaN
        named = {
            f"sharpest in {low}": self.low,
            f"sharpest in {high}": self.high,
            "unsure": self.unsure if known else 0.0,
            "empty": self.empty,
        }
        told = {word: round(100 * share, 1) for word, share in named.items()}
        rest = "sure" if known else "in focus within the stack"
        others = [f"{share:.1f}% {word}" for word, share in told.items() if share]
        return ", ".join([f"{abs(100 - sum(told.values())):.1f}% {rest}", *others])


def shares(decision: Decision) -> Shares:
    """Shares of the pixels of a decision map."""
    empty = (decision.flags & Flag.NO_SIGNAL) > 0
    probable = decision.info.get("confidence") == PROBABILITY
    unsure = ~empty & (decision.confidence < _SURE) if probable else np.zeros_like(empty)
    z, low, high = decision.z, 0.0, 0.0
    if len(z) >= _BRACKETS and not _unordered(decision):
        outside = ((decision.flags & Flag.NOT_BRACKETED) > 0) & ~empty & ~unsure
        found = (float((outside & (decision.index == k)).mean()) for k in (z.argmin(), z.argmax()))
        low, high = (share if share >= _WORTH_TELLING else 0.0 for share in found)
    return Shares(float(unsure.mean()) if probable else float("nan"), low, high, float(empty.mean()))


def _unordered(decision: Decision) -> bool:
    return bool(((decision.flags & Flag.UNORDERED) > 0).any())


def summary(decision: Decision) -> str:
    """The decision map in a sentence: its shares, and what hints at a stack that is too short or out of order.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), 5, seed=0)
    >>> summary(ff.decide(scene.stack, method="log")).split(":")[0]
    '5 slices'
    """
    found, z = shares(decision), decision.z
    at, last = (int(z.argmin()), int(z.argmax())), len(z) - 1
    names = ["the first slice" if k == 0 else "the last slice" if k == last else f"slice {k}" for k in at]
    text = f"{len(z)} slices: {found.told(*names)}"
    if _unordered(decision):
        return f"{text}; the slices are not in the order of focus: check their order or their z, depth is not measured."
    outside = [_beyond(k, last) for k, share in zip(at, found[1:3], strict=True) if share]
    if outside:
        text += f"; focus may lie {' and '.join(outside)}: extend the stack there"
    return text + "."


def _beyond(k: int, last: int) -> str:
    return "before the first slice" if k == 0 else "after the last slice" if k == last else f"beyond slice {k}"
