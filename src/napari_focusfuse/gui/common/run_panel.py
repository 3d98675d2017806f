"""Run, Cancel, progress and status: the foot of every widget that starts long work."""

import time
from collections.abc import Callable, Generator
from typing import Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.core.progress import Progress, duration
from napari_focusfuse.errors import plain
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Run, Work, report

__all__ = ["RunPanel"]

#: The viewer does what waits for so long, at least, between two steps (ms).
_BREATH = 10
#: The time left is told after so long (s), and from such a share of the steps on.
_KNOWN_AFTER, _KNOWN_FROM = 2.0, 0.02


class RunPanel(QWidget):
    """Starts one piece of work at a time and shows where it stands.

    Parameters
    ----------
    time_left : bool
        Tell how long it still takes, as far as its steps tell.
    """

    #: Run was pressed.
    requested = Signal()
    #: Work has begun or ended.
    busy_changed = Signal()
    #: A `Progress` is shown.
    stepped = Signal(object)

    def __init__(self, *, time_left: bool = False) -> None:
        super().__init__()
        self._tells_time = time_left
        #: When the first step was done, and which share of the whole it was.
        self._since: tuple[float, float] | None = None
        self._run: Run | None = None
        self._done: Callable[[Any], object] | None = None
        self._ready = False
        self._steps: Generator[Any, None, None] | None = None
        self._breath = QTimer(self)
        self._breath.setSingleShot(True)
        self._breath.setInterval(_BREATH)
        self._breath.timeout.connect(self._step)
        self.run_button = QPushButton("Run")
        self.cancel_button = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.status = PlainLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._buttons = QHBoxLayout()
        self._buttons.addWidget(self.run_button, 2)
        self._buttons.addWidget(self.cancel_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        self.run_button.clicked.connect(self._on_run_clicked)
        self.cancel_button.clicked.connect(self._on_cancel_clicked)
        self._refresh()

    @property
    def busy(self) -> bool:
        """Whether work is running."""
        return self._run is not None

    def set_ready(self, ready: bool) -> None:
        """Say whether Run makes sense now."""
        self._ready = ready
        self._refresh()

    def add_button(self, button: QPushButton) -> None:
        """Put one more button beside the others."""
        self._buttons.addWidget(button)

    def show_status(self, text: str) -> None:
        """Say how it went."""
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def start(
        self, begin: Callable[[], Work], title: str, done: Callable[[Any], object], *, first: str = "starting"
    ) -> None:
        """Start work; at most one at a time.

        Parameters
        ----------
        begin : callable
            Makes the generator of `Progress`; called in a thread.
        title : str
            What is being done, for people: "Fusing beetle".
        done : callable
            Called in the main thread with what the generator returned; not after an error or `cancel`. What it does
            may be a generator: then the viewer gets a breath at each step, and the work ends with the last.
        first : str
            What is being done until the first step.
        """
        if self._run is not None:
            raise ValueError(f"{self._run.title} is running")
        self._done = done
        run = self._run = Run(begin, title, self)
        run.progressed.connect(self._on_progress)
        run.warned.connect(self._on_warned)
        run.returned.connect(self._on_returned)
        run.failed.connect(self._on_failed)
        run.finished.connect(self._on_finished)
        self.progress.setRange(0, 1)  # not (0, 0), which moves all the time and has the window drawn for it
        self.progress.setValue(0)
        self._since = None
        self._show_step(first)
        self.status.clear()
        run.start()
        self._refresh()

    def cancel(self) -> None:
        """Stop the work at its next step; nothing of it is kept."""
        if self._steps is not None:
            self._steps.close()
        elif self._run is not None:
            self._run.cancel()
            self._show_step("cancelling")
            self._refresh()

    def _refresh(self) -> None:
        cancelling = self._steps is not None or (self._run is not None and self._run.cancelled)
        states = [(self.run_button, self._ready and not self.busy), (self.cancel_button, self.busy and not cancelling)]
        # What can be pressed comes first: the keyboard focus of a button that is switched off goes to its neighbour.
        for button, enabled in sorted(states, key=lambda state: not state[1]):
            button.setEnabled(enabled)
        self.progress.setVisible(self.busy)
        self.status.setVisible(bool(self.status.text()))
        self.busy_changed.emit()

    def _show_step(self, text: str) -> None:
        self.progress.setFormat(text)

    def _on_run_clicked(self) -> None:
        self.requested.emit()

    def _on_cancel_clicked(self) -> None:
        self.cancel()

    def _on_progress(self, step: Progress) -> None:
        self.progress.setRange(0, step.total)
        self.progress.setValue(step.done)
        left = self._left(step) if self._tells_time else ""
        self._show_step(f"{step.what} · {left} left" if left else step.what)
        self.stepped.emit(step)

    def _left(self, step: Progress) -> str:
        """How long it still takes at the pace of the steps so far; "" while that is not known."""
        now, share = time.monotonic(), step.done / max(step.total, 1)
        if self._since is None:
            self._since = now, share
        begun, first = self._since
        if now - begun < _KNOWN_AFTER or share - first < _KNOWN_FROM:
            return ""
        return duration((now - begun) / (share - first) * (1 - share))

    def _on_warned(self, text: str) -> None:
        from napari.utils.notifications import show_warning

        show_warning(plain(text))

    def _on_returned(self, result: object) -> None:
        steps = None if self._done is None else self._done(result)
        if isinstance(steps, Generator):
            self._steps = steps
            self._refresh()

    def _on_failed(self, error: Exception) -> None:
        title = self._run.title if self._run is not None else "The run"
        self.status.setText(report(error, title))

    def _on_finished(self) -> None:
        if self._steps is None:
            self._end()
        else:
            self._breath.start()

    def _step(self) -> None:
        """Do the next step of what follows the work, and end after the last."""
        try:
            if self._steps is not None:
                next(self._steps)
                self._breath.start()
                return
        except StopIteration:
            pass
        except BaseException:
            self._end()
            raise
        self._end()

    def _end(self) -> None:
        self._steps = None
        run, self._run, self._done = self._run, None, None
        if run is not None:
            if run.cancelled:
                self.status.setText(f"{run.title} was cancelled; nothing was changed.")
            run.deleteLater()
        self._refresh()
