"""The focus curve of the pixel under the cursor."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.gui.common.plots import CurvePlot
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Latest
from napari_focusfuse.gui.layers.results import note_of, result_of
from napari_focusfuse.gui.layers.source import micrometres, plane_axes
from napari_focusfuse.gui.measure.setup import Setup

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_focusfuse.core.focus import Focus, FocusCurve

__all__ = ["FocusTab", "Looked"]

_HINT = (
    "Sharpness of the pixel under the cursor in each slice, as spatial frequency (SF): of the grey values "
    "(pixel SF), and of the deep features that the fusion compares with default settings (deep SF)."
)
#: Spatial frequency below which there is nothing to see: less than one grey level of a pixel in an 8-bit window.
_STILL = 1e-4
_FIRST = "Press “Follow the cursor”, then move over the image."
_MOVE = "Move the cursor over the image."


class Looked(NamedTuple):
    """A stack that was looked at, so that focus curves can be shown.

    Attributes
    ----------
    focus : Focus
    setup : Setup
    layer : Image
        Whose pixels the cursor is on.
    axis : int
        The stack axis; -1 for single images.
    """

    focus: "Focus"
    setup: Setup
    layer: Image
    axis: int


class _Pixel(NamedTuple):
    y: int
    x: int


class FocusTab(QWidget):
    """Follows the cursor and plots the focus curve of its pixel.

    Parameters
    ----------
    viewer : Viewer
    """

    #: The curve is wanted, and the sources have to be looked at first.
    requested = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._looked: Looked | None = None
        self._latest = Latest(self)
        self.follow = QPushButton("Follow the cursor")
        self.follow.setCheckable(True)
        self.follow.setToolTip(_HINT)
        self.where = PlainLabel(_FIRST)
        self.where.setWordWrap(True)
        # Always two lines, so that the plot does not jump as the text changes.
        self.where.setMinimumHeight(2 * self.where.fontMetrics().lineSpacing())
        self.where.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plot = CurvePlot(viewer)
        layout = QVBoxLayout(self)
        layout.addWidget(self.follow)
        layout.addWidget(self.where)
        layout.addWidget(self.plot, 1)
        self.follow.toggled.connect(self._on_follow)
        self._latest.ready.connect(self._on_curve)
        self._latest.failed.connect(self._on_failed)
        viewer.cursor.events.position.connect(self._on_cursor)

    @property
    def looked(self) -> Looked | None:
        """What curves are taken from."""
        return self._looked

    def set_looked(self, looked: Looked) -> None:
        """Take curves from these sources from now on."""
        self._looked = looked
        self.where.setText(_MOVE)

    def forget(self) -> None:
        """The sources are others now: what was seen of them no longer holds."""
        self._looked = None
        self._latest.forget()
        self.follow.setChecked(False)
        self.where.setText(_FIRST)

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.cursor.events.position.disconnect(self._on_cursor)
        self._latest.forget()
        self.plot.let_go()

    def show_pixel(self, y: int, x: int) -> None:
        """Show the curve of a pixel as soon as it is known."""
        if self._looked is not None:
            self._latest.ask(partial(_curve, self._looked, _Pixel(y, x)))

    def _on_follow(self, on: bool) -> None:
        if on and self._looked is None:
            self.requested.emit()

    def _on_cursor(self, _event: Any = None) -> None:
        if self._looked is None or not self.follow.isChecked() or not self.isVisibleTo(self.window()):
            return
        pixel = _under(self._looked, self._viewer.cursor.position)
        if pixel is not None and self._viewer.dims.ndisplay == 2:
            self.show_pixel(*pixel)

    def _on_curve(self, answer: "tuple[Looked, _Pixel, FocusCurve]") -> None:
        looked, pixel, curve = answer
        if looked is not self._looked:
            return
        source = looked.setup.source
        step = None if source is None else micrometres(looked.layer, looked.axis)
        names = [] if source is not None else looked.setup.slices
        unit = "" if names else "z (µm)" if step else "slice"
        index, what = _found(looked, pixel, self._viewer.layers)
        mark = None if index is None else float(np.interp(index, range(len(curve.z)), curve.z))
        self.plot.show_curves(list(curve.z), [curve.deep, curve.sf], unit, names, mark)
        text = _described(looked.setup, pixel, curve)
        self.where.setText(text if mark is None else f"{text} Line: {what} {mark:.3g}{' µm' if step else ''}.")

    def _on_failed(self, error: Exception) -> None:
        self.where.setText(f"The focus curve could not be computed ({error}).")


def _curve(looked: Looked, pixel: _Pixel) -> "tuple[Looked, _Pixel, FocusCurve]":
    return looked, pixel, looked.focus.curve(*pixel)


def _under(looked: Looked, position: Sequence[float]) -> _Pixel | None:
    """The pixel at a position of the world, in the layer that was looked at; None beside it."""
    layer = looked.layer
    point = np.asarray(position, dtype=float)[-layer.ndim :]
    if len(point) < layer.ndim:
        return None
    at = np.round(layer.world_to_data(point)).astype(int)
    y, x = (int(at[axis]) for axis in plane_axes(layer, looked.axis))
    height, width = looked.setup.stack.shape[1:3] if looked.setup.source else looked.setup.slice(0).shape[:2]
    return _Pixel(y, x) if 0 <= y < height and 0 <= x < width else None


def _described(setup: Setup, pixel: _Pixel, curve: "FocusCurve") -> str:
    """Where the pixel is, and where it is sharpest."""
    here = f"y {pixel.y}, x {pixel.x}: "
    # Deep features never are quite still, so that the grey values have to tell.
    if curve.sf.max() < _STILL:
        return f"{here}no activity in any slice."
    deep, sf = (setup.slices[int(values.argmax())] for values in (curve.deep, curve.sf))
    return f"{here}sharpest in {deep}" + ("." if deep == sf else f" by deep SF, in {sf} by pixel SF.")


def _found(looked: Looked, pixel: _Pixel, layers: Any) -> tuple[float | None, str]:
    """Depth that the last fusion found for a pixel, or else the slice it took, in slices from 0 on; None: not known."""
    source = looked.setup.source
    depth, decision = (None if source is None else result_of(source, role, layers) for role in ("depth", "decision"))
    here = _value(depth, pixel)
    if depth is not None and np.isfinite(here):
        note = note_of(depth)
        return here / ((note["z_step"] or 1.0) * note.get("refractive_index", 1.0)), "depth"
    label = _value(decision, pixel)
    return (label - 1, "taken from") if label > 0 else (None, "")


def _value(layer: "Layer | None", pixel: _Pixel) -> float:
    """Value of a (Y, X) layer at a pixel; NaN where there is none."""
    inside = layer is not None and all(at < size for at, size in zip(pixel, layer.data.shape, strict=True))
    return float(layer.data[pixel]) if layer is not None and inside else float("nan")
