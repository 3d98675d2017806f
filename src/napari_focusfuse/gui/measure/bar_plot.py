"""Scores as bars."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_focusfuse.gui.common.plots import Colours, Plot, shortened
from napari_focusfuse.gui.measure.score_table import written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

__all__ = ["BarPlot"]

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
        self._title, self._values, self._best, self._faded = title, dict(values), list(best), faded
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
