"""Focus curves that follow the cursor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.gui.common.plots import Colours, Plot, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from napari.viewer import Viewer

__all__ = ["CurvePlot"]


class CurvePlot(Plot):
    """The focus curve of a pixel, each measure by its largest value.

    It follows the cursor: what stays the same from pixel to pixel is drawn once, and the curves are painted over it.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    measures : sequence of str
        What the curves are called; one or two.
    """

    def __init__(self, viewer: "Viewer", measures: Sequence[str] = ("deep SF", "pixel SF")) -> None:
        super().__init__(viewer)
        self._measures = measures
        self._z: list[float] = []
        self._unit = ""
        self._names: list[str] = []
        self._values: list[NDArray[np.float32]] = []
        self._mark: float | None = None
        self._artists: list[Line2D] = []
        self._under: Any = None

    def show_curves(
        self,
        positions: Sequence[float],
        curves: Sequence[NDArray[np.float32]],
        unit: str,
        names: Sequence[str] = (),
        mark: float | None = None,
    ) -> None:
        """Show the curves of a pixel.

        Parameters
        ----------
        positions : (N,) sequence of float
            Where the slices are.
        curves : sequence of (N,) arrays
            One for each measure.
        unit : str
            What the positions are, for the axis.
        names : sequence of str
            Names of single images, in place of positions; empty for a stack.
        mark : float or None
            A position to mark.
        """
        z = [float(at) for at in positions]
        same = self._under is not None and (z, unit, list(names)) == (self._z, self._unit, self._names)
        self._z, self._unit, self._names = z, unit, list(names)
        self._values, self._mark = [_relative(values) for values in curves], mark
        if same:
            self._canvas.restore_region(self._under)
            self._paint()
            # Not `blit`, which has the whole window painted at once: the viewer paints soon, for the same movement.
            self._canvas.update()
        else:
            self.redraw()

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        axes.set_ylim(0, 1.08)
        axes.set_ylabel("activity / largest")
        axes.set_xlabel(self._unit)
        axes.grid(color=colours.grid, linewidth=0.5, alpha=0.6)
        if not self._z:
            return
        margin = 0.04 * (self._z[-1] - self._z[0])
        axes.set_xlim(self._z[0] - margin, self._z[-1] + margin)
        looks = (("o", colours.first), ("s", colours.second))
        curves = [
            axes.plot(self._z, self._z, color=colour, marker=marker, markersize=3.5, label=name, animated=True)[0]
            for name, (marker, colour) in zip(self._measures, looks, strict=False)
        ]
        self._artists = [*curves, axes.axvline(self._z[0], color=colours.text, linewidth=1, animated=True)]
        if self._names:
            axes.set_xticks(self._z, [shortened(name) for name in self._names])
        legend = axes.legend(
            handles=curves,
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=2,
            fontsize=8,
            frameon=False,
            borderaxespad=0,
        )
        for text in legend.get_texts():
            text.set_color(colours.text)

    def _on_drawn(self, _event: Any) -> None:
        """Keep what is under the curves."""
        self._under = self._canvas.copy_from_bbox(self._canvas.figure.bbox)
        self._paint()

    def _paint(self) -> None:
        if not self._artists:
            return
        *curves, mark = self._artists
        for line, values in zip(curves, self._values, strict=True):
            line.set_ydata(values)
        mark.set_visible(self._mark is not None)
        if self._mark is not None:
            mark.set_xdata([self._mark, self._mark])
        for artist in (mark, *curves):
            self._canvas.figure.draw_artist(artist)


def _relative(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values by the largest one; zeros stay."""
    largest = values.max()
    return values / largest if largest > 0 else values
