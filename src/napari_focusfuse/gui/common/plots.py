"""Plots in the colours of napari's theme, among them curves that follow the cursor.

matplotlib is imported when the first one is to be drawn, or by `preload`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize
from qtpy.QtGui import QColor, QFontDatabase
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from napari.viewer import Viewer

__all__ = ["Colours", "CurvePlot", "Plot", "colours_of", "preload", "shortened"]

#: Wanted, and needed (px).
_HEIGHT, _LEAST = 190, 120
#: Letters of a name in a plot.
_LONGEST = 24
#: Comes with matplotlib.
_FALLBACK = "DejaVu Sans"


def preload() -> None:
    """Import matplotlib and look for fonts; takes a second or more, so call it in a thread before a plot is drawn."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401


class Colours(NamedTuple):
    """Colours of a theme."""

    back: str
    text: str
    grid: str
    plain: str
    first: str
    second: str


def colours_of(theme: str) -> Colours:
    """Colours of a napari theme; two for lines that can be told apart by all, on dark and on light."""
    from napari.utils.theme import get_theme

    found = get_theme(theme)
    back, text, grid, plain = (_hex(part) for part in (found.background, found.text, found.primary, found.highlight))
    dark = QColor(back).lightnessF() < 0.5
    return Colours(back, text, grid, plain, "#56b4e9" if dark else "#0072b2", "#e69f00" if dark else "#c25700")


def _hex(colour: Any) -> str:
    return str(colour.as_hex("long"))[:7]


def _families() -> list[str]:
    """Fonts for names in any script: the viewer's, then those for letters that it lacks, if matplotlib knows them."""
    from matplotlib.font_manager import get_font_names

    known = set(get_font_names())
    wanted = [QApplication.font().family()]
    for script in ("SimplifiedChinese", "Japanese", "Korean"):
        wanted += [name for name in QFontDatabase.families(QFontDatabase.WritingSystem[script]) if name in known][:1]
    return list(dict.fromkeys([name for name in wanted if name in known] + [_FALLBACK]))


def _set_letters(axes: "Axes") -> None:
    """Text as it is written: names of layers may be in any script, and a $ in them begins no formula."""
    from matplotlib.text import Text

    families = _families()
    axes.tick_params(labelfontfamily=families)
    for text in axes.findobj(Text):
        if isinstance(text, Text):
            text.set_fontfamily(families)
            text.set_parse_math(False)


class Plot(QWidget):
    """One plot, as wide as there is room. Subclasses say what is in it in `_draw`.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    """

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._canvas: Any = None
        self._axes: Axes | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumHeight(_LEAST)
        viewer.events.theme.connect(self._on_theme)

    @property
    def axes(self) -> "Axes":
        """Where the plot is drawn; made when it is asked for first."""
        if self._axes is None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            figure = Figure(layout="constrained")
            self._canvas = FigureCanvasQTAgg(figure)  # type: ignore[no-untyped-call]
            self._canvas.setMinimumSize(QSize(0, 0))
            self._canvas.mpl_connect("draw_event", self._on_drawn)
            self._axes = figure.add_subplot()
            self._layout.addWidget(self._canvas)
        return self._axes

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No larger than needed."""
        return QSize(0, _HEIGHT)

    def redraw(self) -> None:
        """Draw what is to be shown, soon."""
        axes, colours = self.axes, colours_of(self._viewer.theme)
        axes.clear()
        axes.figure.set_facecolor(colours.back)
        axes.set_facecolor(colours.back)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(colours.grid)
        axes.tick_params(colors=colours.text, labelsize=8)
        self._draw(axes, colours)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_color(colours.text)
            label.set_fontsize(8)
        _set_letters(axes)
        self._canvas.draw_idle()

    def let_go(self) -> None:
        """Stop following the theme."""
        self._viewer.events.theme.disconnect(self._on_theme)

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        raise NotImplementedError

    def _on_drawn(self, _event: Any) -> None:
        """The plot was drawn."""

    def _on_theme(self, _event: Any = None) -> None:
        if self._axes is not None:
            self.redraw()


def shortened(name: str) -> str:
    """A name by its two ends, if it is too long for a plot."""
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"


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

    def clear(self) -> None:
        """Show no curve."""
        if self._z:
            self.show_curves([], [], "")

    def _draw(self, axes: "Axes", colours: Colours) -> None:
        self._artists = []
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
