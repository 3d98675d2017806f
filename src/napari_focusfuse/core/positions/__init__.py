"""Many focus stacks by one method, position by position: one decision for all channels of a time point.

Which channel decides is found in `channels`; `result` has the results of all positions in one array.
"""

import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.positions.channels import (
    WeightedSum,
    channel_level,
    channel_weights,
    dark_channel,
    doubt,
    shifted,
)
from napari_focusfuse.core.progress import Progress, Returning, staged
from napari_focusfuse.core.result import Decision, Flag, FusionResult
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.equalise import Equalised, iter_factors
from napari_focusfuse.core.stack.hyperstack import Hyperstack, Where
from napari_focusfuse.errors import FocusFuseWarning

__all__ = ["CALLED", "Engine", "FusedPosition", "iter_carry", "iter_positions"]

#: What a place along an axis is, by its letter.
CALLED = {"T": "time point", "C": "channel", "P": "position"}
#: Time to decide, in units of the time to blend a channel.
_DECIDING = 6.0
#: Share of the time to look at the brightness of the slices.
_EVENING = 0.1

Result = TypeVar("Result")


@dataclass(frozen=True)
class Engine:
    """A method with its settings.

    Attributes
    ----------
    fuse : callable
        From a `Stack` to a generator that returns a `FusionResult`.
    decide : callable
        From a `Stack` to a generator that returns a `Decision`.
    decides : bool
        Whether the method makes decisions; if not, `decide` says so.
    """

    fuse: Callable[[Stack], Generator[Progress, None, FusionResult]]
    decide: Callable[[Stack], Generator[Progress, None, Decision]]
    decides: bool = True


@dataclass(frozen=True)
class FusedPosition(Progress):
    """A time point that is done.

    Attributes
    ----------
    where : dict of str to int
        Index on each further axis but the channel: ``{"T": 3}``.
    images : array (C, Y, X[, S])
        Fused channels, of the type of the stack.
    decisions : tuple of Decision
        One for all channels, or one for each; none for methods that make none.
    weights : tuple of float
        Of each channel in the sum that was decided on; empty if there was none.
    """

    where: Where
    images: NDArray[Any]
    decisions: tuple[Decision, ...]
    weights: tuple[float, ...] = ()


def iter_positions(
    data: Hyperstack, engine: Engine, deciding: int | str, offsets: Sequence[int] = (), *, equalise: bool = False
) -> Generator[Progress, None, None]:
    """Fuse every position; nothing is kept.

    Parameters
    ----------
    data : Hyperstack
    engine : Engine
    deciding : int or {"sum", "each"}
        As `Hyperstack.deciding` gives it.
    offsets : sequence of int
        By how many slices each channel is in focus further along z than the deciding one; none if left out.
    equalise : bool
        Equalise the brightness of the slices of each channel and position first.

    Yields
    ------
    Progress
        A `FusedPosition` where one is done.
    """
    watch, number = _Watch(data, deciding), len(data.positions)
    offsets = offsets or [0] * len(data.channel_names)
    for done, where in enumerate(data.positions):
        label = _label(data, where)
        start = 0.0
        stacks = data.stacks(where)
        if equalise:
            evening = _labelled(_iter_equalised(data, where, stacks), label)
            start, stacks = _EVENING, (yield from staged(evening, done / number, _EVENING / number))
        work = _labelled(_iter_position(stacks, engine, deciding, where, watch, offsets), label)
        images, decisions, weights = yield from staged(work, (done + start) / number, (1 - start) / number)
        yield FusedPosition(done + 1, number, f"{label}done", where, images, decisions, weights)


def iter_carry(data: Hyperstack, decision: Callable[[Where], Decision]) -> Generator[Progress, None, None]:
    """Blend every position and channel with earlier decision maps, as `iter_positions` does.

    Parameters
    ----------
    data : Hyperstack
    decision : callable
        The decision for a position.
    """
    number, doubted = len(data.positions), False
    for done, where in enumerate(data.positions):
        label, by, stacks = _label(data, where), decision(where), data.stacks(where)
        if (why := doubt(by)) and not doubted:
            warnings.warn(why, FocusFuseWarning, stacklevel=2)
            doubted = True
        work = _labelled(_iter_blended(stacks, by, [0] * len(stacks)), label)
        images = yield from staged(work, done / number, 1 / number)
        yield FusedPosition(done + 1, number, f"{label}done", where, np.stack(images), (by,))


