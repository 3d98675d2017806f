"""The docked widget "Fuse many stacks": a folder of focus stacks, their results as folders, opened as layers."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import plain
from napari_focusfuse.gui.batch.form import BatchForm, Listed
from napari_focusfuse.gui.batch.opening import Opening
from napari_focusfuse.gui.batch.rows import StackModel
from napari_focusfuse.gui.batch.run import BatchPanel
from napari_focusfuse.gui.batch.thumbnails import Thumbnails
from napari_focusfuse.gui.batch.view import StackView
from napari_focusfuse.gui.common.dock import RUN_TIP, Dock, Scrolled
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import report

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.api import StackOutcome

__all__ = ["BatchWidget"]

_WIDTH = 320
#: So often the list shows what is done (ms).
_FOLLOW = 100
#: Height of the form that is always seen, px.
_FORM = 150
#: So many stacks that failed are named.
_NAMED = 3
_OPEN = "Open the stack and its result as layers, to retouch, compare or measure it (Return, or a double click)."
_NOTHING = "Select a stack that is done: its result is opened as layers."
_CANCEL = "Cancel at the next step (Escape). Stacks that are done stay; Resume goes on with the others."


class BatchWidget(Dock):
    """Fuse many stacks, as `ff.fuse_many` does.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    short_title = "Batch"

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        #: For the engine; and the row that it works on.
        self._sources: list[Path] = []
        self._current = 0
        self.form = BatchForm()
        self.model = StackModel(self)
        self.view = StackView(napari_viewer, self.model)
        self.thumbnails = Thumbnails(self)
        self.opening = Opening(napari_viewer, self)
        self.counts = PlainLabel()
        self.open_button = QPushButton("Open result")
        self.panel = BatchPanel()
        self._follow = QTimer(self)
        self._follow.setInterval(_FOLLOW)
        self._build()
        self.equip(self.panel, "batch.md")
        self.panel.cancel_button.setToolTip(_CANCEL)
        self._connect()
        self._refresh()

    def choose(self, paths: list[Path]) -> None:
        """Show the stacks of some folders or files; nothing is fused yet."""
        from napari.utils.notifications import show_info

        if self.panel.busy:
            show_info("Stacks are being fused: wait for them or cancel first.")
        elif paths:
            self.form.choose(paths)

    def run(self) -> None:
        """Fuse the stacks in the list; those that are done already in the same way are kept."""
        from napari.utils.notifications import show_error, show_info

        hint, target = self.form.problem(), self.form.target
        if self.panel.busy:
            show_info("Stacks are being fused: wait for them or cancel first.")
        elif hint is not None or target is None or not self._sources:
            show_error(hint or "There are no focus stacks to fuse: choose a folder that holds some.")
        else:
            self._current = 0
            self.model.restart()
            self.form.set_busy(True)
            self.panel.begin(self._sources, target, self.form.options(), self._on_done)
            self._follow.start()

    def cancel(self) -> None:
        """Stop the run; results that are complete stay."""
        self.panel.cancel()

    def open_result(self, number: int) -> None:
        """Open the result of a row as layers."""
        if 0 <= number < len(self.model.rows) and self.model.rows[number].has_result:
            self.opening.open(self.model.rows[number])

    def let_go(self) -> None:
        """See `Dock`."""
        self.cancel()
        self._follow.stop()
        for part in (self.form, self.thumbnails, self.opening, self.view):
            part.let_go()

    def _build(self) -> None:
        self.setMinimumWidth(_WIDTH)
        self.counts.setWordWrap(True)
        below = QHBoxLayout()
        below.addWidget(self.counts, 1)
        below.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.addWidget(Scrolled(self.form, least=_FORM, changes=(self.form.how.advanced.button.toggled,)))
        layout.addWidget(self.view, 1)
        layout.addLayout(below)
        layout.addWidget(self.panel)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_changed)
        self.form.found.connect(self._on_found)
        self.model.wanted.connect(self._on_wanted)
        self.thumbnails.ready.connect(self._on_picture)
        self.thumbnails.dropped.connect(self.model.forget)
        self.view.dropped.connect(self.choose)
        self.view.opened.connect(self.open_result)
        self.view.selected.connect(self._on_selected)
        self.open_button.clicked.connect(self._on_open)
        self.opening.told.connect(self._on_opening)
        self.panel.requested.connect(self.run)
        self.panel.busy_changed.connect(self._on_busy)
        self.panel.stepped.connect(self._on_step)
        self.panel.noted.connect(self._on_noted)
        self._follow.timeout.connect(self._take)

    def _refresh(self) -> None:
        """Say how many there are in which state, and what can be done."""
        rows, busy = self.model.rows, self.panel.busy
        done, failed = self.model.count("done", "skipped"), self.model.count("failed")
        number = self.view.currentIndex().row()
        parts = [f"{len(rows)} stack{'s' * (len(rows) != 1)}"] if rows else []
        parts += [f"{done} done"] if done else []
        parts += [f"{failed} failed"] if failed else []
        self.counts.setText("Looking for stacks…" if self.form.looking and not rows else " · ".join(parts))
        self.panel.set_words(len(rows), len(rows) - done - failed, failed)
        hint = self.form.problem() or (None if rows else "There are no focus stacks here.")
        if not busy:
            self.panel.set_ready(hint is None)
        self.panel.run_button.setToolTip(hint or RUN_TIP)
        able = 0 <= number < len(rows) and rows[number].has_result
        self.open_button.setEnabled(able)
        self.open_button.setToolTip(_OPEN if able else _NOTHING)

    def _on_changed(self) -> None:
        """Other stacks: the list is empty until they are found."""
        self.thumbnails.let_go()
        self._sources = []
        self.model.set_jobs([], Path())
        self.panel.show_status("")
        self._refresh()

    def _on_found(self, found: "Listed | Exception") -> None:
        if isinstance(found, Exception):
            self.panel.show_status(report(found, "Looking for stacks"))
        else:
            self._sources = found.sources
            self.model.set_jobs(found.jobs, found.target)
        self._refresh()

    def _on_selected(self, number: int) -> None:
        """Say why a stack failed, which its row has no room for."""
        self._refresh()
        if 0 <= number < len(self.model.rows) and not self.panel.busy:
            row = self.model.rows[number]
            self.panel.show_status(f"{row.name}: {row.text}." if row.state == "failed" else row.text)

    def _on_wanted(self, number: int) -> None:
        self.thumbnails.ask(number, self.model.rows[number])

    def _on_picture(self, number: int, picture: QImage | None, facts: str) -> None:
        if number < len(self.model.rows):
            self.model.show_picture(number, picture, facts)

    def _on_step(self, step: Progress) -> None:
        """Show which stack is worked on: the first that is not finished, if it is that which is named."""
        self._take()
        rows = self.model.rows
        name = f"{rows[self._current].name}, " if self._current < len(rows) else ""
        if name and plain(step.what).startswith(name):
            share = len(rows) * step.done / max(step.total, 1) - self._current
            self.model.run(self._current, plain(step.what).removeprefix(name), min(max(share, 0.0), 1.0))

    def _take(self) -> None:
        """Show what became of stacks that are finished."""
        outcomes: list[StackOutcome] = self.panel.outcomes()
        for outcome in outcomes:
            self.model.finish(outcome)
        if outcomes:
            self._current += len(outcomes)
            self._refresh()

    def _on_noted(self, text: str) -> None:
        """A warning of the stack that is worked on is told in its tooltip."""
        if self._current < len(self.model.rows):
            self.model.rows[self._current].note(text)

    def _on_done(self, outcomes: "list[StackOutcome]") -> None:
        """Name what failed, also to somebody who looks elsewhere."""
        from napari.utils.notifications import show_warning

        names = [outcome.target.name for outcome in outcomes if outcome.state == "failed"]
        if names:
            shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            show_warning(plain(f"{len(names)} of {len(outcomes)} stacks failed: {shown}. The list says why."))

    def _on_busy(self) -> None:
        if self.panel.busy or not self._follow.isActive():
            return
        self._follow.stop()
        self._take()
        self.model.stop()
        self.form.set_busy(False)
        done, failed = self.model.count("done", "skipped"), self.model.count("failed")
        if self.panel.was_cancelled:
            self.panel.show_status(f"Cancelled; {done} of {len(self.model.rows)} stacks are done.")
        elif done + failed == len(self.model.rows):
            ending = f", {failed} failed: select one to read why" if failed else ""
            self.panel.show_status(f"{done} of {len(self.model.rows)} stacks are done{ending}.")
        self._refresh()

    def _on_open(self) -> None:
        self.open_result(self.view.currentIndex().row())

    def _on_opening(self, text: str) -> None:
        if not self.panel.busy:
            self.panel.show_status(text)
