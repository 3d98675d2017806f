"""Channels of one scene: how far the signal of each rises above its noise, their sum, a decision of one for another."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.result import Decision, Flag
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range
from napari_focusfuse.errors import FocusFuseError

__all__ = ["ChannelLevel", "WeightedSum", "channel_level", "channel_weights", "dark_channel", "doubt", "shifted"]

#: Slices that are looked at, and pixels of each for the range.
_SLICES, _SAMPLE = 5, 2**18
#: Percentiles .1 and 99.9 of white noise lie so many standard deviations apart.
_SPAN_OF_NOISE = 6.18
#: Noise of less than this share of the range does not matter: a clean channel is not trusted without bound.
_LEAST_NOISE = 0.01
#: A channel is dark if its signal is less than so many times its noise, where that of another is more than so many.
_DARK, _BRIGHT = 1.0, 3.0


class ChannelLevel(NamedTuple):
    """Signal and noise of one channel of a focus stack.

    Attributes
    ----------
    low, high : float
        Percentiles .1 and 99.9 of its values.
    noise : float
        Standard deviation of its noise; 1 % of ``high - low`` at least.
    snr : float
        What `low` and `high` lie further apart than noise alone would put them, over the noise.
    """

    low: float
    high: float
    noise: float
    snr: float


def channel_level(stack: Stack) -> ChannelLevel:
    """Look at a few slices of a stack.

    Parameters
    ----------
    stack : Stack
        One channel.

    Returns
    -------
    ChannelLevel
        In the units of the stack.
    """
    from napari_focusfuse.core.decide.survey import noise_level

    chosen = stack.order[np.unique(np.linspace(0, len(stack) - 1, _SLICES).round().astype(int))]
    greys = [filled(luminance(stack[int(k)]))[0] for k in chosen]
    step = max(1, round((greys[0].size / _SAMPLE) ** 0.5))
    low, high = robust_range(np.concatenate([grey[::step, ::step].ravel() for grey in greys]))
    measured = noise_level([grey.astype(np.float32) for grey in greys])
    noise = max(measured, _LEAST_NOISE * (high - low))
    return ChannelLevel(low, high, noise, max(high - low - _SPAN_OF_NOISE * measured, 0) / noise if noise else 0.0)


def channel_weights(levels: Sequence[ChannelLevel]) -> NDArray[np.float64]:
    """Weights of the channels in their sum: the square of signal over noise, as shares of 1.

    Each channel, divided by its noise, counts in proportion to its signal over noise, which is the sum of least noise
    for its signal (maximal-ratio combining, Brennan 1959, Proc. IRE 47:1075). Where no channel has a signal all count
    alike.
    """
    squares = np.square([level.snr for level in levels])
    total = squares.sum()
    return squares / total if total > 0 else np.full(len(levels), 1 / len(levels))


def dark_channel(levels: Sequence[ChannelLevel], channels: Sequence[int]) -> tuple[int, int] | None:
    """The first of `channels` that shows little but noise, and the channel that shows most; None if all are well."""
    best = int(np.argmax([level.snr for level in levels]))
    dark = [channel for channel in channels if levels[channel].snr < _DARK]
    return (dark[0], best) if dark and levels[best].snr > _BRIGHT else None


class WeightedSum:
    """Channels of a focus stack as one grey stack (Z, Y, X), float32: the sum of ``weight * (I - low) / (high - low)``.

    Parameters
    ----------
    stacks : sequence of Stack
        The channels, of one geometry.
    levels : sequence of ChannelLevel
    weights : sequence of float
        Sum to 1, so that the values lie in about [0, 1].
    """

    def __init__(
        self, stacks: Sequence[Stack], levels: Sequence[ChannelLevel], weights: Sequence[float] | NDArray[np.float64]
    ) -> None:
        self.shape = (len(stacks[0]), *stacks[0].shape)
        self.dtype = np.dtype(np.float32)
        self._parts = [
            (stack, level.low, float(weight) / ((level.high - level.low) or 1.0))
            for stack, level, weight in zip(stacks, levels, weights, strict=True)
            if weight > 0
        ]

    def __getitem__(self, k: int) -> "_Plane":
        return _Plane(self, k)

    def part(self, k: int, where: tuple[slice, slice]) -> NDArray[np.float32]:
        """Rows and columns of slice `k`."""
        total: NDArray[np.float32] | None = None
        for stack, low, factor in self._parts:
            grey = ((luminance(stack.part(k, where)) - low) * factor).astype(np.float32)
            total = grey if total is None else total + grey
        return np.asarray(total)


class _Plane:
    """A slice of the sum, computed where it is read."""

    def __init__(self, whole: WeightedSum, k: int) -> None:
        self._whole, self._k = whole, k

    def __getitem__(self, where: tuple[slice, slice]) -> NDArray[np.float32]:
        return self._whole.part(self._k, where)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[slice(None), slice(None)], dtype=dtype)


#: Less than this share of the pixels has a signal: what the others come from was guessed.
_LEAST_SIGNAL = 0.01


def doubt(decision: Decision) -> str:
    """Why nothing should be fused by a decision, in a sentence; empty if it is sound."""
    silent = float(((decision.flags & Flag.NO_SIGNAL) > 0).mean())
    if silent > 1 - _LEAST_SIGNAL:
        return f"the decision map is a guess, {silent:.1%} of its pixels had no signal: decide on a brighter channel"
    if (decision.flags & Flag.UNORDERED).any():
        return (
            "the decision map is a guess, its slices were not in the order of focus or show noise alone: "
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
