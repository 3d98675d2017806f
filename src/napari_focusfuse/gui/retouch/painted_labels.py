"""The labels of a decision layer: when they may have changed, what is painted, what was decided, what is shown."""

import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_focusfuse.core.result.edits import bounds
from napari_focusfuse.core.retouch import decision_of, second_best
from napari_focusfuse.gui.retouch.pieces import Part, Piece

if TYPE_CHECKING:
    from napari_focusfuse.core.result import FusionResult

__all__ = ["LabelWatch", "Painted"]

#: While a stroke goes on it tells this often, ms.
_EVERY = 30
#: A layer that is hidden tells of nothing: it is looked at this often, ms, and for no more than this share of the time.
_HIDDEN, _SHARE = 250, 0.02


class LabelWatch(QObject):
    """Tells when to look at the labels of a layer.

    Parameters
    ----------
    layer : Labels
    parent : QObject, optional
    """

    #: Look now. Who looks may have the layer drawn: that is not told again.
    due = Signal()

    def __init__(self, layer: Labels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer = weakref.ref(layer)
        self._looked, self._took, self._looking = 0.0, 0.0, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.look)
        self._patrol = QTimer(self)
        self._patrol.setSingleShot(True)
        self._patrol.timeout.connect(self._on_patrol)
        self._wire("connect")
        self._on_visible()

    @property
    def waiting(self) -> bool:
        """Whether it will tell soon."""
        return self._timer.isActive()

    def look(self) -> None:
        """Tell at once."""
        self._timer.stop()
        self._looking, began = True, time.monotonic()
        try:
            self.due.emit()
        finally:
            self._looking, self._looked = False, time.monotonic()
            self._took = self._looked - began

    def let_go(self) -> None:
        """Watch no more."""
        self._timer.stop()
        self._patrol.stop()
        self._wire("disconnect")

    def _wire(self, how: str) -> None:
        layer = self._layer()
        # After the canvas, which would show the label as painted over the one that it stands for.
        options = {"position": "last"} if how == "connect" else {}
        if layer is not None:
            for name, slot in self._slots():
                getattr(getattr(layer.events, name), how)(slot, **options)

    def _slots(self) -> list[tuple[str, Callable[..., None]]]:
        drawn = [(name, self._on_drawn) for name in ("labels_update", "set_data", "data")]
        return [("paint", self._on_paint), ("visible", self._on_visible), *drawn]

    def _on_paint(self, _event: Any = None) -> None:
        self.look()

    def _on_drawn(self, _event: Any = None) -> None:
        """At once, but not again and again while a stroke goes on; nor when the layer is drawn because of us."""
        if self._looking or self._timer.isActive():
            return
        if time.monotonic() - self._looked > _EVERY / 1000:
            self.look()
        else:
            self._timer.start(_EVERY)

    def _on_visible(self, _event: Any = None) -> None:
        """Undo, redo and the like of a hidden layer are told by no event of napari's."""
        layer = self._layer()
        if layer is None or layer.visible:
            self._patrol.stop()
        else:
            self._patrol.start(max(_HIDDEN, round(1000 * self._took / _SHARE)))

    def _on_patrol(self) -> None:
        self.look()
        self._on_visible()


class Painted:
    """Labels, which are slices from 1.

    Parameters
    ----------
    layer : callable
        Gives the decision layer, or None when it is gone.
    result : FusionResult
        As fused.
    slices : int
        Number of slices.

    Attributes
    ----------
    automatic : (Y, X) array of int
        As decided.
    shown : (Y, X) array of int
        As the layers of the result show it.
    edited : int
        Number of pixels whose labels shown are not the automatic ones.
    unknown : int or None
        The label painted last that is neither a slice nor stands for one.
    """

    def __init__(self, layer: Callable[[], Any], result: "FusionResult", slices: int) -> None:
        self._layer, self._decision, self._slices = layer, decision_of(result), slices
        self.shown: NDArray[Any] = np.zeros((0, 0))
        self.automatic: NDArray[Any] = np.array(self.labels())
        self.shown = self.automatic.copy()
        self.edited = 0
        self.unknown: int | None = None

    @property
    def second(self) -> int | None:
        """What to paint for the second best slice of each pixel; None if none is known."""
        return self._slices + 1 if len(self._decision.labels) > 1 else None

    def labels(self) -> NDArray[Any]:
        """The labels; those shown where the layer is gone or holds something else."""
        layer = self._layer()
        if layer is None or not isinstance(layer.data, np.ndarray):
            return self.shown
        return layer.data if layer.data.shape == self._decision.shape else self.shown

    def settle(self) -> Part | None:
        """Replace labels that are no slices; tell where the labels are others than those shown."""
        labels = self.labels()
        where = bounds(labels != self.shown)
        if where is None:
            return None
        part = labels[where]
        odd = (part < 1) | (part > self._slices)
        if odd.any():
            strange = part[odd & (part != 0) & (part != (self.second or 0))]
            self.unknown = int(strange[0]) if strange.size else None
            part[odd] = np.where(part == self.second, self._second_best(where), self.automatic[where])[odd]
            self._layer().refresh(extent=False, thumbnail=False, highlight=False)
        return where

    def edits(self) -> Part | None:
        """Where the labels are not the automatic ones."""
        return bounds(self.labels() != self.automatic)

    def changes(self) -> Part | None:
        """Where the labels are not the automatic ones, or not those shown."""
        labels = self.labels()
        return bounds((labels != self.automatic) | (labels != self.shown))

    def freeze(self) -> None:
        """The labels stay as they are by now, whatever becomes of the layer."""
        self.shown = self.labels().copy()
        self._layer = _nothing

    def note(self, piece: Piece) -> None:
        """The layers show a piece."""
        self.shown[piece.region] = piece.painted[piece.inner]
        self.edited = int(np.count_nonzero(self.shown != self.automatic))

    def _second_best(self, where: Part) -> NDArray[Any]:
        found = second_best(replace(self._decision, labels=self._decision.labels[:, *where]))
        return self.automatic[where] if found is None else (found + 1).astype(self.automatic.dtype)


def _nothing() -> None:
    """In place of a layer."""
