"""What is measured: the layers and their roles, the stack axis, the value of white, and why it cannot be measured."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from qtpy.QtCore import QLocale, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QVBoxLayout, QWidget

from napari_focusfuse.core.metrics.metric import likely_white
from napari_focusfuse.gui.common.form import form_layout, narrow
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.results import is_result, source_of
from napari_focusfuse.gui.layers.source import axis_name, data_of, micrometres
from napari_focusfuse.gui.measure.roles import Roles, RoleTable, offered, propose
from napari_focusfuse.gui.measure.setup import Setup, problem_of, setup_of

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["MeasureForm", "WhiteBox"]

_TIP = (
    "The grey value that metrics treat as 1: PSNR, SSIM and others change with it.\n"
    "Proposed: the largest value of an 8-bit or 16-bit integer type; for floats and wider integers\n"
    "the scale that the sources seem to have (1, 255, 4095, 65535 or their maximum).\n"
    "Images of a 12-bit camera are 4095 bright at most, whatever their type."
)
_LEAST, _GREATEST, _DIGITS = 1e-6, 1e20, 12
#: Slices looked at for a proposal.
_LOOKS = 9


class WhiteBox(QDoubleSpinBox):
    """The value of white; proposed until somebody chooses one."""

    #: A value was chosen or proposed.
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._chosen = False
        self.setDecimals(6)
        self.setRange(_LEAST, _GREATEST)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)
        self.setToolTip(_TIP)
        self.setValue(1)
        self.valueChanged.connect(self._on_changed)

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number without trailing zeros."""
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        return locale.toString(value, "g", _DIGITS)

    def forget(self) -> None:
        """The sources are others: what was chosen for them no longer holds."""
        self._chosen = False

    def propose(self, setup: Setup) -> None:
        """Show the likely white of these sources, unless one was chosen."""
        if self._chosen or not setup.slices:
            return
        self.setValue(likely_white(np.dtype(setup.slice(0).dtype), _some(setup)))
        self._chosen = False

    def _on_changed(self, _value: float) -> None:
        self._chosen = True
        self.changed.emit()


