"""When the labels of a layer may be others than before, however they were changed."""

import time
import weakref
from collections.abc import Callable
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal

__all__ = ["LabelWatch"]

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
        if layer is not None:
            for name, slot in self._slots():
                getattr(getattr(layer.events, name), how)(slot)

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
