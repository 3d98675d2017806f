"""The docked widget "Compare layers": a wipe between two layers, or both side by side; all as it was when it ends."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSlider, QVBoxLayout

from napari_focusfuse.gui.common.dock import Dock, HelpButton, end_comparisons
from napari_focusfuse.gui.common.form import form_layout, narrow
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.layers.results import is_result, note_of
from napari_focusfuse.gui.layers.source import KEY, LOOKS, data_of, lazy, place_along, plane_axes

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["Beside", "CompareWidget", "Wipe"]

#: One pane a layer, side by side.
_GRID = {"stride": 1, "shape": (1, -1), "spacing": 4, "enabled": True}
#: So near to the edge it can be dragged (px of the canvas); steps of the slider.
_NEAR, _STEPS = 12, 1000
_ROLE = "wipe"
_HINT = "Drag the edge between the two in the image, or the slider."
_CHOOSE = "Choose two different image layers."


class Beside:
    """Some layers side by side in napari's grid, and no others; as it was before when it ends."""

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = viewer
        self._before: dict[str, Any] = {}
        self._visible: list[tuple[Any, bool]] = []
        self._opacity: list[tuple[Any, float]] = []

    def start(self, shown: "Iterable[Layer]") -> None:
        """Show these layers, opaque, and no other."""
        if self._before:
            return
        shown = list(shown)
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        self._visible = [(layer, layer.visible) for layer in layers if layer.visible != (layer in shown)]
        for layer, visible in self._visible:
            layer.visible = not visible
        self._opacity = [(layer, layer.opacity) for layer in shown]
        for layer in shown:
            layer.opacity = 1.0
        grid = self._viewer.canvas.grid
        self._before = {name: getattr(grid, name) for name in _GRID}
        for name, value in _GRID.items():
            setattr(grid, name, value)

    def stop(self) -> None:
        """As it was before."""
        for name, value in reversed(self._before.items()):
            setattr(self._viewer.canvas.grid, name, value)
        for layer, visible in self._visible:
            if layer.visible != visible:
                layer.visible = visible
        for layer, opacity in self._opacity:
            layer.opacity = opacity
        self._before, self._visible, self._opacity = {}, [], []


class Wipe(QObject):
    """The right part of one layer over another layer, up to an edge that moves.

    The right part is a layer of its own for as long as it is seen; its pixels are not copied. Of a layer with further
    axes it shows what the viewer's sliders show.

    Parameters
    ----------
    viewer : Viewer
    left, right : Image
    """

    #: The edge is elsewhere: a share of the width.
    moved = Signal(float)

    def __init__(self, viewer: "Viewer", left: Image, right: Image) -> None:
        super().__init__()
        self._viewer, self._right, self._share = viewer, right, 0.5
        layers = [getattr(layer, "__wrapped__", layer) for layer in viewer.layers]
        self._visible = [(layer, layer.visible) for layer in layers]
        self._chosen, self._grid = set(viewer.layers.selection), viewer.canvas.grid.enabled
        viewer.canvas.grid.enabled = False
        plane, place = self._plane()
        looks = {} if right.rgb else {name: getattr(right, name) for name in LOOKS}
        self._pixels, self._place = plane, place
        self.part = Image(plane, name=f"{right.name} (right part)", rgb=right.rgb, **looks, **place)
        self.part.blending = "translucent_no_depth"
        self.part.bounding_box.points = False
        self.part.bounding_box.visible = True
        self.part.metadata = {KEY: self._note()}
        for layer, _ in self._visible:
            layer.visible = layer is left
        viewer.add_layer(self.part)
        self.set_share(self._share)
        viewer.mouse_drag_callbacks.append(self._on_drag)
        viewer.dims.events.point.connect(self._on_point)
        right.events.data.connect(self._on_point)

    @property
    def share(self) -> float:
        """Where the edge is, as a share of the width from the left."""
        return self._share

    def set_share(self, share: float) -> None:
        """Move the edge."""
        self._share = min(max(share, 0.0), 1.0)
        width = self._pixels.shape[1]
        cut = min(round(self._share * width), width - 1)
        self.part.visible = self._share < 1
        self.part.data = self._pixels[:, cut:]
        self.part.translate = np.asarray(self._place["translate"]) + np.asarray(self._place["scale"]) * (0, cut)
        self.moved.emit(self._share)

    def stop(self) -> None:
        """As it was before."""
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._right.events.data.disconnect(self._on_point)
        self._viewer.mouse_drag_callbacks.remove(self._on_drag)
        if self.part in self._viewer.layers:
            self._viewer.layers.remove(self.part)
        for layer, visible in self._visible:
            layer.visible = visible
        self._viewer.canvas.grid.enabled = self._grid
        self._viewer.layers.selection = {layer for layer in self._chosen if layer in self._viewer.layers}

    def _note(self) -> dict[str, Any]:
        """So that nobody takes the part for a picture of its own."""
        return {"role": _ROLE, "source_id": str(self._right.unique_id), "layer_id": str(self.part.unique_id)}

    def _plane(self) -> tuple[Any, dict[str, Any]]:
        """What the sliders show of the right layer, (Y, X[, C]), and the arguments that put a layer on it."""
        layer, data = self._right, data_of(self._right)
        axes = plane_axes(layer, -1)
        at = np.round(layer.world_to_data(np.asarray(self._viewer.dims.point)[-layer.ndim :])).astype(int)
        fixed = {i: int(np.clip(at[i], 0, data.shape[i] - 1)) for i in range(layer.ndim) if i not in axes}
        plane = np.asarray(lazy(data)[tuple(fixed.get(i, slice(None)) for i in range(layer.ndim))])
        return plane, place_along(layer, axes, fixed)

    def _on_point(self, _event: Any = None) -> None:
        self._pixels, self._place = self._plane()
        self.set_share(self._share)

    def _on_drag(self, viewer: "Viewer", event: Any) -> Iterator[None]:
        """Move the edge with the mouse, where it was pressed near it."""
        width, camera = self._pixels.shape[1], viewer.scene.camera
        pixel = abs(float(self._place["scale"][1])) * camera.zoom
        if abs(self._column(event) - self._share * width) * pixel > _NEAR:
            return
        camera.mouse_pan = False
        yield
        while event.type == "mouse_move":
            self.set_share(self._column(event) / width)
            yield
        camera.mouse_pan = True

    def _column(self, event: Any) -> float:
        """The column of the right layer under the cursor."""
        cut = self._pixels.shape[1] - self.part.data.shape[1]
        return float(self.part.world_to_data(event.position)[-1]) + 0.5 + float(cut)