def _some(setup: Setup) -> Iterator[Any]:
    """A few slices; of a lazy stack one, as the viewer waits."""
    last = len(setup.slices) - 1
    lazy = setup.source is not None and not isinstance(setup.source.data, np.ndarray)
    for k in [last // 2] if lazy else sorted({round(k) for k in np.linspace(0, last, _LOOKS)}):
        yield setup.slice(k)


_AXIS_ROW = 0
_NOTHING = "Open the fused images and their source images first."
#: Events of a source after which it is another one.
_LAYER_EVENTS = ("data", "scale", "units", "translate", "affine")


class MeasureForm(QWidget):
    """The layers by what they are; a view of `Roles`.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    """

    #: What would be measured is another than before.
    changed = Signal()
    #: The sources are others, or look different; `changed` follows.
    sources_changed = Signal()
    #: The layer of this name holds other pixels; `changed` follows.
    pixels_changed = Signal(str)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._known: list[Image] = []
        self._sources: tuple[Image, ...] = ()
        self._followed: list[tuple[Any, Callable[[Any], None]]] = []
        self._proposing = True
        self.roles = RoleTable()
        self.axis_box = ComboBox(choices=self._offered_axes, tooltip="The axis of the slices.")
        self.about = PlainLabel()
        self.about.setWordWrap(True)
        self.rows = form_layout()
        self.rows.addRow("Stack axis", narrow(self.axis_box).native)
        self.rows.setRowVisible(_AXIS_ROW, False)
        self.white = WhiteBox()
        self.rows.addRow("White", self.white)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.roles)
        layout.addLayout(self.rows)
        layout.addWidget(self.about)
        self.roles.ticked.connect(self._on_ticked)
        self.roles.changed.connect(self._on_roles)
        self.axis_box.changed.connect(self._on_source)
        self.white.changed.connect(self._refresh)
        viewer.dims.events.point.connect(self._on_point)

    def value(self) -> Roles:
        """The layers by what they are."""
        return self.roles.value()

    def set_value(self, roles: Roles) -> None:
        """Say what the layers are."""
        self._proposing = False
        self.roles.set_layers(offered(self._viewer.layers))
        self.roles.set_value(roles)

    @property
    def axis(self) -> int:
        """The stack axis of the source."""
        return int(self.axis_box.value or 0)

    @axis.setter
    def axis(self, axis: int) -> None:
        self.axis_box.value = axis

    def choose(self, layers: "Iterable[Image]") -> None:
        """Give these layers, and those that belong to them, the roles that they most likely have."""
        chosen, there = list(layers), offered(self._viewer.layers)
        self.set_value(propose([layer for layer in there if layer in chosen], there))

    def reset_choices(self) -> None:
        """Offer the image layers there are. As long as no role was given by hand, the most likely ones are proposed."""
        layers = offered(self._viewer.layers)
        new = [layer for layer in layers if layer not in self._known]
        self._known = layers
        self.roles.set_layers(layers)
        roles = self.value()
        if self._proposing or not (roles.sources or roles.fused or roles.truth):
            self._proposing = True
            self.roles.set_value(propose(layers, layers))
        elif roles.stack is not None:
            made = [layer for layer in new if is_result(layer) and source_of(layer, layers) is roles.stack]
            self.roles.set_value(replace(roles, fused=(*roles.fused, *made)))
        self._refresh()

    def problem(self) -> str | None:
        """Why nothing can be measured, in one sentence; None if it can."""
        if not self._known:
            return _NOTHING
        return problem_of(self.value(), self.axis, self._viewer.dims.point)

    def sources_problem(self) -> str | None:
        """Why the sources alone cannot be looked at; None if they can."""
        roles = replace(self.value(), fused=(), truth=None)
        return problem_of(roles, self.axis, self._viewer.dims.point, with_fused=False)

    def setup(self) -> Setup:
        """Freeze what is shown."""
        return replace(setup_of(self.value(), self.axis, self._viewer.dims.point), white=self.white.value())

    def state(self) -> dict[str, Any]:
        """What scores depend on, pixels apart, by what it is called."""
        roles, source = self.value(), self.setup().source
        return {
            "the roles": (set(roles.sources), set(roles.fused), roles.truth),
            "the stack axis": self.axis,
            "the time point or channel": None if source is None else source.position,
            "White": self.white.value(),
        }

    def step(self) -> float | None:
        """Spacing of the slices, um; None where it is not known."""
        stack = self.value().stack
        return None if stack is None else micrometres(stack, self.axis)

    def shown_slice(self) -> int:
        """The slice of the stack that the viewer shows, from 0 on."""
        stack = self.value().stack
        if stack is None:
            return 0
        at = stack.world_to_data(np.asarray(self._viewer.dims.point)[-stack.ndim :])[self.axis]
        return int(np.clip(round(float(at)), 0, data_of(stack).shape[self.axis] - 1))

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._follow(Roles())

    def _refresh(self) -> None:
        """Say what would be measured, or why nothing can be."""
        self.about.setText(self.problem() or self._description())
        self.changed.emit()

    def _description(self) -> str:
        setup = self.setup()
        first = setup.slice(0)
        kind = f"{first.shape[0]} x {first.shape[1]} px, {'RGB, ' if setup.rgb else ''}{first.dtype}"
        sources = f"{len(setup.slices)} {'slices' if setup.source else 'images'} of {kind}"
        count = f"{len(setup.fused)} fused image{'s' if len(setup.fused) > 1 else ''}"
        return f"{sources}; {count}{', with' if setup.truth is not None else ', without'} truth"

    def _offered_axes(self, _box: object) -> list[tuple[str, int]]:
        stack = self.value().stack
        if stack is None:
            return []
        shape = data_of(stack).shape
        return [(f"{axis_name(stack, i)} ({shape[i]} slices)", i) for i in range(stack.ndim)]

    def _read_axes(self) -> None:
        """Offer the axes of the stack and propose one."""
        stack = self.value().stack
        with self.axis_box.changed.blocked():
            self.axis_box.choices = ()
            self.axis_box.reset_choices()
            if stack is not None:
                self.axis_box.value, self.axis_box.tooltip = propose_axis(stack)
        self.rows.setRowVisible(_AXIS_ROW, stack is not None)

    def _follow(self, roles: Roles) -> None:
        """Notice when a layer with a role changes."""
        for emitter, slot in self._followed:
            emitter.disconnect(slot)
        measured = [layer for layer in (*roles.sources, *roles.fused, roles.truth) if layer is not None]
        self._followed = [
            *((getattr(layer.events, name), self._on_source) for layer in roles.sources for name in _LAYER_EVENTS),
            *((layer.events.data, self._on_pixels) for layer in measured),
        ]
        for emitter, slot in self._followed:
            emitter.connect(slot)

    def _on_ticked(self) -> None:
        self._proposing = False

    def _on_roles(self) -> None:
        roles = self.value()
        self._follow(roles)
        if roles.sources != self._sources:
            self._sources = roles.sources
            self._read_axes()
            self.white.forget()
            self.white.propose(self.setup())
            self.sources_changed.emit()
        self._refresh()

    def _on_source(self, _event: Any = None) -> None:
        self.white.propose(self.setup())
        self.sources_changed.emit()
        self._refresh()

    def _on_pixels(self, event: Any) -> None:
        self.pixels_changed.emit(event.source.name)
        self._refresh()

    def _on_point(self, _event: Any = None) -> None:
        stack = self.value().stack
        if stack is not None and stack.ndim > 3:
            self._refresh()
