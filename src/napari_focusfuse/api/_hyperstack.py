"""Fusing all time points and channels of a hyperstack, and applying decision maps to other data."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._fusion import Config, engine_of, info_of
from napari_focusfuse.config.fusion import DECIDE_ON, STACK_AXIS, DecideOn
from napari_focusfuse.core.methods import method_named, settings
from napari_focusfuse.core.progress import Progress, drained
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari_focusfuse.core.positions import Engine
    from napari_focusfuse.core.positions.result import Empty, HyperstackResult
    from napari_focusfuse.core.result import Decision
    from napari_focusfuse.core.stack.hyperstack import Hyperstack

__all__ = ["carry", "fuse_hyperstack", "iter_carry", "iter_fuse_hyperstack", "iter_positions"]


def iter_fuse_hyperstack(
    data: Any,
    axes: str,
    *,
    decide_on: DecideOn | None = None,
    method: str = "sesf",
    config: Config | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: str = STACK_AXIS,
    z: Sequence[float] | None = None,
    channels: Sequence[str] = (),
    offsets: Sequence[int] = (),
    equalise: bool = False,
    empty: Empty | None = None,
    maps: bool = True,
    keep_decisions: bool = False,
) -> Generator[Progress, None, HyperstackResult]:
    """Fuse every focus stack of an array with time points and channels; the channels of a time point share a decision.

    Parameters
    ----------
    data : array-like
        numpy, dask or zarr; or a sequence of arrays, which is the first axis. Read slice by slice.
    axes : str
        A letter for each axis, as in tifffile: "TCZYX"; C is the channel, S is RGB(A) samples.
    decide_on : int or str, optional
        Which channel decides for all channels of a time point: its number from 0 or its name; "sum" of all
        channels, each weighted by its squared signal-to-noise ratio; or "each" for itself. By default the sum,
        and each for methods that make no decision map.
    method, config, model, device
        As for `fuse`.
    axis : str
        Letter of the stack axis.
    z : sequence of N floats, optional
        Position of each slice, um or slices, in any order; 0..N-1 if left out.
    channels : sequence of str
        Names of the channels, where they are known.
    offsets : sequence of int
        By how many slices each channel is in focus further along z than the deciding one, because lenses do not focus
        all colours at the same depth; none if left out.
    equalise : bool
        Equalise the brightness of the slices of each channel and time point before fusing; see `fuse`.
    empty : callable, optional
        Makes room for an array by its name, axes, shape and type, such as a memory-mapped file.
    maps : bool
        Whether to keep index, depth, confidence and flags.
    keep_decisions : bool
        Whether to keep the complete decision maps, which can be applied to other data.

    Returns
    -------
    HyperstackResult
        Images (T, C, Y, X[, S]) in the type of the data, and index, depth, confidence and flags (T, Y, X), or
        (T, C, Y, X) where each channel decides for itself. Arrays of more than 1 GiB are kept in a temporary file.

    Raises
    ------
    FocusFuseError
        The input cannot be fused; the message says why and what to do.

    Examples
    --------
    >>> import napari_focusfuse as ff, numpy as np
    >>> scene = ff.simulate((64, 64), slices=5)
    >>> data = np.stack([scene.stack, scene.stack // 2])
    >>> ff.fuse_hyperstack(data, "CZYX", decide_on=0).image.shape
    (2, 64, 64)
    """
    from napari_focusfuse import io
    from napari_focusfuse.core.positions.result import iter_gather
    from napari_focusfuse.core.stack.hyperstack import Hyperstack

    stacks = Hyperstack(data, axes, axis=axis, z=z, channels=channels)
    engine = engine_of(method_named(method), config, model, device)
    work, deciding = _positions(stacks, decide_on, offsets, engine, equalise=equalise)
    info = {**info_of(method_named(method)), **_settings(method, config), **_described(stacks, deciding, offsets)}
    info |= {"equalised": True} if equalise else {}
    room = empty or io.room
    return (yield from iter_gather(work, stacks, info, empty=room, maps=maps, keep=keep_decisions))


fuse_hyperstack = drained(iter_fuse_hyperstack)


def iter_positions(
    data: Any,
    axes: str,
    *,
    decide_on: DecideOn | None = None,
    method: str = "sesf",
    config: Config | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: str = STACK_AXIS,
    z: Sequence[float] | None = None,
    channels: Sequence[str] = (),
    offsets: Sequence[int] = (),
    equalise: bool = False,
) -> Generator[Progress, None, None]:
    """Fuse time point by time point and keep nothing: yields `Progress`, and a `FusedPosition` where one is done.

    The parameters are those of `fuse_hyperstack`.

    Raises
    ------
    FocusFuseError
        As for `fuse_hyperstack`.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> work = ff.iter_positions(scene.stack[None], "TZYX", method="sf")
    >>> [done.where for done in work if isinstance(done, ff.FusedPosition)]
    [{'T': 0}]
    """
    from napari_focusfuse.core.stack.hyperstack import Hyperstack

    stacks = Hyperstack(data, axes, axis=axis, z=z, channels=channels)
    engine = engine_of(method_named(method), config, model, device)
    yield from _positions(stacks, decide_on, offsets, engine, equalise=equalise)[0]


def iter_carry(
    data: Any,
    axes: str,
    decision: Decision | Callable[[Mapping[str, int]], Decision],
    *,
    axis: str = STACK_AXIS,
    empty: Empty | None = None,
) -> Generator[Progress, None, HyperstackResult]:
    """Apply an earlier decision map to other channels or time points of the same geometry.

    Parameters
    ----------
    data, axes, axis
        As for `fuse_hyperstack`.
    decision : Decision or callable
        One for all, or a function from the index on each further axis but C, such as ``{"T": 3}``, to the decision.
    empty : callable, optional
        Makes room for an array by its name, axes, shape and type, such as a memory-mapped file.

    Returns
    -------
    HyperstackResult
        Images alone.

    Raises
    ------
    StackError
        The data do not fit the decision.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> ff.carry(scene.stack[None] // 2, "CZYX", decision).image.shape
    (1, 64, 64)
    """
    from napari_focusfuse import io
    from napari_focusfuse.core import positions
    from napari_focusfuse.core.positions.result import iter_gather
    from napari_focusfuse.core.stack.hyperstack import Hyperstack

    stacks = Hyperstack(data, axes, axis=axis)
    by = decision if callable(decision) else _always(decision)
    work = positions.iter_carry(stacks, by)
    return (yield from iter_gather(work, stacks, {}, empty=empty or io.room, maps=False))


carry = drained(iter_carry)


def _always(decision: Decision) -> Callable[[Mapping[str, int]], Decision]:
    return lambda _where: decision


def _positions(
    data: Hyperstack, decide_on: DecideOn | None, offsets: Sequence[int], engine: Engine, *, equalise: bool
) -> tuple[Generator[Progress, None, None], int | str]:
    """The work, and what decides."""
    from napari_focusfuse.core import positions

    if decide_on is None:
        decide_on = DECIDE_ON if engine.decides else "each"
    elif not engine.decides and decide_on != "each":
        raise FocusFuseError("this method makes no decision map that channels could share: decide on each")
    deciding = data.deciding(decide_on)
    if offsets and (deciding == "each" or len(offsets) != len(data.channel_names)):
        raise FocusFuseError(
            f"{len(offsets)} offsets for {len(data.channel_names)} channels that share a decision: give one for each "
            "channel, and decide on one channel or the sum"
        )
    return positions.iter_positions(data, engine, deciding, offsets, equalise=equalise), deciding


def _settings(name: str, config: Config | None) -> dict[str, Any]:
    """The settings of a method without a decision, which would tell them."""
    method = method_named(name)
    checked = None if method.decides else settings(method, config)
    return {} if checked is None else {"config": asdict(checked)}


def _described(data: Hyperstack, deciding: int | str, offsets: Sequence[int]) -> dict[str, Any]:
    told = {"axes": data.axes, "channels": list(data.channel_names), "decided_on": deciding, "z": data.z}
    return told | ({"offsets": list(offsets)} if offsets else {})
