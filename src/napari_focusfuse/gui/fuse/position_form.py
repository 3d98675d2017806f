"""Where it is fused: this position or all, the deciding channel, the whole image or a region; rows of the form."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Image, Shapes
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFormLayout

from napari_focusfuse.config.fusion import DECIDE_ON, DecideOn
from napari_focusfuse.gui.common.form import narrow
from napari_focusfuse.gui.fuse.preview_work import visible_part
from napari_focusfuse.gui.layers.source import Source, axis_name, data_of, further_axes, plane_axes

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["PositionForm", "RegionForm", "channel_axis", "cropped", "long_axes"]

_CHANNEL = ("c", "channel", "channels", "ch")
_TIME = ("t", "time")
#: What the places along these are.
_CALLED = {**dict.fromkeys(_CHANNEL, "channels"), **dict.fromkeys(_TIME, "time points")}
#: An axis that is longer is hardly one of channels, unless it is called so.
_MANY = 12
_WHICH = (
    "Fuse the stack at the viewer's slider position, or the stack at every position of the other axes.\n"
    "The results of all positions keep these axes."
)
_WHO = (
    "All channels of a time point share one decision map, so that they stay registered.\n"
    "sum: all channels, each weighted by its squared signal-to-noise ratio.\n"
    "each: every channel has its own decision map."
)
#: The axis of the channels, None for none, and the deciding channel.
Choice = tuple[int | None, DecideOn]


def long_axes(layer: Image, axis: int) -> list[int]:
    """The axes longer than 1 that are neither the stack axis nor in a slice."""
    return [i for i in further_axes(layer, axis, [0.0] * layer.ndim) if data_of(layer).shape[i] > 1]


def channel_axis(layer: Image, axes: list[int]) -> int | None:
    """The one of these axes that the layer calls channel."""
    return next((i for i in axes if str(layer.axis_labels[i]).lower() in _CHANNEL), None)


class PositionForm(QObject):
    """A view of which positions are fused and which channel decides.

    Parameters
    ----------
    parent : QObject, optional
    """

    #: Another choice was made.
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: QFormLayout | None = None
        self._decides = True
        self._shown: tuple[Any, ...] = ()
        self._choices: tuple[list[tuple[str, bool]], list[tuple[str, Choice]]] = ([], [])
        self.positions = narrow(ComboBox(choices=lambda _box: self._choices[0], tooltip=_WHICH))
        self.decide_on = narrow(ComboBox(choices=lambda _box: self._choices[1], tooltip=_WHO))
        self.positions.changed.connect(self._on_changed)
        self.decide_on.changed.connect(self._on_changed)

    @property
    def whole(self) -> bool:
        """Whether all positions are fused."""
        return bool(self.positions.value)

    @property
    def deciding(self) -> Choice:
        """The channel axis, and the deciding channel."""
        choice: Choice = self.decide_on.value or (None, "each")
        return choice

    def add_to(self, form: QFormLayout) -> None:
        """Add the rows."""
        form.addRow("Positions", self.positions.native)
        form.addRow("Deciding channel", self.decide_on.native)
        self._rows = form
        self._refresh()

    def read(self, layer: Image | None, axis: int) -> None:
        """Offer what a layer has to choose from; a choice stays if it is the same layer."""
        axes = [] if layer is None or layer.ndim < 4 else long_axes(layer, axis)
        sizes = [(i, axis_name(layer, i), int(data_of(layer).shape[i])) for i in axes]
        shown = (None if layer is None else layer.unique_id, *sizes)
        if shown == self._shown:
            return
        self._shown = shown
        self._choices = _positions(sizes), _deciders(layer, axes, sizes)
        for box in (self.positions, self.decide_on):
            with box.changed.blocked():
                box.reset_choices()
                if len(box):
                    box.value = box.choices[0]
        self._refresh()

    def set_decides(self, decides: bool) -> None:
        """Say whether the method makes a decision."""
        self._decides = decides
        self._refresh()

    def _on_changed(self, _value: object) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        self.decide_on.enabled = self.whole and self._decides
        if self._rows is not None:
            self._rows.setRowVisible(self.positions.native, bool(self._choices[0]))
            self._rows.setRowVisible(self.decide_on.native, len(self._choices[1]) > 1)


def _positions(sizes: list[tuple[int, str, int]]) -> list[tuple[str, bool]]:
    if not sizes:
        return []
    every = " x ".join(f"{n} {_CALLED.get(name.lower(), name)}" for _, name, n in sizes)
    return [("where the sliders are", False), (f"all: {every}", True)]


def _deciders(layer: Image | None, axes: list[int], sizes: list[tuple[int, str, int]]) -> list[tuple[str, Choice]]:
    """Who may decide, the default first: channels of the axis that is called so, or of one that is called nothing."""
    named = None if layer is None else channel_axis(layer, axes)
    if named is not None:
        _, name, n = next(size for size in sizes if size[0] == named)
        return [
            (f"sum of all {name}", (named, DECIDE_ON)),
            *((f"{name} = {k}", (named, k)) for k in range(n)),
            (f"each {name}", (named, "each")),
        ]
    offered: list[tuple[str, Choice]] = [("each position", (None, "each"))]
    for i, name, n in sizes:
        if name.lower() not in _TIME and n <= _MANY:
            offered.append((f"sum along {name}", (i, "sum")))
            offered.extend((f"{name} = {k}", (i, k)) for k in range(n))
    return offered


_REGION = (
    "Fuse only a part at full size, for trying: what the canvas shows, or the last rectangle of a Shapes layer "
    "(or the selected one).\n"
    "Brightness and noise are measured there alone, so the whole image can differ a little."
)
_ALL_POSITIONS = "Not available when all positions are fused."
#: Sides of a region, px, at least.
_LEAST = 32


class RegionForm(QObject):
    """A view of which part of the image is fused.

    Parameters
    ----------
    viewer : Viewer
        Its canvas and its Shapes layers are offered.
    parent : QObject, optional
    """

    #: Another choice was made.
    changed = Signal()

    def __init__(self, viewer: "Viewer", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.box = narrow(ComboBox(choices=self._offered, tooltip=_REGION))
        self.box.changed.connect(self._on_changed)

    def offer(self, *, one_stack: bool) -> None:
        """Offer what there is to choose from; nothing but the whole where all positions are fused."""
        self.box.reset_choices()
        self.box.enabled = one_stack
        self.box.tooltip = _REGION if one_stack else f"{_ALL_POSITIONS}\n{_REGION}"

    @property
    def chosen(self) -> str:
        """What is fused, for people; "" for the whole image."""
        return str(self.box.current_choice) if self.box.value is not None and self.box.enabled else ""

    def problem(self) -> str | None:
        """Why there is no such region, in a sentence; None if there is."""
        chosen = self.box.value
        if not self.chosen or not isinstance(chosen, Shapes) or "rectangle" in chosen.shape_type:
            return None
        return f"Draw a rectangle in {chosen.name!r} first, or choose another region."

    def cut(self, source: Source, axis: int) -> tuple[Source, list[int]]:
        """A stack as it is fused, and where it begins and how large it is (y, x, height, width); empty: all of it."""
        chosen, layer = self.box.value, source.layer
        if not self.chosen:
            return source, []
        plane = plane_axes(layer, axis)
        if isinstance(chosen, Shapes):
            y, x = _rectangle(self._viewer, chosen, layer, plane)
        else:
            y, x = visible_part(self._viewer, layer, plane, _LEAST)
        height, width = (int(data_of(layer).shape[i]) for i in plane)
        if (y, x) == (slice(0, height), slice(0, width)):
            return source, []
        return cropped(source, (y, x)), [y.start, x.start, y.stop - y.start, x.stop - x.start]

    def _offered(self, _box: object) -> list[tuple[str, Any]]:
        own = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        shapes = [layer for layer in own if isinstance(layer, Shapes)]
        return [
            ("whole image", None),
            ("current view", "view"),
            *((f"rectangle in {layer.name}", layer) for layer in shapes),
        ]

    def _on_changed(self, _value: object) -> None:
        self.changed.emit()


def cropped(source: Source, where: tuple[slice, slice]) -> Source:
    """A part of the rows and columns of a stack, in its place; nothing is copied."""
    index: list[slice] = list(where)
    index.insert(source.axis, slice(None))
    start = np.array([side.start for side in where], dtype=float)
    place = {**source.place, "translate": np.asarray(source.place["translate"]) + source.place["scale"] * start}
    return replace(source, title=f"{source.title} region", data=source.data[tuple(index)], place=place)


def _rectangle(viewer: "Viewer", shapes: Shapes, layer: Image, plane: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a layer within a rectangle: the one that is selected, or the last."""
    drawn = [k for k, kind in enumerate(shapes.shape_type) if kind == "rectangle"]
    chosen = [k for k in drawn if k in shapes.selected_data] or drawn
    corners = []
    for corner in shapes.data[chosen[-1]]:
        point = np.array(viewer.dims.point, dtype=float)
        point[-shapes.ndim :] = shapes.data_to_world(corner)
        corners.append(np.asarray(layer.world_to_data(point[-layer.ndim :]))[list(plane)])
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    sides = []
    for i, axis in enumerate(plane):
        n = int(data_of(layer).shape[axis])
        start = int(np.clip(np.floor(low[i] + 0.5), 0, max(n - _LEAST, 0)))
        sides.append(slice(start, int(np.clip(np.ceil(high[i] + 0.5), min(start + _LEAST, n), n))))
    return sides[0], sides[1]
