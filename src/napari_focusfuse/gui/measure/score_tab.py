"""The scores: a table, bars of the chosen row, and what else can be done with them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.plots import Colours, Plot, shortened
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import report
from napari_focusfuse.gui.measure.score_table import ScoreTable, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

    from napari_focusfuse.core.metrics import Metric

__all__ = ["BarPlot", "ScoreTab"]

#: What is longer than the longest finite bar by this factor stands for infinity.
_INFINITE = 1.1
_FAINT = 0.4


class BarPlot(Plot):
    """One metric of each fused image as bars from 0."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self._title = ""
        self._values: dict[str, float] = {}
        self._best: list[bool] = []
        self._faded = False

    def show_values(
        self, title: str, values: Mapping[str, float], best: Sequence[bool], *, faded: bool = False
    ) -> None:
        """Show values by name, the best ones set off; faded if they no longer hold."""
        shown = (self._title, self._values, self._best, self._faded)
        self._title, self._values, self._best, self._faded = title, dict(values), list(best), faded
        if shown != (self._title, self._values, self._best, self._faded):
            self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        values = list(self._values.values())
        longest = max((abs(value) for value in values if math.isfinite(value)), default=0) or 1.0
        lengths = [value if math.isfinite(value) else math.copysign(_INFINITE * longest, value) for value in values]
        fills = [colours.first if best else colours.plain for best in self._best]
        bars = axes.barh(range(len(values)), lengths, color=fills, height=0.6, alpha=_FAINT if self._faded else None)
        labels = axes.bar_label(bars, [written(value) for value in values], padding=3, fontsize=8, color=colours.text)
        for label, best in zip(labels, self._best, strict=True):
            label.set_fontweight("bold" if best else "normal")
        axes.set_yticks(range(len(values)), [shortened(name) for name in self._values])
        axes.set_ylim(max(len(values), 3) - 0.5, -0.5)
        axes.margins(x=0.18)
        axes.set_xlim(left=None if min(lengths, default=0) < 0 else 0)
        axes.set_title(self._title, loc="left", fontsize=8, color=colours.text)


#: Height of some rows, px.
_TABLE = 130
_BEST = {"high": "high is good", "low": "low is good", "zero": "near 0 is good"}


class ScoreTab(QWidget):
    """Shows scores, and says when they are those of other images than there are now.

    Parameters
    ----------
    viewer : Viewer
    metrics : list of Metric
    """

    #: How it went, in a sentence.
    said = Signal(str)

    def __init__(self, viewer: "Viewer", metrics: "list[Metric]") -> None:
        super().__init__()
        self._changed = ""
        self.table = ScoreTable(metrics)
        self.bars = BarPlot(viewer)
        self.bars.hide()
        self.outdated = PlainLabel()
        self.outdated.setWordWrap(True)
        self.outdated.hide()
        self.copy_button, self.save_button = QPushButton("Copy table"), QPushButton("Save as CSV…")
        self.copy_button.setToolTip("Copy the scores, to paste them into a spreadsheet.")
        self.save_button.setToolTip("Write the scores to a file of comma-separated values.")
        self._build()
        self.table.chosen.connect(self._on_row)
        self.table.copied_to_clipboard.connect(self._on_copied)
        self.copy_button.clicked.connect(self._on_copy)
        self.save_button.clicked.connect(self._on_save)

    def show_scores(self, scores: Mapping[str, Mapping[str, float]]) -> None:
        """Show scores by the name of the fused image and by metric."""
        self.table.show_scores(scores)
        self.bars.setVisible(bool(scores))
        for button in (self.copy_button, self.save_button):
            button.setEnabled(bool(scores))

    def set_changed(self, what: str) -> None:
        """Say what has changed since the scores were measured; "" for nothing."""
        if what == self._changed:
            return
        self._changed = what
        self.outdated.setText(f"Measured before {what} changed: measure again.")
        self.outdated.setVisible(bool(what))
        self.table.set_faded(bool(what))
        self._on_row()

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Write the table as comma-separated values."""
        from napari_focusfuse import api

        try:
            api.save_table(path, self.table.rows(), overwrite=overwrite)
        except FocusFuseError as error:
            self.said.emit(report(error, "Saving the scores"))
        else:
            self.said.emit(f"Saved in {path}{self._but()}")

    def let_go(self) -> None:
        """Stop following the viewer."""
        self.bars.let_go()

    def _build(self) -> None:
        self.table.setMinimumHeight(_TABLE)
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        parts.addWidget(self.bars)
        parts.setStretchFactor(0, 1)
        buttons = QHBoxLayout()
        for button in (self.copy_button, self.save_button):
            button.setEnabled(False)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.outdated)
        layout.addWidget(parts, 1)
        layout.addLayout(buttons)

    def _but(self) -> str:
        return f", but measured before {self._changed} changed." if self._changed else ""

    def _on_row(self) -> None:
        metric = self.table.chosen_metric()
        if metric is not None:
            values = {name: own[metric.name] for name, own in self.table.scores().items()}
            best = metric.best(list(values.values()))
            title = f"{metric.title} ({_BEST[metric.better]})"
            self.bars.show_values(title, values, best, faded=bool(self._changed))

    def _on_copied(self) -> None:
        self.said.emit(f"Copied{self._but() or '.'}")

    def _on_copy(self) -> None:
        self.table.copy()

    def _on_save(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the scores", "scores.csv", "CSV (*.csv)")
        if chosen:
            path = Path(chosen)
            named = path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv")
            # The dialog has asked for the name that was typed, and for no other.
            self.save(named, overwrite=named == path)
