"""Figures for papers and talks: pictures side by side with a scale bar, depth with its colours and unit."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.stack.intensity import robust_range
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.limits import atomically, check_file_target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "Panel", "write_figure"]

#: Suffixes of figures.
FIGURES = (".png", ".pdf")
#: Height of a panel (inches), resolution (dots an inch), and least width of a panel.
_HEIGHT, _DPI, _NARROW = 4.0, 300, 2.0
#: Longest scale bar as a share of the width, and its thickness as a share of the height.
_BAR, _THICK = 0.25, 0.015


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a figure.

    Attributes
    ----------
    image : (Y, X) or (Y, X, 3|4) array
    limits : (float, float), optional
        Values shown as the first and the last colour; by default the percentiles .1 and 99.9, of RGB the range of the
        type.
    colours : str
        Name of a colormap.
    label : str
        Of the colour bar, with the unit; without one there is no colour bar.
    """

    image: NDArray[Any]
    limits: tuple[float, float] | None = None
    colours: str = "gray"
    label: str = ""


def write_figure(
    path: str | os.PathLike[str],
    panels: Sequence[Panel],
    *,
    pixel_size: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write pictures of one height and width side by side, with a scale bar in the first.

    Parameters
    ----------
    path : path
        Ends in .png or .pdf.
    panels : sequence of Panel
    pixel_size : (float, float), optional
        Height and width of a pixel, um; the scale bar is in pixels without it.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The suffix is another one, a size is none, or the file exists or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FIGURES:
        raise OutputError(f"the name of a figure ends in {' or '.join(FIGURES)}, not in {path.suffix or 'nothing'}")
    if pixel_size is not None and not all(math.isfinite(size) and size > 0 for size in pixel_size):
        raise OutputError(f"a pixel size is positive, not {pixel_size}")
    check_file_target(path, overwrite=overwrite)
    content = BytesIO()
    options = {"CreationDate": None} if path.suffix.lower() == ".pdf" else {"Software": None}
    _drawn(panels, pixel_size).savefig(content, format=path.suffix[1:].lower(), dpi=_DPI, metadata=options)
    atomically(path, lambda part: part.write_bytes(content.getvalue()), overwrite=overwrite)
    return path


def _drawn(panels: Sequence[Panel], pixel_size: tuple[float, float] | None) -> "Figure":
    from matplotlib.figure import Figure

    height, width = panels[0].image.shape[:2]
    dy, dx = pixel_size or (1.0, 1.0)
    wide = max(_HEIGHT * width * dx / (height * dy), _NARROW)
    figure = Figure(figsize=(sum(wide + bool(panel.label) for panel in panels), _HEIGHT), layout="constrained")
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True):
        axes.set_axis_off()
        low, high = panel.limits or robust_range(np.asarray(panel.image))
        shown = axes.imshow(_shown(panel.image), cmap=panel.colours, vmin=low, vmax=high, aspect=dy / dx)
        if panel.label:
            figure.colorbar(shown, ax=axes, label=panel.label, shrink=0.9)
    _add_bar(figure.axes[0], (height, width), dx, "µm" if pixel_size else "px")
    return figure


def _shown(image: NDArray[Any]) -> NDArray[Any]:
    """An image as matplotlib wants it: colours between 0 and 1."""
    if image.ndim == 2:
        return np.asarray(image)
    top = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
    return np.clip(image[..., :3] / top, 0, 1)


def _add_bar(axes: "Axes", shape: tuple[int, int], size: float, unit: str) -> None:
    """A bar of a round length at the lower right, white with a dark rim, to be seen on any image."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    height, width = shape
    length = _round_length(_BAR * width * size)
    right, bottom, pixels = 0.96 * width, 0.96 * height, length / size
    rim = [withStroke(linewidth=2.5, foreground="black")]
    place = (right - pixels, bottom - _THICK * height)
    axes.add_patch(Rectangle(place, pixels, _THICK * height, facecolor="white", edgecolor="black", linewidth=0.5))
    middle, above = right - pixels / 2, bottom - 2 * _THICK * height
    axes.text(middle, above, f"{length:g} {unit}", color="white", ha="center", va="bottom", path_effects=rim)


def _round_length(longest: float) -> float:
    """The greatest 1, 2 or 5 times a power of ten up to `longest`."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(times * power for times in (5, 2, 1) if times * power <= longest)