def _labelled(work: Generator[Progress, None, Result], label: str) -> Generator[Progress, None, Result]:
    steps = Returning(work)
    for step in steps:
        yield Progress(step.done, step.total, f"{label}{step.what}")
    return steps.result


def _label(data: Hyperstack, where: Where) -> str:
    text = ", ".join(f"{CALLED.get(letter, letter)} {k + 1} of {data.sizes[letter]}" for letter, k in where.items())
    return f"{text}, " if text else ""


def _iter_position(
    stacks: list[Stack], engine: Engine, deciding: int | str, where: Where, watch: "_Watch", offsets: Sequence[int]
) -> Generator[Progress, None, tuple[NDArray[Any], tuple[Decision, ...], tuple[float, ...]]]:
    weights: tuple[float, ...] = ()
    if deciding == "each" or not engine.decides:
        if engine.decides:
            yield from watch.levels(stacks, where)
        results = yield from _iter_each(stacks, engine)
        decisions = tuple(result.decision for result in results if result.decision is not None)
        images = [result.image for result in results]
    else:
        levels = yield from watch.levels(stacks, where)
        if isinstance(deciding, int):
            chosen = stacks[deciding]
        else:
            shares = channel_weights(levels)
            weights = tuple(shares.tolist())
            chosen = Stack(WeightedSum(stacks, levels, shares), rgb=False, z=stacks[0].z.tolist())
        share = _DECIDING / (_DECIDING + len(stacks))
        decision = yield from staged(engine.decide(chosen), 0, share)
        images = yield from staged(_iter_blended(stacks, decision, offsets), share, 1 - share)
        decisions = (decision,)
    for decision in decisions:
        watch.order(decision, where)
    return np.stack(images), decisions, weights


def _iter_equalised(data: Hyperstack, where: Where, stacks: list[Stack]) -> Generator[Progress, None, list[Stack]]:
    """The stacks with the slices of each at one brightness."""
    even = []
    for c, stack in enumerate(stacks):
        factors = yield from staged(iter_factors(stack), c / len(stacks), 1 / len(stacks))
        even.append(data.stack(where, c, partial(Equalised, factors=factors.tolist())))
    return even


def _iter_each(stacks: list[Stack], engine: Engine) -> Generator[Progress, None, list[FusionResult]]:
    results = []
    for c, stack in enumerate(stacks):
        results.append((yield from staged(engine.fuse(stack), c / len(stacks), 1 / len(stacks))))
    return results


def _iter_blended(
    stacks: list[Stack], decision: Decision, offsets: Sequence[int]
) -> Generator[Progress, None, list[NDArray[Any]]]:
    images = []
    for c, (stack, offset) in enumerate(zip(stacks, offsets, strict=True)):
        work = iter_blend(stack, shifted(decision, offset))
        images.append((yield from staged(work, c / len(stacks), 1 / len(stacks))))
    return images


class _Watch:
    """Warns once of data that are not a focus stack, or of channels without signal."""

    def __init__(self, data: Hyperstack, deciding: int | str) -> None:
        self._data, self._deciding = data, deciding
        self._of_dark = self._of_order = False

    def levels(self, stacks: list[Stack], where: Where) -> Generator[Progress, None, list[Any]]:
        """Level of each channel; warns of a channel that is dark and decides."""
        if len(stacks) == 1:
            return []
        levels = []
        for stack in stacks:
            yield Progress(0, 1, "measuring the channels")
            levels.append(channel_level(stack))
        deciding = [self._deciding] if isinstance(self._deciding, int) else range(len(stacks))
        found = dark_channel(levels, deciding) if self._deciding != "sum" else None
        if found is not None and not self._of_dark:
            dark, best = (self._data.called(channel) for channel in found)
            self._warn(f"{dark} is dark{self._at(where)}: its decision map is a guess, decide on {best} or the sum")
            self._of_dark = True
        return levels

    def order(self, decision: Decision, where: Where) -> None:
        """Warn of slices that are not in the order of focus; noise has no order, and was warned of."""
        if not (self._of_order or self._of_dark) and (decision.flags & Flag.UNORDERED).any():
            letter = self._data.axis
            self._warn(
                f"sharpness does not rise and fall along {letter}{self._at(where)}: this is not a focus stack, or its "
                "slices are not in the order of focus; check the stack axis"
            )
            self._of_order = True

    @staticmethod
    def _warn(text: str) -> None:
        warnings.warn(text, FocusFuseWarning, stacklevel=2)

    @staticmethod
    def _at(where: Where) -> str:
        return "".join(f" at {letter} = {k}" for letter, k in where.items())
