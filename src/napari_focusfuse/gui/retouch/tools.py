"""The brush of retouching and what it needs of the view: the slice at the slider, the source while a key is held."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.gui.common.form import form_layout
from napari_focusfuse.gui.layers.source import Source, axis_name, data_of, take
from napari_focusfuse.gui.retouch.session import Retoucher, retoucher_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["PEEK_KEY", "RetouchTools", "Slider", "finish_stroke", "peek"]

PEEK_KEY = "S"

_LARGEST_BRUSH = 200
_SHOWN = "The slice shown by the slider"
_TIPS = {
    "shown_button": "Paint the slice of the source that the viewer's slider shows:\n"
    "move the slider until the place is sharp, and paint it.",
    "pick_button": "Pick: click on a pixel to paint with the slice it was taken from.\nThe slider moves to that slice.",
    "second_button": "Paint each pixel with its second-best slice, not a neighbour of the chosen one if there is "
    "another:\n"
    "for places where the wrong one of two depths was chosen.",
    "erase_button": "Give pixels back to the automatic decision.",
    "brush": "Diameter of the brush. Also: Alt and moving the mouse, or the keys [ and ].",
    "colours": "Opacity of the decision map over the image; each slice has a colour.",
}
_NO_SECOND = "This decision map keeps only one slice per pixel."


class Slider:
    """The viewer's sliders as a focus stack sees them.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image or None
        The layer of the stack; None if it is gone.
    source : Source
        What of it was fused.
    """

    def __init__(self, viewer: "ViewerModel", layer: Image | None, source: Source) -> None:
        self._viewer, self._layer, self._source = viewer, layer, source
        names = [] if layer is None else [axis_name(layer, i) for i in range(layer.ndim)]
        self._axis = names.index(source.label) if source.label in names else None
        self._others = {names.index(name): k for name, k in source.position.items() if name in names}

    def slice(self) -> int | None:
        """The slice shown; None if it is unknown."""
        if self._layer is None or self._axis is None:
            return None
        shown = round(float(self._point()[self._axis]))
        return int(np.clip(shown, 0, data_of(self._layer).shape[self._axis] - 1))

    def elsewhere(self) -> str:
        """Where the viewer shows another time point or channel than was fused: "t = 1"; or nothing."""
        if self._layer is None or self._axis is None or not self._others:
            return ""
        position = take(self._layer, self._axis, self._viewer.dims.point).position
        return ", ".join(f"{name} = {k}" for name, k in position.items() if k != self._source.position.get(name))

    def show(self, k: int) -> None:
        """Move the sliders to slice `k`, and to the time point and channel that were fused."""
        if self._layer is None or self._axis is None:
            return
        point = self._point()
        for axis, value in {self._axis: k, **self._others}.items():
            point[axis] = value
        world, first = self._layer.data_to_world(point), self._viewer.dims.ndim - self._layer.ndim
        for axis in (self._axis, *self._others):
            self._viewer.dims.set_point(first + axis, float(world[axis]))

    def _point(self) -> NDArray[np.float64]:
        layer = self._layer
        if layer is None:
            raise ValueError("the layer is gone")
        return np.array(layer.world_to_data(np.asarray(self._viewer.dims.point)[-layer.ndim :]), dtype=float)


class RetouchTools(QWidget):
    """A view of a decision layer and its brush: the slice that the viewer shows is the label that is painted."""

    def __init__(self) -> None:
        super().__init__()
        self._retoucher: Retoucher | None = None
        self._slider: Slider | None = None
        self.shown_button = QRadioButton(_SHOWN)
        self.second_button = QRadioButton("Second-best slice of each pixel")
        self.erase_button = QRadioButton("Erase: back to automatic")
        self.pick_button = QPushButton("Pick")
        self.brush, self.colours = (QSlider(Qt.Orientation.Horizontal) for _ in range(2))
        self.brush.setRange(1, _LARGEST_BRUSH)
        self.colours.setRange(0, 100)
        self._group = QButtonGroup(self)
        for name, tip in _TIPS.items():
            getattr(self, name).setToolTip(tip)
        self._build()
        self._group.buttonClicked.connect(self._on_choice)
        self.pick_button.clicked.connect(self._on_pick)
        self.brush.valueChanged.connect(self._on_brush)
        self.colours.valueChanged.connect(self._on_colours)

    def set_retoucher(self, retoucher: Retoucher | None, slider: Slider | None) -> None:
        """Paint on the layer that `retoucher` follows; None: on none."""
        layer = self._layer()
        if layer is not None:
            for name, slot in self._slots():
                getattr(layer.events, name).disconnect(slot)
        self._retoucher, self._slider = retoucher, slider
        layer = self._layer()
        second = retoucher is not None and retoucher.second is not None
        self.second_button.setEnabled(second)
        self.second_button.setToolTip(_TIPS["second_button"] if second else _NO_SECOND)
        self.shown_button.setChecked(True)
        if layer is not None:
            for name, slot in self._slots():
                getattr(layer.events, name).connect(slot)
            self._on_looks()
        self.follow_slider()

    def follow_slider(self) -> None:
        """The viewer may show another slice: paint that one, if the brush paints the slice shown."""
        k, layer = None if self._slider is None else self._slider.slice(), self._layer()
        if layer is not None and k is not None and self.shown_button.isChecked():
            layer.selected_label = k + 1
        self._name_slice()

    def _build(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.shown_button, 1)
        row.addWidget(self.pick_button)
        form = form_layout()
        form.addRow("Brush", self.brush)
        form.addRow("Decision colours", self.colours)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.second_button)
        layout.addWidget(self.erase_button)
        layout.addLayout(form)
        for button in (self.shown_button, self.second_button, self.erase_button):
            self._group.addButton(button)

    def _layer(self) -> Any:
        return None if self._retoucher is None else self._retoucher.layer("decision")

    def _slots(self) -> list[tuple[str, Any]]:
        looks = self._on_looks
        return [("selected_label", self._on_selected), ("brush_size", looks), ("opacity", looks)]

    def _name_slice(self) -> None:
        layer = self._layer()
        if self._retoucher is None or layer is None or not 1 <= layer.selected_label <= self._retoucher.slices:
            self.shown_button.setText(_SHOWN)
        else:
            self.shown_button.setText(
                f"Slice {layer.selected_label - 1} (0 to {self._retoucher.slices - 1}), shown by the slider"
            )

    def _on_choice(self, button: QAbstractButton) -> None:
        layer = self._layer()
        if self._retoucher is None or layer is None:
            return
        if button is self.erase_button:
            layer.selected_label = 0
        elif button is self.second_button:
            layer.selected_label = self._retoucher.second
        else:
            self.follow_slider()

    def _on_selected(self, _event: Any = None) -> None:
        """Another label, also by napari's own means: show it here, and its slice in the viewer."""
        layer, retoucher = self._layer(), self._retoucher
        if layer is None or retoucher is None:
            return
        label = int(layer.selected_label)
        if label == 0:
            self.erase_button.setChecked(True)
        elif label == retoucher.second:
            self.second_button.setChecked(True)
        elif label <= retoucher.slices:
            self.shown_button.setChecked(True)
            if self._slider is not None and self._slider.slice() != label - 1:
                self._slider.show(label - 1)
        self._name_slice()

    def _on_pick(self) -> None:
        layer = self._layer()
        if layer is not None:
            if not layer.visible:
                layer.visible = True
            layer.mode = "pick"
            if _pick_once not in layer.mouse_drag_callbacks:
                layer.mouse_drag_callbacks.append(_pick_once)

    def _on_looks(self, _event: Any = None) -> None:
        layer = self._layer()
        if layer is not None:
            for slider, value in ((self.brush, round(layer.brush_size)), (self.colours, round(100 * layer.opacity))):
                slider.blockSignals(True)
                slider.setValue(value)
                slider.blockSignals(False)

    def _on_brush(self, size: int) -> None:
        layer = self._layer()
        if layer is not None:
            layer.brush_size = size

    def _on_colours(self, percent: int) -> None:
        layer = self._layer()
        if layer is not None:
            layer.opacity = percent / 100


