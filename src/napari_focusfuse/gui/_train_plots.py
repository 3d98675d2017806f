"""Whether a training is learning: its losses, and what it makes of an image that it has not seen."""

import time
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.gui._plots import Colours, Plot
from napari_focusfuse.gui._train_work import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

    from napari_focusfuse.core.training import EpochLog, Example

__all__ = ["ExamplePlot", "LivePlots", "LossPlot"]

#: The losses are drawn no more often than this (s), with no more points than this.
_DRAW_EVERY, _MOST_POINTS = 0.7, 400
#: Differences are shown this much larger than they are.
_MAGNIFIED = 10
#: Gap between pictures, as a share of their width; height of the plots (px).
_GAP, _LOSS_HEIGHT, _EXAMPLE_HEIGHT = 0.04, 170, 140


class LossPlot(Plot):
    """Loss of each batch and of each validation over the epochs."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self.setMinimumHeight(_LOSS_HEIGHT)
        self._steps: list[tuple[float, float]] = []
        self._log: tuple[EpochLog, ...] = ()

    def show_history(self, history: History) -> None:
        """Show how it has gone so far."""
        steps = list(history.steps)
        self._steps, self._log = steps[:: max(len(steps) // _MOST_POINTS, 1)], history.log
        self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from matplotlib.ticker import LogFormatter, MaxNLocator

        axes.set_yscale("log")
        axes.set_xlabel("epochs")
        axes.set_ylabel("loss")
        axes.grid(color=colours.grid, linewidth=0.5, alpha=0.6, which="both")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        axes.tick_params(which="minor", colors=colours.text, labelsize=7)
        if self._steps:
            axes.plot(*zip(*self._steps, strict=True), color=colours.first, linewidth=1.2, label="training")
        if self._log:
            epochs, losses = zip(*((entry.epoch, entry.val_crop) for entry in self._log), strict=True)
            axes.plot(epochs, losses, color=colours.second, marker="o", markersize=4, linewidth=1.4, label="validation")
        axes.set_xlim(0, max([1.0, *(at for at, _ in self._steps), *(entry.epoch for entry in self._log)]) * 1.02)
        if self._steps or self._log:
            legend = axes.legend(loc="upper right", fontsize=8, frameon=False, labelcolor=colours.text)
            legend.set_zorder(5)


class ExamplePlot(Plot):
    """A validation image, what the network makes of it, and the difference."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self.setMinimumHeight(_EXAMPLE_HEIGHT)
        self._example: Example | None = None
        self._caption = ""

    def show_example(self, example: "Example | None", caption: str = "") -> None:
        """Show what the network makes of an image."""
        self._example, self._caption = example, caption
        self.redraw()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Lower than the losses."""
        return QSize(0, _EXAMPLE_HEIGHT)

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        axes.set_axis_off()
        if self._example is None:
            axes.text(0.5, 0.5, "after the first epoch: how it does", ha="center", color=colours.text, fontsize=8)
            axes.set(xlim=(0, 1), ylim=(0, 1))
            return
        original, given_back = self._example
        width = original.shape[1]
        gap = np.full((original.shape[0], max(round(_GAP * width), 1)), np.nan, np.float32)
        difference = np.clip(0.5 + _MAGNIFIED * (given_back - original) / 2, 0, 1)
        strip = np.hstack([original, gap, given_back, gap, difference])
        low, high = np.percentile(original, (0.5, 99.5))
        shown = np.clip((strip - low) / max(high - low, 1e-6), 0, 1)
        shown[:, -width:] = difference
        axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        titles = ("not trained on", f"given back{self._caption}", f"difference x {_MAGNIFIED}")
        for k, title in enumerate(titles):
            middle = k * (width + gap.shape[1]) + width / 2
            at = -0.04 * original.shape[0]
            axes.text(middle, at, title, ha="center", va="bottom", color=colours.text, fontsize=8)


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
        self._epochs, self._drawn = -1, 0.0
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
            self._history, self._epochs, self._drawn = history, -1, 0.0
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
        if len(history.log) != self._epochs:
            self._epochs = len(history.log)
            caption = f", {history.log[-1].val_psnr:.1f} dB" if history.log else ""
            self.example.show_example(history.example, caption)
