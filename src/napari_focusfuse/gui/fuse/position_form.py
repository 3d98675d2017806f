"""Which positions are fused, this one or all, and which channel decides: two rows that show where there is a choice."""

from typing import Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFormLayout

from napari_focusfuse.config.fusion import DECIDE_ON, DecideOn
from napari_focusfuse.gui.common.form import narrow
from napari_focusfuse.gui.layers.source import axis_name, data_of, further_axes

__all__ = ["PositionForm", "channel_axis", "long_axes"]

_CHANNEL = ("c", "channel", "channels", "ch")
_TIME = ("t", "time")
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
    every = " x ".join(f"{n} {name}" for _, name, n in sizes)
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
