"""Whether a training is learning: its losses, and what it makes of an image that it has not seen."""

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.gui.common.plots import Colours, Plot
from napari_focusfuse.gui.train.example_plot import ExamplePlot
from napari_focusfuse.gui.train.work import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter
    from napari.viewer import Viewer

    from napari_focusfuse.core.training import LogEntry

__all__ = ["LivePlots", "LossPlot"]

#: The losses are drawn no more often than this (s), with no more points than this.
_DRAW_EVERY, _MOST_POINTS = 0.7, 400
#: Height, px.
_LOSS_HEIGHT = 150
#: Opacity of single batches, and how many half windows of their running mean the plot is wide.
_FAINT, _WINDOWS = 0.35, 30


class LossPlot(Plot):
    """Loss of each batch and of each validation over the epochs or steps."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self.setMinimumHeight(_LOSS_HEIGHT)
        self._steps: list[tuple[float, float]] = []
        self._log: tuple[LogEntry, ...] = ()
        self._counted = "epochs"

    def show_history(self, history: History) -> None:
        """Show how it has gone so far."""
        steps = list(history.steps)
        self._steps, self._log = steps[:: max(len(steps) // _MOST_POINTS, 1)], history.log
        self._counted = history.counted
        self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from matplotlib.ticker import MaxNLocator

        shown = [loss for _, loss in self._steps] + [entry.curve for entry in self._log]
        axes.set_yscale("log" if min(shown, default=1.0) > 0 else "linear")
        axes.set_xlabel(self._counted)
        axes.set_ylabel("loss")
        axes.grid(color=colours.grid, linewidth=0.5, alpha=0.6, which="both")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if axes.get_yscale() == "log":
            axes.yaxis.set_major_formatter(_formatter())
            axes.yaxis.set_minor_formatter(_formatter())
        axes.tick_params(which="minor", colors=colours.text, labelsize=7)
        if self._steps:
            at, batches = np.array(self._steps).T
            axes.plot(at, batches, color=colours.first, linewidth=0.8, alpha=_FAINT)
            axes.plot(at, _calm(batches), color=colours.first, linewidth=1.4, label="training")
        if self._log:
            places, losses = zip(*((entry.at, entry.curve) for entry in self._log), strict=True)
            axes.plot(places, losses, color=colours.second, marker="o", markersize=4, linewidth=1.4, label="validation")
        axes.set_xlim(0, max([1.0, *(at for at, _ in self._steps), *(entry.at for entry in self._log)]) * 1.02)
        if self._steps or self._log:
            axes.legend(
                loc="lower center",
                bbox_to_anchor=(0.5, 1),
                ncols=2,
                fontsize=8,
                frameon=False,
                borderaxespad=0,
                labelcolor=colours.text,
            )


def _formatter() -> "Formatter":
    """Plain numbers on a logarithmic axis: 0.6, not 6e-01."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    return Plain(minor_thresholds=(2, 0.5))


def _calm(losses: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over a few neighbours: batches differ much in how hard they are."""
    window = np.ones(2 * (len(losses) // _WINDOWS) + 1)
    sums, counts = (np.convolve(values, window, "same") for values in (losses, np.ones_like(losses)))
    calm: NDArray[np.floating] = sums / counts
    return calm


class LivePlots(QWidget):
    """Both plots of a training, drawn as often as the eye needs.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    """

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.losses, self.example = LossPlot(viewer), ExamplePlot(viewer)
        self._history: History | None = None
        self._checks, self._drawn = -1, 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.losses, 3)
        layout.addWidget(self.example, 2)

    def show_history(self, history: History) -> None:
        """Show how a training has gone so far, soon."""
        if history is not self._history:
            self._history, self._checks, self._drawn = history, -1, 0.0
        if not self._timer.isActive():
            wait = self._drawn + _DRAW_EVERY - time.monotonic()
            self._timer.start(max(round(1000 * wait), 0))

    def let_go(self) -> None:
        """Stop following the theme."""
        self._timer.stop()
        self.losses.let_go()
        self.example.let_go()

    def _draw(self) -> None:
        history = self._history
        if history is None:
            return
        self._drawn = time.monotonic()
        self.losses.show_history(history)
        if len(history.log) != self._checks:
            self._checks = len(history.log)
            self.example.show_example(history.example, history.log[-1].score if history.log else "")
