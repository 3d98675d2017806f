"""The docked widget "Measure fused images": scores, focus curves and maps."""

from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.gui.common.dock import Dock, Scrolled
from napari_focusfuse.gui.common.form import narrow
from napari_focusfuse.gui.common.plots import preload
from napari_focusfuse.gui.common.preferences import offer_all
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.measure.focus_tab import FocusTab, Looked
from napari_focusfuse.gui.measure.form import MeasureForm
from napari_focusfuse.gui.measure.maps_tab import SHOWN, Map, MapsTab, map_work, show_map
from napari_focusfuse.gui.measure.roles import Roles
from napari_focusfuse.gui.measure.score_tab import ScoreTab
from napari_focusfuse.gui.measure.setup import Measured, Setup, metrics_of, offered_sets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.focus import Focus

__all__ = ["MetricsWidget"]

_WIDTH = 360
#: Height of a form whose rows can be told apart, px.
_LEAST = 180
_WHICH_TIP = (
    "Quick ones: those that compare with the ground truth, if there is one, and of Qg, Qm, Qcb and Qy as many as\n"
    "take up to 3 s together. Qp alone takes longer than all others. Times are estimates for one core of a processor."
)
_BUSY = "Something is being measured: wait for it or cancel it first."


def _measure(setup: Setup, metrics: list[str]) -> Work:
    """Measure; runs in the thread."""
    from napari_focusfuse import api

    preload()
    options: dict[str, Any] = {
        "truth": setup.truth,
        "metrics": metrics,
        "data_range": setup.white,
        "names": setup.called,
    }
    return (yield from api.iter_compare(setup.sources, setup.fused, **options))


def _look(setup: Setup, step: float | None) -> Work:
    """Analyse the sources for their focus curves; runs in the thread."""
    from napari_focusfuse import api

    preload()
    first = 0 if setup.source is None or step else 1
    z = [(first + k) * (step or 1.0) for k in range(len(setup.slices))]
    return (yield from api.iter_focus(setup.stack, rgb=setup.rgb, z=z))


