"""Which stack is fused: image layer, stack axis and spacing, followed as the viewer changes."""

from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from napari.layers import Image, Shapes
from qtpy.QtCore import QObject, QSignalBlocker, Signal

from napari_focusfuse.gui.common.form import IndexBox, LengthBox, narrow
from napari_focusfuse.gui.layers.axes import Spacing, positions_of, propose_axis, slots_of, spacing_of, why_axis
from napari_focusfuse.gui.layers.results import is_result
from napari_focusfuse.gui.layers.source import (
    Source,
    axis_name,
    data_of,
    plane_axes,
    problem,
    take,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["StackForm"]

_NO_LAYER = (
    "Open a focus stack first: a folder of slices or a TIFF with File > Open, "
    "or File > Open Sample > Simulated focus stack."
)
_MEDIUM = (
    "Refractive index of the medium around the specimen: 1.33 water, 1.47 glycerol, 1.52 glass or oil.\n"
    "For a dry objective: depths are multiplied by the refractive index.\n"
    "Leave it at 1 if the objective is immersed in the same medium. It needs the z-step."
)
_NOT_FOR_ALL = "Not available when all positions are fused: fuse them one by one to use it."
#: Events of a layer after which its axes and spacing are read again.
_LAYER_EVENTS = ("data", "scale", "units", "axis_labels")


class StackForm(QObject):
    """Layer, stack axis, z-step and pixel size.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    parent : QObject, optional
    """

    #: What would be fused is another than before.
    changed = Signal()

    def __init__(self, viewer: "Viewer", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._followed: Image | None = None
        #: Images that are no results, and shapes, which may be regions, as they were told last.
        self._known: list[tuple[str, str]] = []
        # Choices are functions because magicgui asks again when a widget gets its parent.
        tips = "The layer that holds the focus stack.", "The axis along which the focus changes."
        self.layer_box = narrow(ComboBox(choices=self._offered_layers, tooltip=tips[0]))
        self.axis_box = narrow(ComboBox(choices=self._offered_axes, tooltip=tips[1]))
        self.z_step = LengthBox(
            "not known",
            "Distance between neighbouring slices; read from the layer's scale and units, or from its file.\n"
            "With it depths are in µm, without it in slices.",
        )
        self.medium = IndexBox(_MEDIUM)
        self._one_stack = True
        self.pixel_size = LengthBox(
            "not known",
            "Height of a pixel; read from the layer's scale and units, or from its file; written to saved "
            "files.\n"
            "The result layers always overlay the source layer exactly.",
        )
        self.layer_box.changed.connect(self._on_layer)
        self.axis_box.changed.connect(self._on_axis)
        self.z_step.valueChanged.connect(self._on_z_step)
        self.medium.valueChanged.connect(self._on_z_step)
        viewer.dims.events.point.connect(self._on_point)
        self.reset_choices()

    @property
    def layer(self) -> Image | None:
        """The layer chosen, if any."""
        layer: Image | None = self.layer_box.value
        return layer

    @layer.setter
    def layer(self, layer: Image) -> None:
        self.reset_choices()
        self.layer_box.value = getattr(layer, "__wrapped__", layer)

    @property
    def axis(self) -> int:
        """The stack axis."""
        return int(self.axis_box.value or 0)

    @axis.setter
    def axis(self, axis: int) -> None:
        self.axis_box.value = axis

    def pixel_sizes(self) -> tuple[float, float] | None:
        """Height and width of a pixel, um; the layer or its file gives their ratio."""
        height, layer = self.pixel_size.length(), self.layer
        if height is None or layer is None:
            return None
        y, x = (abs(float(layer.scale[i])) for i in plane_axes(layer, self.axis))
        y, x = spacing_of(layer, self.axis).pixel_size or (y, x)
        return height, height * x / y

    def offer_medium(self, *, one_stack: bool) -> None:
        """Let the refractive index be given, where one stack is fused and its z-step is known; say why not otherwise.

        Parameters
        ----------
        one_stack : bool
            Not all positions are fused.
        """
        self._one_stack = one_stack
        self.medium.setEnabled(one_stack and self.z_step.length() is not None)
        self.medium.setToolTip(_MEDIUM if one_stack else f"{_NOT_FOR_ALL}\n{_MEDIUM}")

    def refractive_index(self) -> float:
        """How much further the focus moves than the stage; 1 where the z-step is not known."""
        return float(self.medium.value()) if self._one_stack and self.z_step.length() is not None else 1.0

    def positions(self) -> list[float] | None:
        """Where each slice is focused, um; None if not known. As the file states it, unless the z-step was changed."""
        further = self.refractive_index()
        stage = self._stage()
        return None if stage is None else [further * z for z in stage]

    def _stage(self) -> list[float] | None:
        """Where the stage is at each slice, um."""
        step, layer = self.z_step.length(), self.layer
        if step is None or layer is None:
            return None
        stated = positions_of(layer, self.axis)
        if stated is not None and self._is_as_read(step):
            return stated
        return [slot * step for slot in slots_of(layer, self.axis)]

    def mean_step(self) -> float | None:
        """Mean distance between neighbouring slices, um: more than the z-step where slices are missing."""
        stage = self._stage()
        return self.z_step.length() if stage is None or len(stage) < 2 else float(np.ptp(stage)) / (len(stage) - 1)

    def problem(self) -> str | None:
        """Why nothing can be fused, in one sentence; None if it can."""
        return _NO_LAYER if self.layer is None else problem(self.layer, self.axis)

    def take(self) -> Source:
        """Freeze the stack shown."""
        if self.layer is None:
            raise ValueError(_NO_LAYER)
        return take(self.layer, self.axis, self._viewer.dims.point)

    def description(self, *, sizes: bool = True) -> str:
        """What would be fused and why along this axis, in a few lines.

        Parameters
        ----------
        sizes : bool
            Also say where z-step and pixel size come from, and what follows where they are not known.
        """
        source = self.take()
        height, width = (n for i, n in enumerate(source.data.shape[:3]) if i != source.axis)
        kind = f"{'RGB, ' if source.rgb else ''}{source.data.dtype}"
        where = ", ".join(f"{name} = {k}" for name, k in source.position.items())
        chosen = f"\nat {where} (set by the viewer's sliders)" if where else ""
        lines = [f"{source.slices} slices of {height} x {width} px, {kind}{chosen}", *self._reasons(sizes)]
        return "\n".join(lines)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; keep the one chosen.

        napari calls it for each layer that comes, goes or moves; `changed` tells only of those that a form looks at.
        """
        kept, known = self.layer, self._known
        able = [layer for layer in self._viewer.layers if isinstance(layer, (Image, Shapes)) and not is_result(layer)]
        self._known = [(layer.name, str(layer.unique_id)) for layer in able]
        with self.layer_box.changed.blocked():
            self.layer_box.choices = ()
            self.layer_box.reset_choices()
            if kept in self.layer_box.choices:
                self.layer_box.value = kept
        if self._known != known or self.layer is not self._followed:
            self._on_layer(self.layer)

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._follow(None)

    def _reasons(self, sizes: bool) -> list[str]:
        """Why this axis and these sizes."""
        layer = self.layer
        if layer is None:
            return []
        reasons = [why_axis(layer, self.axis)]
        if not sizes:
            return reasons
        step, read = self.z_step.length(), spacing_of(layer, self.axis)
        if step is None and data_of(layer).shape[self.axis] > 2:
            gaps = slots_of(layer, self.axis)[-1] >= data_of(layer).shape[self.axis]
            reasons.append("Depth will be in slices: the z-step is not known.")
            reasons += ["The file names skip slices: with the z-step these gaps are kept."] if gaps else []
        if read.file is not None:
            reasons.append(f"Sizes read from {read.file}.")
        if step is not None and read.z_step is not None and positions_of(layer, self.axis) is not None:
            stated = "Slice positions are read from the file: uneven, or from top to bottom."
            reasons.append(stated if self._is_as_read(step) else "Slices are one z-step apart.")
        return reasons

    def _is_as_read(self, step: float) -> bool:
        """Whether the z-step shown is the one that was read, as far as the box tells."""
        return self.layer is not None and abs(step - (spacing_of(self.layer, self.axis).z_step or 0)) < 1e-5

    def _on_layer(self, layer: Image | None) -> None:
        if layer is not self._followed:
            self._follow(layer)
            self._read_axes()
        self.changed.emit()

    def _follow(self, layer: Image | None) -> None:
        for name in _LAYER_EVENTS:
            if self._followed is not None:
                getattr(self._followed.events, name).disconnect(self._on_layer_event)
            if layer is not None:
                getattr(layer.events, name).connect(self._on_layer_event)
        self._followed = layer

    def _on_layer_event(self, _event: Any = None) -> None:
        self._read_axes()
        self.changed.emit()

    def _offered_layers(self, _box: object) -> list[tuple[str, Image]]:
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        return [(layer.name, layer) for layer in layers if isinstance(layer, Image) and not is_result(layer)]

    def _offered_axes(self, _box: object) -> list[tuple[str, int]]:
        layer = self.layer
        if layer is None or layer.ndim < 3:
            return []
        shape = data_of(layer).shape
        return [(f"{axis_name(layer, i)} ({shape[i]} slices)", i) for i in range(layer.ndim)]

    def _read_axes(self) -> None:
        """Offer the axes of the layer and propose one."""
        with self.axis_box.changed.blocked():
            self.axis_box.choices = ()
            self.axis_box.reset_choices()
            if len(self.axis_box):
                self.axis_box.value, self.axis_box.tooltip = propose_axis(self.layer)
        self._read_spacing()

    def _on_axis(self, _axis: int) -> None:
        self._read_spacing()
        self.changed.emit()

    def _on_z_step(self, _value: float) -> None:
        self.offer_medium(one_stack=self._one_stack)
        self.changed.emit()

    def _read_spacing(self) -> None:
        layer = self.layer
        known = spacing_of(layer, self.axis) if layer is not None and layer.ndim > 2 else Spacing()
        with QSignalBlocker(self.z_step):
            self.z_step.set_length(known.z_step)
        self.offer_medium(one_stack=self._one_stack)
        with QSignalBlocker(self.pixel_size):
            self.pixel_size.set_length(known.pixel_size[0] if known.pixel_size else None)

    def _on_point(self, _event: Any = None) -> None:
        if self.layer is not None and self.layer.ndim > 3:
            self.changed.emit()
