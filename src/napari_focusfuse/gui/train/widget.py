"""The docked widget "Train a model": a new encoder from images without labels, or one adapted to a stack."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QPushButton, QTabWidget, QVBoxLayout

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.common.dock import Dock, Scrolled
from napari_focusfuse.gui.common.preferences import Choices, models_and_devices, name_of, news, shown_path
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Answer, Work
from napari_focusfuse.gui.train.adapt import AdaptForm, AdaptReport, AdaptSetup, show_decisions
from napari_focusfuse.gui.train.form import TrainForm, TrainSetup
from napari_focusfuse.gui.train.panel import Control, TrainPanel, Watched, watched
from napari_focusfuse.gui.train.plots import LivePlots

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.api import Adaptation, TrainResult

__all__ = ["TrainWidget"]

_WIDTH = 370
#: Names that fit on a button (letters).
_SHORT = 24


def _train(setup: TrainSetup, control: Control) -> Work:
    """Train; runs in the thread."""
    from napari_focusfuse import api

    begin = partial(api.iter_train, setup.images, setup.config, out=setup.out, stop=control.stopping, **setup.options)
    return (yield from watched(begin))


def _adapt(setup: AdaptSetup, control: Control) -> Work:
    """Adapt a model; runs in the thread."""
    from napari_focusfuse import api

    source = setup.source
    begin = partial(
        api.iter_adapt,
        source.data,
        out=setup.out,
        config=setup.config,
        axis=source.axis,
        rgb=source.rgb,
        stop=control.stopping,
        **setup.options,
    )
    return (yield from watched(begin))


class TrainWidget(Dock):
    """Train a model, or adapt one.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Train"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._source: Any = None
        self._made = ""
        self.form, self.adapt_form = TrainForm(napari_viewer), AdaptForm(napari_viewer)
        self.tasks, self.shown = QTabWidget(), QTabWidget()
        self.about = PlainLabel()
        self.about.setWordWrap(True)
        self.panel = TrainPanel()
        self.use_button = QPushButton("Use it for fusing")
        self.plots = LivePlots(napari_viewer)
        self.report = AdaptReport()
        self._build()
        self.equip(self.panel, "training.md")
        self._connect()
        self.reset_choices()
        self._ask()

    def choose(self, layer: "Image") -> None:
        """Show the form for adapting a model to a stack."""
        self.tasks.setCurrentIndex(1)
        self.adapt_form.stack.layer = layer

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.form.reset_choices()
        self.adapt_form.reset_choices()

    def run(self) -> None:
        """Start what the form in front describes."""
        from napari.utils.notifications import show_error, show_info

        hint = self._problem()
        if self.panel.busy:
            show_info("A model is being trained: wait for it or stop it first.")
        elif hint is not None:
            show_error(hint)
        else:
            self.shown.setCurrentWidget(self.plots)
            self.shown.show()
            if self._adapting:
                self._start_adapting(self.adapt_form.setup())
            else:
                setup = self.form.setup()
                self.panel.start_steered(partial(_train, setup), f"Training on {setup.title}", self._on_result)

    def cancel(self) -> None:
        """Stop at once; the best model of the epochs that are finished stays where it was written."""
        self.panel.cancel()

    def use(self) -> None:
        """Open the fusion widget with the model that was made."""
        dock, fusing = self._viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack", tabify=True)
        dock.show()
        dock.raise_()
        fusing.offer_model(self._made)
        fusing.model.value = self._made

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        self.plots.let_go()
        self.adapt_form.stack.let_go()

    @property
    def _adapting(self) -> bool:
        return self.tasks.currentIndex() == 1

    def _problem(self) -> str | None:
        return self.adapt_form.problem() if self._adapting else self.form.problem()

    def _start_adapting(self, setup: AdaptSetup) -> None:
        self._source = setup.source
        title = f"Adapting {setup.options['model']} to {setup.source.title}"
        self.panel.start_steered(partial(_adapt, setup), title, self._on_adapted)

    def _build(self) -> None:
        for form, title in ((self.form, "New model"), (self.adapt_form, "Adapt to a stack")):
            self.tasks.addTab(Scrolled(form, fill=True), title)
        self.shown.addTab(self.plots, "Learning")
        self.shown.addTab(self.report, "Before and after")
        # The form needs the room until there is something to see.
        self.shown.hide()
        self.use_button.hide()
        self.use_button.setToolTip("Open the fusion widget with this model selected.")
        self.setMinimumWidth(_WIDTH)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tasks, 3)
        for part in (self.about, self.panel, self.use_button):
            layout.addWidget(part)
        layout.addWidget(self.shown, 2)

    def _connect(self) -> None:
        self.form.changed.connect(self._refresh)
        self.adapt_form.changed.connect(self._refresh)
        self.tasks.currentChanged.connect(self._refresh)
        self.panel.requested.connect(self.run)
        self.panel.stepped.connect(self._on_step)
        self.panel.busy_changed.connect(self._on_busy)
        self.use_button.clicked.connect(self.use)
        self.report.requested.connect(self._on_show)
        news.written.connect(self._ask)

    def _ask(self, _name: str = "") -> None:
        """Find out which models and devices there are."""
        Answer(models_and_devices, self).ready.connect(self._on_choices)

    def _refresh(self, _index: int = 0) -> None:
        hint = self._problem()
        self.about.setText("" if self.panel.busy else hint or "")
        self.about.setVisible(bool(self.about.text()))
        self.panel.set_ready(hint is None)

    def _on_busy(self) -> None:
        for form in (self.form, self.adapt_form):
            form.setEnabled(not self.panel.busy)
        self.use_button.setVisible(bool(self._made) and not self.panel.busy)

    def _on_choices(self, choices: Choices) -> None:
        self.form.show_choices(choices)
        self.adapt_form.show_choices(choices)

    def _on_step(self, step: Progress) -> None:
        if isinstance(step, Watched):
            self.plots.show_history(step.history)

    def _on_result(self, result: "TrainResult") -> None:
        self._announce(result.folder)
        what, unit = "is ready", result.unit
        if result.kept:
            kept = f"{unit} {result.kept} of {result.log[-1].at} was the best"
        else:
            what, kept = "is a copy", f"no {unit} was better than the model it started from"
        self.panel.show_status(
            f"The model {name_of(result.folder)!r} {what} ({result.ended}): {kept}. It {result.told}. "
            f"It is in {shown_path(result.folder)}."
        )

    def _on_adapted(self, made: "Adaptation") -> None:
        result = made.result
        self._announce(result.folder)
        self.report.show_adaptation(made, self._source)
        self.shown.setCurrentWidget(self.report)
        what = "is ready" if result.kept else f"is a copy of {made.model!r}"
        self.panel.show_status(
            f"The model {name_of(result.folder)!r} {what} ({result.ended}). It is in {shown_path(result.folder)}."
        )

    def _announce(self, folder: Path) -> None:
        """Have the model offered everywhere, and another name proposed for the next."""
        self._made = name_of(folder)
        self.use_button.setText(f"Use {self._made!r} for fusing" if len(self._made) < _SHORT else "Use it for fusing")
        news.written.emit(self._made)
        self.form.target.propose("my model")
        self.adapt_form.propose()

    def _on_show(self) -> None:
        if self.report.made is not None:
            show_decisions(self._viewer, *self.report.made)
