"""How slices moved, as curves along the stack."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_focusfuse.gui.common.plots import Colours, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

__all__ = ["MotionPlot"]


class MotionPlot(Plot):
    """Two quantities of each slice.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    title : str
        What is drawn upwards, with its unit.
    """

    def __init__(self, viewer: "Viewer", title: str) -> None:
        super().__init__(viewer)
        self._title = title
        self._curves: dict[str, list[float]] = {}
        self._lost: list[int] = []

    def show_curves(self, curves: Mapping[str, Sequence[float]], lost: Sequence[int]) -> None:
        """Show a value for each slice by name; slices that could not be measured (from 0) are marked."""
        self._curves = {name: [float(value) for value in values] for name, values in curves.items()}
        self._lost = list(lost)
        self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        from matplotlib.ticker import MaxNLocator

        axes.set_xlabel("slice")
        axes.set_ylabel(self._title)
        axes.grid(color=colours.grid, linewidth=0.5, alpha=0.6)
        styles = (("o", colours.first), ("s", colours.second))
        for (name, values), (marker, colour) in zip(self._curves.items(), styles, strict=False):
            axes.plot(range(1, len(values) + 1), values, color=colour, marker=marker, markersize=3.5, label=name)
        for k in self._lost:
            axes.axvline(k + 1, color=colours.text, linewidth=1, linestyle=":")
        # A flat line is not to look like noise.
        low, high = axes.get_ylim()
        if high - low < 1:
            middle = (low + high) / 2
            axes.set_ylim(middle - 0.5, middle + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend = axes.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8, frameon=False, borderaxespad=0
        )
        for text in legend.get_texts():
            text.set_color(colours.text)
