"""Progress of a training: its losses, and its result for a validation image."""

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.gui.common.plots import Colours, Plot
from napari_focusfuse.gui.train.panel import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import Formatter
    from napari.viewer import Viewer

    from napari_focusfuse.core.training import LogEntry
    from napari_focusfuse.core.training.autoencoder import Example
    from napari_focusfuse.core.training.steps import RankExample

__all__ = ["ExamplePlot", "LivePlots", "LossPlot"]

#: Differences are shown this much larger than they are.
_MAGNIFIED = 10
#: Gap between pictures, as a share of their width; height of the plot (px).
_GAP, _HEIGHT = 0.04, 140
#: The blurred slice that is shown beside the sharpest, from 0 on; and the colours of slices, as of a decision.
_BLURRED, _MAP = 3, "viridis"
#: Colours for how many slices a pixel is off: the last one is for all that are farther off.
_OFF = 5

Panels = list[tuple[str, NDArray[np.floating]]]


class ExamplePlot(Plot):
    """A few pictures side by side, with titles.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    """

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__(viewer)
        self.setMinimumHeight(_HEIGHT)
        self._example: Example | RankExample | None = None
        self._score = ""

    def show_example(self, example: "Example | RankExample | None", score: str = "") -> None:
        """Show what is made of an image, and the score of all validation images."""
        self._example, self._score = example, score
        self.redraw()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Lower than the losses."""
        return QSize(0, _HEIGHT)

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from napari_focusfuse.core.training.steps import RankExample

        axes.set_axis_off()
        if self._example is None:
            axes.text(0.5, 0.5, "shown after the first validation", ha="center", color=colours.text, fontsize=8)
            axes.set(xlim=(0, 1), ylim=(0, 1))
        elif isinstance(self._example, RankExample):
            _show(axes, colours, _decision(self._example))
            _key(axes, colours, self._example, self._score)
        else:
            _show(axes, colours, _given_back(self._example, self._score))


def _given_back(example: "Example", score: str) -> Panels:
    """An image, what the network makes of it, and the difference."""
    original, given_back = example
    difference = np.clip(0.5 + _MAGNIFIED * (given_back - original) / 2, 0, 1)
    return [
        ("not trained on", _stretched(original, original)),
        (f"reconstructed, {score}", _stretched(given_back, original)),
        (f"difference x {_MAGNIFIED}", difference),
    ]


def _decision(example: "RankExample") -> Panels:
    """The sharpest slice, a blurred one, and the slice that is picked for each pixel beside the true one.

    Of a scene: the true image, two slices or the sharpest one of each pixel and the fusion, and how many slices each
    pixel is off.
    """
    from napari_focusfuse.core.training.candidate_head import CandidateExample
    from napari_focusfuse.core.training.decision_head import DecideExample

    slices, picked = example
    if isinstance(example, DecideExample):
        shown = (
            {"sharpest slice": 1, "fused": 2} if isinstance(example, CandidateExample) else {"a slice": 1, "another": 3}
        )
        return [
            ("true image", _stretched(slices[0], slices[0])),
            *((title, _stretched(slices[k], slices[0])) for title, k in shown.items()),
            ("slices off", _coloured(picked, _OFF)),
        ]
    return [
        ("slice 0, sharp", _stretched(slices[0], slices[0])),
        (f"slice {_BLURRED}", _stretched(slices[_BLURRED], slices[0])),
        ("picked", _coloured(picked, len(slices))),
        ("truth", _coloured(np.zeros_like(picked), len(slices))),
    ]


def _stretched(image: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.floating]:
    low, high = np.percentile(reference, (0.5, 99.5))
    stretched: NDArray[np.floating] = np.clip((image - low) / max(high - low, 1e-6), 0, 1)
    return stretched


def _coloured(picked: NDArray[np.integer], slices: int) -> NDArray[np.floating]:
    """Colours (Y, X, 3) of slices (Y, X)."""
    from matplotlib import colormaps

    colours: NDArray[np.floating] = np.asarray(colormaps[_MAP](picked / (slices - 1)))[..., :3]
    return colours


def _show(axes: "Axes", colours: Colours, panels: Panels) -> None:
    """Pictures of one size side by side."""
    from matplotlib.colors import to_rgb

    height, width = panels[0][1].shape[:2]
    gap = np.full((height, max(round(_GAP * width), 1), 3), to_rgb(colours.back))
    strip = []
    for k, (title, image) in enumerate(panels):
        strip += [gap, image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)]
        middle = k * (width + gap.shape[1]) + width / 2
        axes.text(middle, -0.04 * height, title, ha="center", va="bottom", color=colours.text, fontsize=8)
    axes.imshow(np.hstack(strip[1:]), interpolation="nearest")


def _key(axes: "Axes", colours: Colours, example: "RankExample", score: str) -> None:
    """Below the four pictures: the score, and the colours of the slices."""
    from matplotlib.patches import Rectangle

    from napari_focusfuse.core.training.decision_head import DecideExample

    off, (height, width) = isinstance(example, DecideExample), example.picked.shape
    count = _OFF if off else len(example.slices)
    labels = [*map(str, range(_OFF - 1)), f"{_OFF - 1}+"] if off else [str(k) for k in range(count)]
    axes.text(0, 1.14 * height, f"validation: {score}", va="center", color=colours.text, fontsize=8)
    left, step = 2 * (1 + _GAP) * width, 2 * (1 + _GAP) * width / count
    for k, (label, colour) in enumerate(zip(labels, _coloured(np.arange(count), count), strict=True)):
        at = left + k * step
        square = Rectangle((at, 1.08 * height), 0.12 * width, 0.12 * height, facecolor=colour, clip_on=False)
        axes.add_patch(square)
        axes.text(at + 0.16 * width, 1.14 * height, label, va="center", color=colours.text, fontsize=8)


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
