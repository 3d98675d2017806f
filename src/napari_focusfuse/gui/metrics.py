"""The docked widget "Measure fused images": scores, focus curves and maps."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui._focus_tab import FocusTab, Looked
from napari_focusfuse.gui._form import form_layout, narrow
from napari_focusfuse.gui._layers import is_result, source_of
from napari_focusfuse.gui._maps import Map, show_map
from napari_focusfuse.gui._maps_tab import MapsTab, map_work
from napari_focusfuse.gui._plots import BarPlot
from napari_focusfuse.gui._roles import Roles, RoleTable, offered, propose
from napari_focusfuse.gui._run_panel import RunPanel
from napari_focusfuse.gui._score_table import ScoreTable
from napari_focusfuse.gui._setup import Setup, problem_of, setup_of
from napari_focusfuse.gui._source import axis_name, data_of, micrometres, propose_axis
from napari_focusfuse.gui._worker import Work, report

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.focus import Focus

__all__ = ["MetricsWidget"]

_WIDTH, _AXIS_ROW = 360, 0
_NOTHING = "Open the fused images and what they were fused from first."
_BUSY = "Something is being measured: wait for it or cancel it first."
#: Events of a source after which its focus curves are others.
_LAYER_EVENTS = ("data", "scale", "units", "translate", "affine")


def _measure(setup: Setup) -> Work:
    """Measure; runs in the thread."""
    from napari_focusfuse import api

    return (yield from api.iter_compare(setup.sources, setup.fused, truth=setup.truth))


def _look(setup: Setup, step: float | None) -> Work:
    """Look at the sources, so that their focus curves can be told; runs in the thread."""
    from napari_focusfuse import api

    first = 0 if setup.source is None or step else 1
    z = [(first + k) * (step or 1.0) for k in range(len(setup.slices))]
    return (yield from api.iter_focus(setup.stack, rgb=setup.rgb, z=z))


class MetricsWidget(QWidget):
    """Measure fused images; a view of `Roles`.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._stop = Event()
        self._started: Setup | None = None
        self._known: list[Image] = []
        self._proposing = True
        self._sources: tuple[Image, ...] = ()
        metrics = list(METRICS.values())
        self.roles = RoleTable()
        self.axis_box = ComboBox(choices=self._offered_axes, tooltip="The axis along which the slices lie.")
        self.about = QLabel()
        self.panel = RunPanel()
        self.table = ScoreTable(metrics)
        self.bars = BarPlot(napari_viewer)
        self.focus = FocusTab(napari_viewer)
        self.maps = MapsTab(metrics)
        self.tabs = QTabWidget()
        self.copy_button, self.save_button = QPushButton("Copy table"), QPushButton("Save as CSV…")
        self._build()
        self._connect()
        self.reset_choices()

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

    def choose(self, layers: "list[Image]") -> None:
        """Give these layers, and those that belong to them, the roles that they most likely have."""
        there = offered(self._viewer.layers)
        self.set_value(propose([layer for layer in there if layer in layers], there))

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change.

        As long as no role was given by hand, the most likely ones are proposed.
        """
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

    def run(self) -> None:
        """Measure the fused images; the table shows their scores."""
        hint = self.problem()
        if self._may_start(hint):
            setup = self._started = self._setup()
            self._start(partial(_measure, self._guarded(setup)), f"Measuring {setup.title}", self._on_scores)

    def cancel(self) -> None:
        """Stop what is being done; table and layers stay as they are."""
        self._stop.set()
        self.panel.cancel()

    def look(self) -> None:
        """Get ready for focus curves."""
        hint = self._sources_problem()
        if not self._may_start(hint):
            self.focus.forget()
            return
        setup = self._started = self._setup()
        begin = partial(_look, setup, self._step())
        self._start(begin, f"Looking at {setup.title}", self._on_looked)

    def add_map(self) -> None:
        """Add the map chosen as a layer."""
        hint = self.maps.problem()
        hint = self.problem() if hint is None and self.maps.fused.enabled else hint or self._sources_problem()
        if not self._may_start(hint):
            return
        setup, choice = self._setup(), self.maps.value()
        if choice.slice == -1:
            choice = replace(choice, slice=self._shown_slice())
        self._started = setup
        looked = self.focus.looked
        look = partial(_look, setup, self._step())
        work = partial(map_work, self._guarded(setup), choice, None if looked is None else looked.focus, look)
        self._start(work, f"Making a map of {setup.title}", self._on_map)

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the table as comma-separated values."""
        from napari_focusfuse import api

        try:
            api.save_table(path, self.table.rows(), overwrite=overwrite)
        except FocusFuseError as error:
            text = report(error, "Saving the scores")
        else:
            text = f"Saved in {path}"
        self.panel.show_status(text)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Stop when napari takes the widget out of its dock for good."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
            self._let_go()

    def _build(self) -> None:
        self.panel.run_button.setText("Measure")
        self.about.setWordWrap(True)
        form = self._form = form_layout()
        form.addRow("Stack axis", narrow(self.axis_box).native)
        form.setRowVisible(_AXIS_ROW, False)
        layout = QVBoxLayout(self)
        self.setMinimumWidth(_WIDTH)
        layout.addWidget(self.roles)
        layout.addLayout(form)
        layout.addWidget(self.about)
        layout.addWidget(self.panel)
        layout.addWidget(self.tabs, 1)
        self.tabs.addTab(self._score_tab(), "Scores")
        self.tabs.addTab(self.focus, "Focus curve")
        self.tabs.addTab(self.maps, "Maps")

    def _score_tab(self) -> QWidget:
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.table)
        parts.addWidget(self.bars)
        parts.setStretchFactor(0, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy_button)
        buttons.addWidget(self.save_button)
        tab = QWidget()
        layout = QVBoxLayout(tab)
        layout.addWidget(parts, 1)
        layout.addLayout(buttons)
        return tab

    def _connect(self) -> None:
        self.roles.ticked.connect(self._on_ticked)
        self.roles.changed.connect(self._on_roles)
        self.axis_box.changed.connect(self._on_axis)
        self.panel.requested.connect(self.run)
        self.panel.cancel_button.clicked.connect(self._on_cancel)
        self.panel.busy_changed.connect(self._on_busy)
        self.table.chosen.connect(self._on_row)
        self.focus.requested.connect(self.look)
        self.maps.requested.connect(self.add_map)
        self.tabs.currentChanged.connect(self._on_tab)
        self.copy_button.clicked.connect(self._on_copy)
        self.save_button.clicked.connect(self._on_save)
        self._viewer.dims.events.point.connect(self._on_point)

    def _let_go(self) -> None:
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._follow(())
        self.focus.let_go()
        self.bars.let_go()

    def _setup(self) -> Setup:
        return setup_of(self.value(), self.axis, self._viewer.dims.point)

    def _sources_problem(self) -> str | None:
        roles = replace(self.value(), fused=(), truth=None)
        return problem_of(roles, self.axis, self._viewer.dims.point, with_fused=False)

    def _step(self) -> float | None:
        """Spacing of the slices, um; None where it is not known."""
        stack = self.value().stack
        return None if stack is None else micrometres(stack, self.axis)

    def _shown_slice(self) -> int:
        stack = self.value().stack
        if stack is None:
            return 0
        at = stack.world_to_data(np.asarray(self._viewer.dims.point)[-stack.ndim :])[self.axis]
        return int(np.clip(round(float(at)), 0, data_of(stack).shape[self.axis] - 1))

    def _guarded(self, setup: Setup) -> Setup:
        self._stop = Event()
        return setup.guarded(self._stop.is_set)

    def _may_start(self, hint: str | None) -> bool:
        from napari.utils.notifications import show_error, show_info

        if self.panel.busy:
            show_info(_BUSY)
        elif hint is not None:
            show_error(hint)
        return hint is None and not self.panel.busy

    def _start(self, begin: Callable[[], Work], title: str, done: Callable[[Any], None]) -> None:
        self.panel.start(begin, title, done)

    def _refresh(self) -> None:
        """Say what would be measured, or why nothing can be."""
        hint = self.problem()
        self.about.setText(hint or self._description())
        self.panel.set_ready(hint is None)
        ready = self._sources_problem() is None
        self.focus.follow.setEnabled(ready)
        self.maps.set_setup(self._setup() if ready else None)

    def _description(self) -> str:
        setup = self._setup()
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

    def _follow(self, layers: "tuple[Image, ...]") -> None:
        """Notice when a source changes."""
        for name in _LAYER_EVENTS:
            for layer in self._sources:
                getattr(layer.events, name).disconnect(self._on_source)
            for layer in layers:
                getattr(layer.events, name).connect(self._on_source)
        self._sources = layers

    def _on_ticked(self) -> None:
        self._proposing = False

    def _on_roles(self) -> None:
        sources = self.value().sources
        if sources != self._sources:
            self._follow(sources)
            self._read_axes()
            self.focus.forget()
        self._refresh()

    def _read_axes(self) -> None:
        stack = self.value().stack
        with self.axis_box.changed.blocked():
            self.axis_box.choices = ()
            self.axis_box.reset_choices()
            if stack is not None:
                self.axis_box.value, self.axis_box.tooltip = propose_axis(stack)
        self._form.setRowVisible(_AXIS_ROW, stack is not None)

    def _on_axis(self, _axis: int) -> None:
        self.focus.forget()
        self._refresh()

    def _on_source(self, _event: Any = None) -> None:
        self.focus.forget()
        self._refresh()

    def _on_point(self, _event: Any = None) -> None:
        stack = self.value().stack
        if stack is None or stack.ndim < 4:
            return
        looked = self.focus.looked
        if looked is not None and looked.setup.origin() != self._setup().origin():
            self.focus.forget()
        self._refresh()

    def _on_cancel(self) -> None:
        self._stop.set()

    def _on_busy(self) -> None:
        idle = not self.panel.busy
        self.maps.add_button.setEnabled(idle)
        for button in (self.copy_button, self.save_button):
            button.setEnabled(bool(self.table.scores()))
        if idle and self.focus.looked is None:
            self.focus.follow.setChecked(False)

    def _on_scores(self, scores: dict[str, dict[str, float]]) -> None:
        self.table.show_scores(scores)
        there = {str(layer.unique_id) for layer in self._viewer.layers}
        ids = {} if self._started is None else self._started.ids
        gone = [repr(name) for name in scores if ids.get(name) not in there]
        text = f"{len(scores)} fused image{'s' if len(scores) > 1 else ''} measured."
        if self._started is not None and self._started.truth is None:
            text += " Without a truth no score says which one is right."
        if gone:
            text += f" Removed meanwhile, scored as it was: {', '.join(gone)}."
        self.panel.show_status(text)

    def _on_looked(self, focus: "Focus") -> None:
        setup = self._started
        roles = self.value()
        if setup is not None and roles.sources and setup.origin() == self._setup().origin():
            stack = roles.stack
            layer, axis = (roles.sources[0], -1) if stack is None else (stack, self.axis)
            self.focus.set_looked(Looked(focus, setup, layer, axis))

    def _on_map(self, made: "tuple[Map, Focus | None]") -> None:
        shown, focus = made
        if focus is not None and self.focus.looked is None:
            self._on_looked(focus)
        layer = show_map(self._viewer, shown)
        self.panel.show_status(f"Added the layer {layer.name!r}.")

    def _on_row(self) -> None:
        metric = self.table.chosen_metric()
        if metric is not None:
            values = {name: own[metric.name] for name, own in self.table.scores().items()}
            best = {"high": "high is good", "low": "low is good", "zero": "near 0 is good"}[metric.better]
            self.bars.show_values(f"{metric.title} ({best})", values, metric.best(list(values.values())))

    def _on_tab(self, index: int) -> None:
        """The focus curve is what its tab is opened for: get ready at once, where that is possible."""
        opened = self.tabs.widget(index) is self.focus
        if opened and not self.panel.busy and self.focus.follow.isEnabled() and self.focus.looked is None:
            self.focus.follow.setChecked(True)

    def _on_copy(self) -> None:
        self.table.copy()

    def _on_save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the scores", "scores.csv", "CSV (*.csv)")
        if chosen:
            path = Path(chosen)
            named = path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv")
            # The dialog has asked for the name that was typed, and for no other.
            self.save(named, overwrite=named == path)
