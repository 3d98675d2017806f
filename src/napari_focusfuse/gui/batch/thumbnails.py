"""Thumbnails of stacks and results, made in a thread; those that are seen now come first."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtGui import QImage

from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.batch.rows import Row
from napari_focusfuse.gui.thread_warnings import quiet

if TYPE_CHECKING:
    from napari_focusfuse.io import StackFile

__all__ = ["SIDE", "Thumbnails", "picture_of", "seen_of"]

#: Longest side, px.
SIDE = 96
#: So many wait; what was asked for before them is no longer seen.
_WAITING = 24
#: How often is looked whether one is there, ms.
_LOOK_EVERY = 30
#: Larger planes are not read for a thumbnail, px.
_MOST = 2**26
_COLOURS = 3

Seen = tuple[NDArray[np.uint8] | None, str]


class Thumbnails(QObject):
    """Makes thumbnails, one at a time. The thread touches nothing of Qt.

    Parameters
    ----------
    parent : QObject
    """

    #: Number of the row, its picture (None where there is none) and facts.
    ready = Signal(int, object, str)
    #: Numbers of rows that were asked for and will not come: others are seen by now.
    dropped = Signal(list)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._now: tuple[int, Future[Seen]] | None = None
        self._waiting: dict[int, Callable[[], Seen]] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether any is made or waits."""
        return self._now is not None or bool(self._waiting)

    def ask(self, number: int, row: Row) -> None:
        """Make that of a row next."""
        self._waiting[number] = partial(seen_of, row.source, row.files, row.target if row.has_result else None)
        if len(self._waiting) > _WAITING:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            self.dropped.emit([oldest])
        self._go_on()

    def let_go(self) -> None:
        """Make no more."""
        self._timer.stop()
        self._waiting.clear()
        self._now = None
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _go_on(self) -> None:
        if self._now is None and self._waiting:
            self._pool = self._pool or ThreadPoolExecutor(1, "thumbnails")
            number, make = self._waiting.popitem()
            self._now = number, self._pool.submit(make)
        if self._now is None:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start(_LOOK_EVERY)

    def _look(self) -> None:
        if self._now is None or not self._now[1].done():
            return
        (number, future), self._now = self._now, None
        pixels, facts = (None, "") if future.exception() else future.result()
        self.ready.emit(number, None if pixels is None else picture_of(pixels), facts)
        self._go_on()


def picture_of(pixels: NDArray[np.uint8]) -> QImage:
    """Pixels (Y, X, 3) as a picture of Qt's."""
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def seen_of(source: Path, files: tuple[Path, ...], target: Path | None) -> Seen:
    """What a thumbnail shows, (Y, X, 3): the result, or else the middle slice; and size and number of the slices.

    None where nothing can be read: the run says why.
    """
    from napari_focusfuse import api

    pixels, facts = None, ""
    with quiet(FocusFuseWarning):
        try:
            file = api.open_file(files or source)
            facts = _facts(file)
            if target is None:
                pixels = _middle(file)
        except Exception:  # noqa: BLE001 - a picture is missing, no more
            pixels = None
        if target is not None:
            # The image among its maps, or an OME-Zarr that is the image itself.
            names = (target / "fused.ome.zarr", target / "fused.ome.tif")
            try:
                pixels = _middle(api.open_file(next(filter(Path.exists, names), target)))
            except Exception:  # noqa: BLE001
                pixels = None
    return pixels, facts


def _facts(file: "StackFile") -> str:
    sizes = dict(zip(file.axes, file.data.shape, strict=True))
    y, x = sizes.pop("Y"), sizes.pop("X")
    sizes.pop("S", None)
    letter = "Z" if "Z" in sizes or not sizes else next(reversed(sizes))
    slices = sizes.pop(letter, 1)
    more = [f"{n} {name}" for a, name in (("T", "time points"), ("C", "channels")) if (n := sizes.get(a, 1)) > 1]
    return ", ".join([f"{slices} slices", *more, f"{y} x {x} px"])


def _middle(file: "StackFile") -> NDArray[np.uint8] | None:
    """The middle plane at a reduced size."""
    data = file.coarser[-1] if file.coarser else file.data
    rgb = file.axes.endswith("S")
    leading = file.axes[: len(file.axes) - 2 - rgb]
    index = tuple(n // 2 if a in ("Z", leading) else 0 for a, n in zip(leading, data.shape, strict=False))
    plane = data[index]
    if plane.shape[0] * plane.shape[1] > _MOST:
        return None
    step = max(1, max(plane.shape[:2]) // SIDE)
    return _shown(_reduced(np.asarray(plane), step))


def _reduced(plane: NDArray[Any], step: int) -> NDArray[np.float32]:
    """Means of blocks, (y, x, samples); of large ones only some rows and columns are taken."""
    fine = max(1, step // 4)
    small = plane[::fine, ::fine].astype(np.float32)
    by = max(1, step // fine)
    height, width = (n // by for n in small.shape[:2])
    if height and width:
        small = small[: height * by, : width * by].reshape(height, by, width, by, -1).mean(axis=(1, 3))
    return small.reshape(*small.shape[:2], -1)


def _shown(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours (Y, X, 3) of samples (Y, X, 1|3|4), from black to white."""
    colours = plane[..., :3] if plane.shape[-1] >= _COLOURS else plane.repeat(_COLOURS, axis=-1)
    finite = colours[np.isfinite(colours)]
    if not finite.size:
        return np.zeros(colours.shape, np.uint8)
    low, high = np.percentile(finite, (0.5, 99.5))
    scaled = np.nan_to_num((colours - low) / max(high - low, 1e-9), nan=0.0)
    return np.ascontiguousarray((255 * scaled.clip(0, 1)).astype(np.uint8))
