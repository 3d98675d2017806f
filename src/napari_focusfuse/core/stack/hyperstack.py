"""Time points and channels of focus stacks in one array: its axes, and the focus stack at each position."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from napari_focusfuse.config.fusion import CHANNEL, DECIDE_ON, STACK_AXIS, DecideOn
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseWarning, StackError

__all__ = ["Hyperstack", "Where"]

#: Index on each axis that is neither the stack axis, nor the channel, nor in a slice: ``{"T": 3}``.
Where = Mapping[str, int]


class Hyperstack:
    """Focus stacks of one geometry along further axes.

    Parameters
    ----------
    data : array-like
        numpy, dask, zarr or anything with ``shape``, ``dtype`` and indexing; or a sequence of such arrays, which is the
        first axis: the channels, for example. Nothing is read yet.
    axes : str
        A letter for each axis, as in tifffile: "TCZYX". Y and X are in a slice, S is RGB(A) samples, C is the channel.
    axis : str
        Letter of the stack axis.
    z : sequence of N floats, optional
        Position of each slice; 0..N-1 if left out.
    channels : sequence of str
        Names of the channels, where they are known.

    Attributes
    ----------
    further : str
        Letters of the axes besides the stack axis and those of a slice, in the order of the data: "TC".
    sizes : dict of str to int
        Length of each axis.
    positions : list of dict of str to int
        Where there is a decision to make: every time point.
    channel_names : tuple of str
        As given, or numbers from 0; one for data without channels.

    Raises
    ------
    StackError
        The axes do not describe the data.
    """

    def __init__(
        self,
        data: Any,
        axes: str,
        *,
        axis: str = STACK_AXIS,
        z: Sequence[float] | None = None,
        channels: Sequence[str] = (),
    ) -> None:
        self._data, self._z, self._warned = _as_array(data), z, False
        self.axes, self.axis = axes.upper(), axis.upper()
        shape = tuple(int(n) for n in self._data.shape)
        _check(self.axes, self.axis, shape)
        self.sizes = dict(zip(self.axes, shape, strict=True))
        self.rgb = "S" in self.axes
        self.further = "".join(letter for letter in self.axes if letter not in f"{self.axis}YXS")
        self.has_channels = CHANNEL in self.further
        outer = [letter for letter in self.further if letter != CHANNEL]
        ranges = [range(self.sizes[letter]) for letter in outer]
        self.positions: list[dict[str, int]] = [dict(zip(outer, where, strict=True)) for where in product(*ranges)]
        number = self.sizes[CHANNEL] if self.has_channels else 1
        if channels and len(channels) != number:
            raise StackError(f"{len(channels)} names for {number} channels: give one for each, or none")
        self.channel_names = tuple(map(str, channels)) or tuple(map(str, range(number)))

    @property
    def z(self) -> list[float]:
        """Position of each slice."""
        found: list[float] = self.stack(self.positions[0]).z.tolist()
        return found

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """Shape of a fused image: (Y, X) or (Y, X, S)."""
        return tuple(self.sizes[letter] for letter in "YXS" if letter in self.sizes)

    def stack(self, where: Where, channel: int = 0, kind: Callable[..., Stack] = Stack) -> Stack:
        """The focus stack of one channel at a position, of a kind; its slices are read when they are asked for."""
        at = {**where, CHANNEL: channel} if self.has_channels else dict(where)
        with warnings.catch_warnings():
            if self._warned:
                warnings.simplefilter("ignore", FocusFuseWarning)
            stack = kind(_Slices(self._data, self.axes, self.axis, at, self._shape()), 0, self.rgb, self._z)
        self._warned = True
        return stack

    def stacks(self, where: Where) -> list[Stack]:
        """The focus stacks of all channels at a position."""
        return [self.stack(where, channel) for channel in range(len(self.channel_names))]

    def deciding(self, decide_on: DecideOn = DECIDE_ON) -> int | str:
        """The channel that decides, by its number or name; or "sum" or "each".

        Raises
        ------
        StackError
            There is no such channel.
        """
        if isinstance(decide_on, str):
            if decide_on in self.channel_names:
                return self.channel_names.index(decide_on)
            if decide_on in ("sum", "each"):
                return decide_on if len(self.channel_names) > 1 else 0
        number = int(decide_on) if str(decide_on).removeprefix("-").isdecimal() else -1
        if 0 <= number < len(self.channel_names):
            return number
        there = [f"{k} ({name})" if name != str(k) else name for k, name in enumerate(self.channel_names)]
        raise StackError(
            f"there is no channel {decide_on!r} to decide on: choose sum, each, or one of {', '.join(there)}"
        )

    def called(self, channel: int) -> str:
        """What a channel is called in a sentence."""
        name = self.channel_names[channel]
        return f"channel {channel}" if name == str(channel) else f"channel {channel} ({name})"

    def _shape(self) -> tuple[int, ...]:
        return (self.sizes[self.axis], *self.plane_shape)


class _Slices:
    """The slices (Z, Y, X[, S]) at one position of all axes besides; indexing reads one slice."""

    def __init__(self, data: Any, axes: str, axis: str, at: Where, shape: tuple[int, ...]) -> None:
        self._data, self._axes, self._axis, self._at, self.shape = data, axes, axis, at, shape
        self.dtype = np.dtype(data.dtype)
        kept = [letter for letter in axes if letter in "YXS"]
        order = tuple(kept.index(letter) for letter in "YXS" if letter in kept)
        self._order = None if order == tuple(range(len(order))) else order

    def __getitem__(self, k: int) -> Any:
        at = {**self._at, self._axis: k}
        plane = self._data[tuple(at.get(letter, slice(None)) for letter in self._axes)]
        return plane if self._order is None else plane.transpose(self._order)


class _Parts:
    """Arrays of one kind in a sequence, which is their first axis; not copied together."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = [part if hasattr(part, "shape") else np.asarray(part) for part in parts]
        if not self._parts:
            raise StackError("there are no images: give an array, or a list of focus stacks")
        first = self._parts[0]
        for k, part in enumerate(self._parts):
            if tuple(part.shape) != tuple(first.shape):
                raise StackError(
                    f"part {k} has the shape {tuple(part.shape)}, part 0 has {tuple(first.shape)}: "
                    "all must be of one size"
                )
            if part.dtype != first.dtype:
                raise StackError(f"part {k} is {part.dtype}, part 0 is {first.dtype}: convert them to one type")
        self.shape = (len(self._parts), *first.shape)
        self.dtype = first.dtype

    def __getitem__(self, where: tuple[Any, ...]) -> Any:
        return self._parts[where[0]][where[1:]]


def _as_array(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return _Parts(data)
    return data if hasattr(data, "shape") and hasattr(data, "dtype") else np.asarray(data)


def _check(axes: str, axis: str, shape: tuple[int, ...]) -> None:
    if len(axes) != len(shape):
        raise StackError(f"the axes {axes!r} are {len(axes)}, the array has {len(shape)} {shape}: name each axis once")
    if len(set(axes)) != len(axes) or not axes.isalpha():
        raise StackError(f"the axes {axes!r} do not have a letter each: name each axis once, such as TCZYX")
    if len(axis) != 1 or axis in "YXS":
        raise StackError(f"{axis!r} cannot be the stack axis: give another letter of {axes}")
    missing = [letter for letter in f"{axis}YX" if letter not in axes]
    if missing:
        raise StackError(f"the axes {axes!r} lack {', '.join(missing)}: a focus stack has {axis}, Y and X")
    if empty := [letter for letter, n in zip(axes, shape, strict=True) if n == 0]:
        raise StackError(f"the array is empty along {', '.join(empty)}: there is nothing to fuse")
