"""The part "At the cursor" of the fusion widget: what the result says of a pixel, and its focus curve."""

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.gui.common.plots import CurvePlot, preload
from napari_focusfuse.gui.common.text import PlainLabel, literal
from napari_focusfuse.gui.common.worker import Latest
from napari_focusfuse.gui.layers.source import Source, data_of
from napari_focusfuse.gui.layers.under_cursor import Hit, hit_at, origin_of, source_at, still_asked

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.focus import Glance

__all__ = ["HoverPanel"]

_FIRST = "Move the mouse over a result: its slice, depth and confidence are shown here and in the status bar."
_MEASURE = "sharpness of the grey values"
_TIP = (
    "Spatial frequency of the grey values in a small window around the pixel, in each slice, normalised "
    "to its maximum.\n"
    "The fusion compares deep features at several scales, so its choice (the line) may differ from this "
    "peak."
)
#: Height of the plot and of what surrounds the text, px; lines of text.
_HEIGHT, _MARGIN, _LINES = 130, 8, 3


class _Reader:
    """Focus curves of a source, made in a thread; what is prepared first is kept."""

    def __init__(self, source: Source, data: Any, where: dict[str, int], z: list[float]) -> None:
        self.source, self.data, self.where, self.z = source, data, where, z
        self._glance: Glance | None = None

    def __call__(self, hit: Hit) -> tuple[Hit, NDArray[np.float32]]:
        if self._glance is None:
            from napari_focusfuse.core.focus import Glance
            from napari_focusfuse.core.stack import Stack

            preload()
            source = self.source
            lazy = not isinstance(source.data, np.ndarray)
            self._glance = Glance(Stack(source.data, source.axis, source.rgb, self.z), keep=lazy)
        return hit, self._glance.curve(*hit.pixel)


class HoverPanel(QWidget):
    """Follows the cursor over results; its line also goes to napari's status bar.

    Parameters
    ----------
    viewer : Viewer
    """

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._reader: _Reader | None = None
        self._hit: Hit | None = None
        self._latest = Latest(self)
        self.where = PlainLabel(_FIRST)
        self.where.setWordWrap(True)
        self.where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.where.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plot = CurvePlot(viewer, (_MEASURE,))
        self.plot.setFixedHeight(_HEIGHT)
        self.plot.setToolTip(_TIP)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.where)
        layout.addWidget(self.plot)
        self._latest.ready.connect(self._on_curve)
        self._latest.failed.connect(self._on_failed)
        viewer.cursor.events.position.connect(self._on_cursor)
        viewer.events.status.connect(self._on_status)
        viewer.layers.events.removed.connect(self._on_layers)
        viewer.layers.selection.events.active.connect(self._on_layers)

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.cursor.events.position.disconnect(self._on_cursor)
        self._viewer.events.status.disconnect(self._on_status)
        self._viewer.layers.events.removed.disconnect(self._on_layers)
        self._viewer.layers.selection.events.active.disconnect(self._on_layers)
        self._latest.forget()
        self.plot.let_go()

    def forget(self) -> None:
        """Say nothing until the mouse moves over a result again."""
        self._hit = None
        self._latest.forget()
        self.where.setText(_FIRST)
        self.where.setToolTip("")
        self.plot.clear()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Keep the text as high as it may become, so that nothing jumps as it changes."""
        super().showEvent(event)
        self.where.setFixedHeight(_LINES * self.where.fontMetrics().lineSpacing() + _MARGIN)

    def _on_cursor(self, _event: Any = None) -> None:
        if not self.isVisibleTo(self.window()):
            return
        hit = hit_at(self._viewer, self._viewer.cursor.position)
        if hit is None:
            return
        self._hit = hit
        y, x = hit.pixel
        self.where.setText(f"y {y}, x {x}: {hit.text()}")
        self.where.setToolTip(literal(self.where.text()))
        layer = origin_of(hit, self._viewer.layers)
        if layer is not None:
            self._latest.ask(partial(self._reader_of(hit, layer), hit))

    def _reader_of(self, hit: Hit, layer: "Image") -> _Reader:
        """The reader of a stack that is there, or a new one if that has changed."""
        reader, data = self._reader, data_of(layer)
        if reader is None or reader.data is not data or (reader.where, reader.z) != (hit.where, hit.z):
            reader = self._reader = _Reader(source_at(hit, layer), data, hit.where, hit.z)
        return reader

    def _on_status(self, _event: Any = None) -> None:
        """Add our line to what napari says of the position."""
        viewer = self._viewer
        hit = hit_at(viewer, viewer.cursor.position) if viewer.mouse_over_canvas else None
        # Setting it comes back here, so that what was added already stays as it is.
        if hit is not None and not _line(viewer.status).endswith(hit.text()):
            viewer.status = _with(viewer.status, hit.text())

    def _on_layers(self, _event: Any = None) -> None:
        """Say nothing of a result that is gone, or of another stack; hold on to no data of a layer that is gone."""
        ids = {str(layer.unique_id) for layer in self._viewer.layers}
        if self._reader is not None and self._reader.source.layer_id not in ids:
            self._reader = None
        if self._hit is not None and not still_asked(self._hit, self._viewer):
            self.forget()

    def _on_curve(self, answer: tuple[Hit, NDArray[np.float32]]) -> None:
        hit, curve = answer
        if len(curve) == len(hit.positions):
            self.plot.show_curves(hit.positions, [curve], "z (µm)" if hit.note["z_step"] else "slice", mark=hit.mark)

    def _on_failed(self, error: Exception) -> None:
        self.where.setText(f"The focus curve could not be computed ({error}).")


def _line(status: Any) -> str:
    return str(status["coordinates"] if isinstance(status, dict) else status)


def _with(status: Any, text: str) -> Any:
    """Napari's status with a text after the value; napari gives a mapping for one layer, words for several."""
    # What napari says of flags comes in our words as well.
    said = re.sub(r"[;,]?\s*flag: .*$", "", _line(status)).strip()
    line = f"{said} · {text}" if said else text
    return {**status, "coordinates": line} if isinstance(status, dict) else line
