"""Computation of the preview, in a thread; without Qt."""

import itertools
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cache
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.common.preferences import preferences
from napari_focusfuse.gui.layers.source import Source
from napari_focusfuse.gui.thread_warnings import quiet

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import ViewerModel

__all__ = ["LEAST", "Pace", "Reduced", "Shot", "View", "visible_part", "warm_up"]


def visible_part(viewer: "ViewerModel", layer: "Image", plane: tuple[int, int], least: int) -> tuple[slice, slice]:
    """Rows and columns of the slices of a layer that the canvas shows.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image
    plane : (int, int)
        The axes of a slice.
    least : int
        Pixels a side at least, as far as the slices reach.

    Returns
    -------
    (slice, slice)
        All of a slice where the viewer shows other axes than its own, or nothing of it.
    """
    shape = [int((layer.data[0] if layer.multiscale else layer.data).shape[axis]) for axis in plane]
    whole = slice(0, shape[0]), slice(0, shape[1])
    offset = viewer.dims.ndim - layer.ndim
    if viewer.dims.ndisplay != 2 or {axis + offset for axis in plane} != set(viewer.dims.displayed):
        return whole
    camera, canvas = viewer.scene.camera, np.asarray(viewer.canvas.size, dtype=float)
    half = canvas / max(float(camera.zoom), 1e-9) / 2
    points = []
    for signs in itertools.product((-1, 1), repeat=2):
        point = np.array(viewer.dims.point, dtype=float)
        point[list(viewer.dims.displayed)] = np.asarray(camera.center)[-2:] + half * signs
        points.append(np.asarray(layer.world_to_data(point[-layer.ndim :]))[list(plane)])
    low, high = np.floor(np.min(points, axis=0) + 0.5), np.ceil(np.max(points, axis=0) + 0.5)
    y, x = (_side(int(low[i]), int(high[i]), shape[i], least) for i in (0, 1))
    return whole if y is None or x is None else (y, x)


