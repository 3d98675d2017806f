"""Plots in the colours of napari's theme. matplotlib is imported when the first one is to be drawn, or by `preload`."""

from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QSize
from qtpy.QtGui import QColor, QFontDatabase
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from napari.viewer import Viewer

__all__ = ["Colours", "Plot", "preload", "shortened"]

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


def _colours(theme: str) -> Colours:
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
        axes, colours = self.axes, _colours(self._viewer.theme)
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