class CompareWidget(Dock):
    """Compare two layers.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Compare"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._beside = Beside(napari_viewer)
        self.wipe: Wipe | None = None
        self.left = ComboBox(choices=self._offered, nullable=True, tooltip="Shown left of the edge.")
        self.right = ComboBox(choices=self._offered, nullable=True, tooltip="Shown right of the edge.")
        self.edge = QSlider(Qt.Orientation.Horizontal)
        self.edge.setRange(0, _STEPS)
        self.edge.setValue(_STEPS // 2)
        self.edge.setToolTip("Where the left layer ends and the right one begins.")
        self.grid_box = QCheckBox("Side by side")
        self.grid_box.setToolTip("Both layers in two panes that move together.")
        self.button = QPushButton("Compare")
        self.button.setCheckable(True)
        self.button.setToolTip("Show these two layers; press again to have all layers back as they were.")
        self.about = PlainLabel(_CHOOSE)
        self.about.setWordWrap(True)
        self._build()
        self.reset_choices()

    def compare(self, left: "Layer", right: "Layer") -> None:
        """Show these two layers."""
        self.button.setChecked(False)
        self.left.value, self.right.value = (getattr(layer, "__wrapped__", layer) for layer in (left, right))
        self.button.setChecked(True)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        before = self.left.value, self.right.value
        for box in (self.left, self.right):
            box.reset_choices()
        if self.button.isChecked() and (self.left.value, self.right.value) != before:
            self.button.setChecked(False)

    def let_go(self) -> None:
        """See `Dock`."""
        self.button.setChecked(False)

    def _build(self) -> None:
        form = form_layout()
        form.addRow("Left", narrow(self.left).native)
        form.addRow("Right", narrow(self.right).native)
        form.addRow("Edge", self.edge)
        foot = QHBoxLayout()
        foot.addWidget(self.button, 1)
        foot.addWidget(HelpButton("comparing.md"))
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.grid_box)
        layout.addLayout(foot)
        layout.addWidget(self.about)
        layout.addStretch()
        for box in (self.left, self.right):
            box.changed.connect(self._on_choice)
        self.edge.valueChanged.connect(self._on_edge)
        self.grid_box.toggled.connect(self._on_choice)
        self.button.toggled.connect(self._on_toggled)

    def end_comparison(self) -> None:
        """See `Dock`."""
        self.button.setChecked(False)

    def _offered(self, _box: object) -> "list[tuple[str, Layer]]":
        layers = (getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers)
        images = [layer for layer in layers if isinstance(layer, Image)]
        return [(layer.name, layer) for layer in images if not (is_result(layer) and note_of(layer)["role"] == _ROLE)]

    def _on_toggled(self, on: bool) -> None:
        left, right = self.left.value, self.right.value
        self._end()
        self.about.setText("")
        if not on:
            return
        if left is None or right is None or left is right:
            self.button.setChecked(False)
            self.about.setText(_CHOOSE)
            return
        end_comparisons(self._viewer, but=self)
        if self.grid_box.isChecked():
            self._beside.start([left, right])
        else:
            self._viewer.dims.ndisplay = 2
            self.wipe = Wipe(self._viewer, left, right)
            self.wipe.set_share(self.edge.value() / _STEPS)
            self.wipe.moved.connect(self._on_moved)
            self.about.setText(_HINT)

    def _end(self) -> None:
        self._beside.stop()
        wipe, self.wipe = self.wipe, None
        if wipe is not None:
            wipe.stop()

    def _on_choice(self, _value: object = None) -> None:
        """Show the others in the place of those that are shown."""
        self.edge.setEnabled(not self.grid_box.isChecked())
        if self.button.isChecked():
            self._on_toggled(True)

    def _on_moved(self, share: float) -> None:
        self.edge.blockSignals(True)
        self.edge.setValue(round(_STEPS * share))
        self.edge.blockSignals(False)

    def _on_edge(self, value: int) -> None:
        if self.wipe is not None:
            self.wipe.set_share(value / _STEPS)