def _side(start: int, stop: int, size: int, least: int) -> slice | None:
    """The part of a side of `size` px that lies between `start` and `stop`, widened to `least` px; None: nothing."""
    if stop <= 0 or start >= size:
        return None
    start, stop = max(start, 0), min(stop, size)
    missing = min(least, size) - (stop - start)
    if missing > 0:
        start = min(max(start - missing // 2, 0), size - min(least, size))
        stop = start + min(least, size)
    return slice(start, stop)


#: Longest side of a preview, and the shortest that it is made for the sake of speed, px.
_LONGEST, LEAST = 256, 64
#: What the first preview may take, and the finer one that follows while nothing changes (s).
_QUICK, _FINE = 0.25, 5.0
#: The first one is reduced by no more than this where that takes no longer (s).
_COARSEST, _PATIENT = 8, 1.5
#: A preview takes as long as this many pixels more would; time of a pixel of a slice until it was measured (s).
_BESIDES, _FIRST = 100_000, 2e-6


@dataclass(frozen=True, eq=False)
class View:
    """What a preview shows.

    Attributes
    ----------
    source : Source
    data : array
        What the layer of the source holds; tells whether it is still the same.
    where : (slice, slice)
        Rows and columns of the slices.
    options : dict
        Keywords of `api.iter_fuse`.
    """

    source: Source
    data: Any
    where: tuple[slice, slice]
    options: dict[str, Any]

    def shows(self, other: "View") -> bool:
        """Whether these are the pixels of another one."""
        one, two = self.source, other.source
        same = (one.layer_id, one.axis, one.position) == (two.layer_id, two.axis, two.position)
        return same and self.data is other.data and self.where == other.where

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""
        y, x = self.where
        return self.source.slices, y.stop - y.start, x.stop - x.start


class Pace:
    """How fast this machine fuses, by what was measured; tells how small a preview has to be."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, ...], float] = {}

    def factors(self, view: View) -> list[int]:
        """By how much to reduce: for the preview that is shown at once, and for the finer one after it, if any."""
        slices, *sides = view.shape
        pace = self._seconds.get(_kind(view), _FIRST)
        found = []
        for seconds in (_QUICK, _FINE):
            pixels = max(seconds / pace - _BESIDES, 1) / slices
            factor = max(ceil(max(sides) / _LONGEST), ceil(sqrt(sides[0] * sides[1] / pixels)))
            found.append(max(min(factor, round(min(sides) / LEAST)), 1))
        coarsest = max(_COARSEST, found[1])
        if pace * (slices * sides[0] * sides[1] / coarsest**2 + _BESIDES) < _PATIENT:
            found[0] = min(found[0], coarsest)
        return found if found[1] < found[0] else found[:1]

    def learn(self, shot: "Shot") -> None:
        """Take in how long one took; the first of its kind is longer, because of what it loads."""
        kind, slices = _kind(shot.view), shot.view.shape[0]
        y, x = (side // shot.factor for side in shot.view.shape[1:])
        pace = shot.seconds / (slices * y * x + _BESIDES)
        known = self._seconds.get(kind)
        self._seconds[kind] = min(pace, 2 * _FIRST) if known is None else (known + pace) / 2


def _kind(view: View) -> tuple[str, ...]:
    options = view.options
    preset = getattr(options.get("config"), "preset", "")
    return str(options.get("method")), str(preset), str(options.get("model")), str(options.get("device"))


class _Kept(NamedTuple):
    view: View
    factor: int
    stack: NDArray[Any]


@cache
def warm_up() -> None:
    """Import and load what the first preview needs, once; in a thread."""
    from napari_focusfuse import api

    with quiet(FocusFuseWarning):
        api.decide(np.zeros((3, LEAST, LEAST), np.uint8))


class Reduced:
    """Reduced stacks; the last two are kept, so that a knob that moves has nothing read again."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []

    def iter_stack(self, view: View, factor: int) -> Generator[Progress, None, NDArray[Any]]:
        """The part of the stack that is seen, reduced."""
        from napari_focusfuse.core.stack import Stack
        from napari_focusfuse.core.stack.tiles import iter_binned

        for kept in self._kept:
            if kept.factor == factor and kept.view.shows(view):
                return kept.stack
        source = view.source
        stack = yield from _iter_jpegs(view, factor)
        if stack is None:
            stack = yield from iter_binned(Stack(source.data, source.axis, source.rgb), view.where, factor)
        self._kept = [*self._kept[-1:], _Kept(view, factor, stack)]
        return stack


def _iter_jpegs(view: View, factor: int) -> Generator[Progress, None, NDArray[Any] | None]:
    """The same of a stack of JPEG files, which are decoded at a smaller size; None of any other stack."""
    from napari_focusfuse import io
    from napari_focusfuse.core.stack import Stack
    from napari_focusfuse.core.stack.tiles import iter_binned

    source, starts = view.source, [side.start for side in view.where]
    by = next((by for by in (8, 4, 2) if not factor % by and not any(start % by for start in starts)), 1)
    shape = source.data.shape
    if by == 1 or isinstance(source.data, np.ndarray) or source.axis or len(source.inputs) != source.slices:
        return None
    wanted, slices = (*(-(-n // by) for n in shape[1:3]), *shape[3:]), []
    for done, path in enumerate(source.inputs):
        image = io.read_reduced(Path(path), by)
        if image is None or image.shape != wanted or image.dtype != source.data.dtype:
            return None
        slices.append(image)
        yield Progress(done, source.slices, "reducing the slices")
    y, x = (slice(side.start // by, side.stop // by) for side in view.where)
    return (yield from iter_binned(Stack(np.stack(slices), 0, source.rgb), (y, x), factor // by))


@dataclass(eq=False)
class Shot:
    """One preview.

    Attributes
    ----------
    view : View
    factor : int
        By how much it is reduced.
    reduced : Reduced
    stale : Event
        Set it to have it stop.
    seconds : float
        What fusing took.
    image : array (Y, X[, C]) or None
        What it gave; None if it was stopped.
    """

    view: View
    factor: int
    reduced: Reduced
    stale: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0.0
    image: NDArray[Any] | None = None

    @property
    def size(self) -> str:
        """By how much it is reduced, in words."""
        return "full size" if self.factor == 1 else f"1/{self.factor} size"

    def __call__(self) -> "Shot":
        """Make it."""
        from napari_focusfuse import api

        api.use_threads(preferences().threads)
        # What there is to warn of is said by the full run.
        with quiet(FocusFuseWarning):
            stack = self._drained(self.reduced.iter_stack(self.view, self.factor))
            if stack is not None:
                self._fuse(stack)
        return self

    def _fuse(self, stack: NDArray[Any]) -> None:
        from napari_focusfuse import api

        begun = time.perf_counter()
        result = self._drained(api.iter_fuse(stack, axis=0, rgb=self.view.source.rgb, **self.view.options))
        self.seconds = time.perf_counter() - begun
        self.image = None if result is None else np.asarray(result.image)

    def _drained(self, work: Generator[Progress, None, Any]) -> Any:
        """What a generator returns; None if this is stale before."""
        while not self.stale.is_set():
            try:
                next(work)
            except StopIteration as stop:
                return stop.value
        work.close()
        return None