class MetricsWidget(Dock):
    """Measure fused images; a view of `Roles`.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Measure"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._stop = Event()
        self._started: Measured | None = None
        self._measured: Measured | None = None
        self._looking: Setup | None = None
        metrics = list(METRICS.values())
        self.form = MeasureForm(napari_viewer)
        self.which = ComboBox(choices=offered_sets(None), value="quick", tooltip=_WHICH_TIP)
        self.panel = RunPanel()
        self.scores = ScoreTab(napari_viewer, metrics)
        self.focus = FocusTab(napari_viewer)
        self.maps = MapsTab(metrics)
        self.tabs = QTabWidget()
        self._build()
        self.equip(self.panel, "measuring.md")
        self._connect()
        self.reset_choices()

    def value(self) -> Roles:
        """The layers by what they are."""
        return self.form.value()

    def set_value(self, roles: Roles) -> None:
        """Say what the layers are."""
        self.form.set_value(roles)

    def choose(self, layers: "Iterable[Image]") -> None:
        """Give these layers, and those that belong to them, the roles that they most likely have."""
        self.form.choose(layers)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.form.reset_choices()

    def run(self) -> None:
        """Measure the fused images; the table shows their scores."""
        hint = self.form.problem()
        if self._may_start(hint):
            setup = self.form.setup()
            self._started = Measured(setup, self.form.state())
            work = partial(_measure, self._guarded(setup), metrics_of(setup, self.which.value))
            self.panel.start(work, f"Measuring {setup.title}", self._on_scores)

    def cancel(self) -> None:
        """Stop what is being done; table and layers stay as they are."""
        self._stop.set()
        self.panel.cancel()

    def look(self) -> None:
        """Get ready for focus curves."""
        hint = self.form.sources_problem()
        if not self._may_start(hint):
            self.focus.forget()
            return
        setup = self._looking = self.form.setup()
        begin = partial(_look, setup, self.form.step())
        self.panel.start(begin, f"Focus curve of {setup.title}", self._on_looked)

    def add_map(self) -> None:
        """Add the map chosen as a layer."""
        of_slice = not self.maps.fused.enabled
        hint = self.maps.problem() or (self.form.sources_problem() if of_slice else self.form.problem())
        if not self._may_start(hint):
            return
        setup, choice = self.form.setup(), self.maps.value()
        if choice.slice == SHOWN:
            choice = replace(choice, slice=self.form.shown_slice())
        self._looking = setup
        looked = self.focus.looked
        look = partial(_look, setup, self.form.step())
        work = partial(map_work, self._guarded(setup), choice, None if looked is None else looked.focus, look)
        self.panel.start(work, f"Making a map of {setup.title}", self._on_map)

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        for part in (self.form, self.focus, self.scores):
            part.let_go()

    def _build(self) -> None:
        self.panel.run_button.setText("Measure")
        self.setMinimumWidth(_WIDTH)
        layout = QVBoxLayout(self)
        layout.addWidget(Scrolled(self.form, least=_LEAST, changes=(self.form.changed,)))
        self.form.rows.addRow("Scores", narrow(self.which).native)
        layout.addWidget(self.panel)
        layout.addWidget(self.tabs, 1)
        self.tabs.addTab(self.scores, "Scores")
        self.tabs.addTab(self.focus, "Focus curve")
        self.tabs.addTab(self.maps, "Maps")

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form)
        self.form.sources_changed.connect(self._on_sources)
        self.form.pixels_changed.connect(self._on_pixels)
        self.panel.requested.connect(self.run)
        self.panel.cancel_button.clicked.connect(self._on_cancel)
        self.panel.busy_changed.connect(self._on_busy)
        self.scores.said.connect(self.panel.show_status)
        self.focus.requested.connect(self.look)
        self.maps.requested.connect(self.add_map)
        self.tabs.currentChanged.connect(self._on_tab)

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

    def _on_form(self) -> None:
        ready = self.form.sources_problem() is None
        complete = self.form.problem() is None
        self.panel.set_ready(complete)
        self.focus.follow.setEnabled(ready)
        setup = self.form.setup() if ready else None
        self.maps.set_setup(setup)
        with self.which.changed.blocked():
            offer_all(self.which, offered_sets(setup if complete else None))
        looked = self.focus.looked
        if looked is not None and (setup is None or looked.setup.origin() != setup.origin()):
            self.focus.forget()
        self._check_scores()

    def _on_sources(self) -> None:
        """Neither what was seen of the sources nor what is being seen of them holds any more."""
        self._looking = None
        self.focus.forget()

    def _on_cancel(self) -> None:
        self._stop.set()

    def _on_busy(self) -> None:
        idle = not self.panel.busy
        self.maps.add_button.setEnabled(idle)
        if idle and self.focus.looked is None:
            self.focus.follow.setChecked(False)

    def _on_scores(self, scores: dict[str, dict[str, float]]) -> None:
        self.scores.show_scores(scores)
        self._measured = self._started
        self._check_scores()
        if self._measured is not None:
            self.panel.show_status(self._measured.summary({str(layer.unique_id) for layer in self._viewer.layers}))

    def _on_pixels(self, name: str) -> None:
        for each in (self._started, self._measured):
            if each is not None:
                each.pixels.append(name)

    def _check_scores(self) -> None:
        """Say so if the scores shown are no longer those of the layers."""
        self.scores.set_changed("" if self._measured is None else self._measured.changed(self.form.state()))

    def _on_looked(self, focus: "Focus") -> None:
        setup, roles = self._looking, self.value()
        if setup is not None and roles.sources and setup.origin() == self.form.setup().origin():
            stack = roles.stack
            layer, axis = (roles.sources[0], -1) if stack is None else (stack, self.form.axis)
            self.focus.set_looked(Looked(focus, setup, layer, axis))

    def _on_map(self, made: "tuple[Map, Focus | None]") -> None:
        shown, focus = made
        if focus is not None and self.focus.looked is None:
            self._on_looked(focus)
        layer = show_map(self._viewer, shown)
        self.panel.show_status(f"Added the layer {layer.name!r}.")

    def _on_tab(self, index: int) -> None:
        """The focus curve is what its tab is opened for: get ready at once, where that is possible."""
        opened = self.tabs.widget(index) is self.focus
        if opened and not self.panel.busy and self.focus.follow.isEnabled() and self.focus.looked is None:
            self.focus.follow.setChecked(True)
