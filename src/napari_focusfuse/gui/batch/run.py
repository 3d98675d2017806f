"""The run of a batch: the engine in a thread, with a pause, and what it tells the list."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from napari_focusfuse.core.progress import Progress, Returning
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.worker import Work

if TYPE_CHECKING:
    from napari_focusfuse.api import StackOutcome

__all__ = ["BatchPanel", "fused"]

#: How often a run that is paused looks whether it goes on, or ends (s).
_WAIT = 0.05
_PAUSE = "Pause after the slice that is being worked on; nothing is lost."
_GO_ON = "Go on where the run was paused."


def fused(
    sources: list[Path], target: Path, options: dict[str, Any], paused: Event, told: "list[StackOutcome]"
) -> Work:
    """Fuse stacks by the engine of `ff.fuse_many`; runs in the thread.

    Parameters
    ----------
    sources : list of Path
    target : Path
    options : dict
        As for `ff.fuse_many`.
    paused : Event
        While it is set nothing is done.
    told : list
        Gets each outcome: steps that follow each other fast are not all shown, but no outcome may be missed.

    Returns
    -------
    list of StackOutcome
    """
    from napari_focusfuse import api

    work = api.iter_fuse_many(sources, target, **options)
    steps = Returning(work)
    try:
        for step in steps:
            if isinstance(step, api.StackFinished):
                told.append(step.outcome)
            yield Progress(step.done, step.total, step.what)
            while paused.is_set():
                time.sleep(_WAIT)
                yield Progress(step.done, step.total, step.what)
        return steps.result
    finally:
        work.close()


class BatchPanel(RunPanel):
    """Run, Pause, Cancel. What is finished stays when a run is cancelled."""

    #: A warning came; the list knows of which stack.
    noted = Signal(str)

    def __init__(self) -> None:
        super().__init__(time_left=True)
        self.paused, self.was_cancelled = Event(), False
        self._told: list[StackOutcome] = []
        self.pause_button = QPushButton("Pause")
        self.pause_button.setToolTip(_PAUSE)
        self._buttons.insertWidget(1, self.pause_button, 1)
        self.pause_button.clicked.connect(self._on_pause)
        self.busy_changed.connect(self._on_busy)
        self._on_busy()

    def begin(self, sources: list[Path], target: Path, options: dict[str, Any], done: Callable[[Any], object]) -> None:
        """Start a run."""
        self.paused.clear()
        self._told, self.was_cancelled = [], False
        work = partial(fused, sources, target, options, self.paused, self._told)
        self.start(work, f"Fusing {len(sources)} stacks", done, first="loading…")

    def outcomes(self) -> "list[StackOutcome]":
        """Those that came since this was asked last."""
        taken = list(self._told)
        del self._told[: len(taken)]
        return taken

    def set_words(self, count: int, waiting: int, failed: int) -> None:
        """Let Run say what it does with so many stacks, of which some wait and others have failed."""
        left = waiting + failed
        again = "Try again" if failed and not waiting else f"Fuse {left} more" if left else "Fuse again"
        words = f"Fuse {count} stacks" if count > 1 else "Fuse"
        self.run_button.setText(words if left == count else again)

    def cancel(self) -> None:
        """Stop at the next step; results that are complete stay."""
        self.was_cancelled = self.was_cancelled or self.busy
        self.paused.clear()
        super().cancel()

    def toggle_pause(self) -> None:
        """Pause, or go on."""
        if not self.busy or self.was_cancelled:
            return
        if self.paused.is_set():
            self._since = None  # the pause says nothing of the pace
            self.paused.clear()
        else:
            self.paused.set()
            self._show_step("paused")
        self._on_busy()

    def _on_pause(self) -> None:
        self.toggle_pause()

    def _on_busy(self) -> None:
        held = self.paused.is_set()
        self.pause_button.setEnabled(self.busy and not self.was_cancelled)
        self.pause_button.setText("Resume" if held else "Pause")
        self.pause_button.setToolTip(_GO_ON if held else _PAUSE)

    def _on_progress(self, step: Progress) -> None:
        super()._on_progress(step)
        if self.paused.is_set():
            self._show_step("paused")

    def _on_warned(self, text: str) -> None:
        self.noted.emit(text)
