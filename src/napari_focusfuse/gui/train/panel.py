"""Start, Pause, Stop: the run panel of a training, which is steered and not only cancelled, and its thread."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QPushButton

from napari_focusfuse.core.progress import Progress, Returning
from napari_focusfuse.gui.common.plots import preload
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work

if TYPE_CHECKING:
    from napari_focusfuse.core.training import LogEntry
    from napari_focusfuse.core.training.autoencoder import Example
    from napari_focusfuse.core.training.steps import RankExample

__all__ = ["Control", "History", "TrainPanel", "Watched", "watched"]


@dataclass(eq=False)
class History:
    """How a training has gone so far; the thread only ever adds to it.

    Attributes
    ----------
    counted : str
        What positions are counted in: "epochs" or "steps".
    steps : list of (float, float)
        Position and loss of each batch.
    log : tuple of log entries
        What validations have found.
    example : Example, RankExample or None
        What is made of a validation image.
    """

    counted: str = "epochs"
    steps: list[tuple[float, float]] = field(default_factory=list)
    log: "tuple[LogEntry, ...]" = ()
    example: "Example | RankExample | None" = None


@dataclass(frozen=True)
class Watched(Progress):
    """A step of a training, with all that there is to see."""

    history: History


def watched(begin: Callable[[], Generator[Progress, None, Any]]) -> Work:
    """A training whose steps have a `History`; other steps are passed on unchanged."""
    from napari_focusfuse.core.training import LearningReport

    preload()
    history = History()
    fitted = 0
    work = Returning(begin())
    for step in work:
        if not isinstance(step, LearningReport):
            yield step
            continue
        history.counted = step.counted
        if step.state is not None:
            history.example, history.log = step.state.example, tuple(step.state.log)
        elif step.done > fitted:
            fitted = step.done
            history.steps.append((step.at, step.curve))
        yield Watched(step.done, step.total, f"{step.what}, {step.pace}" if step.done else step.what, history)
    return work.result


#: How often a thread that pauses looks whether it may go on (s).
_LOOK_EVERY = 0.05


class Control:
    """What the viewer tells a training in its thread."""

    def __init__(self) -> None:
        self._paused, self._stopping = Event(), Event()

    @property
    def paused(self) -> bool:
        """Whether to wait."""
        return self._paused.is_set()

    def pause(self, on: bool) -> None:
        """Have the work wait after its next step, or go on."""
        if on:
            self._paused.set()
        else:
            self._paused.clear()

    def stopping(self) -> bool:
        """Whether to come to an end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Have the work come to an end, also where it waits."""
        self._stopping.set()
        self._paused.clear()

    def steer(self, work: Work) -> Work:
        """The same work, which waits between two steps as long as it is to pause."""
        steps = Returning(work)
        for step in steps:
            yield step
            while self.paused:
                time.sleep(_LOOK_EVERY)
                yield step
        return steps.result


class TrainPanel(RunPanel):
    """A run panel whose work can pause, and comes to a proper end when it is stopped."""

    def __init__(self) -> None:
        self.pause_button = QPushButton("Pause")
        self.control = Control()
        self._fitting = False
        super().__init__()
        self.run_button.setText("Start")
        self.cancel_button.setText("Stop")
        self.cancel_button.setToolTip("End the training now; the best model so far is kept.")
        self.pause_button.setToolTip("Pause: leave the processor to other programs for a while; nothing is lost.")
        self._buttons.insertWidget(1, self.pause_button, 1)
        self.pause_button.clicked.connect(self.toggle_pause)

    def start_steered(self, begin: Callable[[Control], Work], title: str, done: Callable[[Any], None]) -> None:
        """Start work that is told by a `Control` when to stop; otherwise as `start`."""
        control = self.control = Control()
        self._fitting = False
        self.start(lambda: control.steer(begin(control)), title, done)

    def toggle_pause(self) -> None:
        """Pause or go on."""
        self.control.pause(not self.control.paused)
        if self.control.paused:
            self._show_step("paused")
        self._refresh()

    def stop(self) -> None:
        """Bring the work to its end; what it has reached is kept. Before there is anything to keep it is cancelled."""
        if not self._fitting:
            self.cancel()
            return
        self.control.stop()
        self._show_step("stopping")
        self._refresh()

    def cancel(self) -> None:
        """Stop at once; only what was written already is kept."""
        self.control.stop()
        super().cancel()

    def _on_cancel_clicked(self) -> None:
        self.stop()

    def _on_progress(self, step: Any) -> None:
        fitting = isinstance(step, Watched)
        self._fitting |= fitting
        if not (fitting and (self.control.paused or self.control.stopping())):
            super()._on_progress(step)

    def _refresh(self) -> None:
        super()._refresh()
        ending = self.control.stopping()
        self.pause_button.setText("Continue" if self.control.paused else "Pause")
        self.pause_button.setEnabled(self.busy and not ending)
        if ending:
            self.cancel_button.setEnabled(False)
