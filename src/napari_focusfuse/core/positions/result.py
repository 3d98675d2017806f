"""Fused positions gathered into whole arrays."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from napari_focusfuse.config.fusion import CHANNEL
from napari_focusfuse.core.positions import CALLED, FusedPosition
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result import Decision, Flag
from napari_focusfuse.core.result.told import Shares, shares, summary
from napari_focusfuse.core.stack.hyperstack import Hyperstack, Where

__all__ = ["Empty", "HyperstackResult", "iter_gather"]

#: Makes room for an array by its name, the letters of its axes, its shape and type.
Empty = Callable[[str, str, tuple[int, ...], np.dtype[Any]], Any]

#: What `Decision.info` says of one stack alone.
_OF_ONE = ("noise", "limits", "level_weights", "softness")


@dataclass(frozen=True, eq=False)
class HyperstackResult:
    """Result of fusing a hyperstack.

    Attributes
    ----------
    image : array (T, C, Y, X[, S])
        All-in-focus images, of the type of the data; the further axes are those of the data, in their order.
    axes : str
        Letters of the axes of `image`: "TCYX".
    index, depth, confidence, flags : array (T, Y, X), or (T, C, Y, X) where each channel decides for itself
        See `Decision`; None for methods without a decision map.
    map_axes : str
        Letters of their axes: "TYX".
    decisions : mapping
        Decision maps by their index on the axes before `map_axes`' Y and X, if they were requested.
    summary : str
        A sentence for people.
    info : mapping
        What made it: version, method, configuration, model, which channel decided. Plain JSON types.
    """

    image: Any
    axes: str
    index: Any = None
    depth: Any = None
    confidence: Any = None
    flags: Any = None
    map_axes: str = ""
    decisions: Mapping[tuple[int, ...], Decision] = field(default_factory=dict)
    summary: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)


def iter_gather(
    work: Generator[Progress, None, None],
    data: Hyperstack,
    info: Mapping[str, Any],
    *,
    empty: Empty,
    maps: bool = True,
    keep: bool = False,
) -> Generator[Progress, None, HyperstackResult]:
    """Put fused positions into arrays as they come.

    Parameters
    ----------
    work : generator
        Yields each `FusedPosition`.
    data : Hyperstack
        What is fused.
    info : mapping
        What goes into `HyperstackResult.info`.
    empty : callable
        Makes room for an array.
    maps : bool
        Whether index, depth, confidence and flags are wanted.
    keep : bool
        Whether the decisions are wanted.

    Returns
    -------
    HyperstackResult
    """
    room = _Room(data, empty, maps=maps, keep=keep)
    for step in work:
        if isinstance(step, FusedPosition):
            room.put(step)
        yield Progress(step.done, step.total, step.what)
    return room.result(info)


class _Room:
    """Arrays of the size of the whole, made when the first position is there."""

    def __init__(self, data: Hyperstack, empty: Empty, *, maps: bool, keep: bool) -> None:
        self._data, self._empty, self._maps, self._keep = data, empty, maps, keep
        self._arrays: dict[str, Any] = {}
        self._map_axes = ""
        self._decisions: dict[tuple[int, ...], Decision] = {}
        self._shares: list[Shares] = []
        self._unordered = 0
        self._weights: list[list[float]] = []
        self._told: dict[str, Any] = {}
        self._text = ""

    @property
    def _axes(self) -> str:
        return self._data.further + "YXS"[: len(self._data.plane_shape)]

    def put(self, fused: FusedPosition) -> None:
        """Take a position."""
        image = self._array("fused", self._axes, fused.images.dtype)
        for c, plane in enumerate(fused.images):
            image[self._at(fused.where, c, self._data.further)] = plane
        if fused.weights:
            self._weights.append([round(weight, 4) for weight in fused.weights])
        each = len(fused.decisions) > 1
        for c, decision in enumerate(fused.decisions):
            self._told = self._told or dict(decision.info)
            self._text = summary(decision)
            self._shares.append(shares(decision))
            self._unordered += bool((decision.flags & Flag.UNORDERED).any())
            if self._maps:
                self._put_maps(decision, fused.where, c, each=each)

    def _put_maps(self, decision: Decision, where: Where, channel: int, *, each: bool) -> None:
        outer = self._data.further if each else self._data.further.replace(CHANNEL, "")
        self._map_axes = f"{outer}YX"
        at = self._at(where, channel, outer)
        wanted = ["index", "depth", "confidence", "flags"] + (["labels", "weights"] if self._keep else [])
        views = {}
        for name in wanted:
            values = getattr(decision, name)
            axes = f"{outer}{'k' if values.ndim == 3 else ''}YX"
            array = self._array(name, axes, values.dtype, few=len(decision.labels))
            array[at] = values
            views[name] = array[at]
        if self._keep:
            views.pop("index")
            self._decisions[at] = replace(decision, **views)

    def _array(self, name: str, axes: str, dtype: np.dtype[Any], few: int = 0) -> Any:
        if name not in self._arrays:
            sizes = {**self._data.sizes, "k": few}
            self._arrays[name] = self._empty(name, axes, tuple(sizes[letter] for letter in axes), np.dtype(dtype))
        return self._arrays[name]

    def _at(self, where: Where, channel: int, letters: str) -> tuple[int, ...]:
        at = {**where, CHANNEL: channel}
        return tuple(at[letter] for letter in letters)

    def result(self, info: Mapping[str, Any]) -> HyperstackResult:
        """All there is."""
        maps = {name: self._arrays.get(name) for name in ("index", "depth", "confidence", "flags")}
        told = {key: value for key, value in self._told.items() if len(self._shares) == 1 or key not in _OF_ONE}
        told |= {**info, **({"channel_weights": self._weights} if self._weights else {})}
        return HyperstackResult(
            self._arrays["fused"],
            self._axes,
            **maps,
            map_axes=self._map_axes,
            decisions=self._decisions,
            summary=self._summary(),
            info=told,
        )

    def _summary(self) -> str:
        data = self._data
        text = f"{data.sizes[data.axis]} slices at each of {_places(data)}"
        if not self._shares:
            return f"{text}: images without a decision map."
        if len(self._shares) == 1:
            return self._text
        if self._unordered:
            return f"{text}; at {self._unordered} of {len(self._shares)} the slices are not in the order of focus."
        return f"{text}: {Shares.mean(self._shares).told()}."


def _places(data: Hyperstack) -> str:
    """How many places there are along each axis."""
    sizes = [(data.sizes[letter], CALLED.get(letter, letter)) for letter in data.further]
    return " x ".join(f"{n} {name}{'s' if n > 1 and len(name) > 1 else ''}" for n, name in sizes)