def _pick_once(layer: Labels, event: Any) -> Iterator[None]:
    """After one click of the picker, paint again."""
    yield
    while event.type == "mouse_move":
        yield
    layer.mouse_drag_callbacks.remove(_pick_once)
    if layer.mode == "pick":
        layer.mode = "paint"


def finish_stroke(layer: Labels, event: Any) -> Iterator[None]:
    """Paint up to where the brush is lifted: napari paints where the mouse moves, after steps of a part of a brush."""
    last = event.position
    paints = layer.mode in ("paint", "erase") and event.button == 1 and layer.cursor != "circle_frozen"
    yield
    while event.type == "mouse_move":
        last = event.position
        yield
    if paints:
        label = layer.selected_label if layer.mode == "paint" else layer.colormap.background_value
        begin, end = (np.asarray(layer.world_to_data(at)) for at in (last, event.position))
        for part in np.linspace(0, 1, 2 + int(4 * np.abs(end - begin).max() / layer.brush_size)):
            layer.paint(begin + part * (end - begin), label)


def peek(layer: Labels) -> Iterator[None]:
    """Show the source in the place of the fused image as long as a key is held."""
    retoucher = retoucher_of(layer)
    source = None if retoucher is None else retoucher.layer("source")
    if retoucher is None or source is None:
        return
    covers = [other for other in (retoucher.layer("fused"), layer) if other is not None]
    before, hidden = [other.opacity for other in covers], not source.visible
    for other in covers:
        other.opacity = 0.0
    if hidden:
        source.visible = True
    yield
    for other, opacity in zip(covers, before, strict=True):
        other.opacity = opacity
    if hidden:
        source.visible = False
