"""The paper's figures from a pair of photographs: its decision, its fused images, and what they leave of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.stack.intensity import full_range, luminance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_focusfuse.core.result import Decision

__all__ = ["Fused", "draw_decision", "draw_differences", "draw_insets", "draw_two_decisions", "most_different"]

_PANEL, _DPI = 2.6, 110
_COLUMNS = 5
_INSET = 0.16
_ZOOM = 2.8


class Fused(NamedTuple):
    """A pair and what methods made of it.

    Attributes
    ----------
    name : str
    sources : list of two arrays (Y, X[, C])
    images : mapping of method to array (Y, X[, C])
    decisions : mapping of method to Decision
    """

    name: str
    sources: list[NDArray[Any]]
    images: Mapping[str, NDArray[Any]]
    decisions: Mapping[str, Decision]


def draw_decision(fused: Fused, label: str, path: Path) -> None:
    """Fig. 2: the two sources, the decision map, and the fused image."""
    figure, axes = _panels(4, 4, fused.sources[0].shape)
    panels = (
        (fused.sources[0], "first source"),
        (fused.sources[1], "second source"),
        (share_of_first(fused.decisions[label]), "decision (white: first)"),
        (fused.images[label], f"fused by {label}"),
    )
    for ax, (image, title) in zip(axes, panels, strict=True):
        _show(ax, image, title)
    figure.savefig(path, dpi=_DPI)


def draw_two_decisions(fused: Fused, label: str, path: Path) -> None:
    """Fig. 3: decisions by the spatial frequency of pixels and of deep features, and where they differ."""
    pixels, deep = (share_of_first(fused.decisions[name]) for name in ("sf", label))
    figure, axes = _panels(4, 4, fused.sources[0].shape)
    _show(axes[0], fused.sources[0], "first source")
    _show(axes[1], pixels, "decision by SF of pixels")
    _show(axes[2], deep, "decision by SF of deep features")
    _show(axes[3], _marked(fused.sources[0], np.abs(pixels - deep)), "where they differ (red)")
    figure.savefig(path, dpi=_DPI)


def draw_insets(fused: Fused, path: Path) -> None:
    """Fig. 4: the fused images, and in each the place where they differ most, magnified."""
    from matplotlib.patches import Rectangle

    images = {"first source": fused.sources[0], "second source": fused.sources[1], **fused.images}
    shape = fused.sources[0].shape
    y, x, side = most_different(list(fused.images.values()))
    figure, axes = _panels(len(images), _COLUMNS, shape)
    for ax, (label, image) in zip(axes, images.items(), strict=True):
        _show(ax, image, label)
        ax.add_patch(Rectangle((x, y), side, side, fill=False, edgecolor="yellow", linewidth=1.2))
        # In the corner that is farthest from the place itself.
        width, height = _ZOOM * side / shape[1], _ZOOM * side / shape[0]
        corner = (0.0 if x + side / 2 > shape[1] / 2 else 1 - width, 0.0 if y + side / 2 < shape[0] / 2 else 1 - height)
        inset = ax.inset_axes((*corner, width, height))
        _show(inset, image[y : y + side, x : x + side], "", shown=image)
        for spine in inset.spines.values():
            spine.set(visible=True, edgecolor="yellow", linewidth=1.6)
    figure.savefig(path, dpi=_DPI)


def draw_differences(fused: Fused, path: Path) -> None:
    """Fig. 5 and 6: fused image minus first source, scaled to 0..1: flat where the first source was taken as it is."""
    figure, axes = _panels(len(fused.images), _COLUMNS, fused.sources[0].shape)
    first = _grey(fused.sources[0])
    for ax, (label, image) in zip(axes, fused.images.items(), strict=True):
        off = _grey(image) - first
        span = float(np.ptp(off))
        _show(ax, (off - off.min()) / span if span else np.zeros_like(off), label)
    figure.savefig(path, dpi=_DPI)


def share_of_first(decision: Decision) -> NDArray[np.float64]:
    """Weight (Y, X) of the first of two sources."""
    return np.asarray(np.where(decision.labels == 0, decision.weights, 0).sum(axis=0), dtype=np.float64)


def most_different(images: Sequence[NDArray[Any]]) -> tuple[int, int, int]:
    """Where images differ most from each other: a square given by its upper left corner (y, x) and its side, px.

    Parameters
    ----------
    images : sequence of arrays (Y, X[, C])
        Of one size.
    """
    # The median keeps one bad method from choosing the place.
    greys = np.stack([_grey(image) for image in images])
    spread = np.median(np.abs(greys - np.median(greys, axis=0)), axis=0)
    height, width = spread.shape
    side = max(8, round(_INSET * min(height, width)))
    side = min(side, height, width)
    mean = ndimage.uniform_filter(spread, side, mode="constant")
    half = side // 2
    inner = mean[half : height - (side - half) + 1, half : width - (side - half) + 1]
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return int(y), int(x), side


def _panels(count: int, columns: int, shape: Sequence[int]) -> tuple[Figure, list[Axes]]:
    """A figure of that many panels for images of that shape."""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(_PANEL * columns, (_PANEL * shape[0] / shape[1] + 0.3) * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes:
        ax.set_axis_off()
    return figure, axes[:count]


def _show(ax: Axes, image: NDArray[Any], title: str, shown: NDArray[Any] | None = None) -> None:
    """Draw an image on the range of its type; floats on 0..1."""
    ax.set_axis_on()
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    white = full_range((image if shown is None else shown).dtype)[1]
    pixels = np.clip(image[..., :3] if image.ndim == 3 else image, 0, white) / white
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    if title:
        ax.set_title(title, fontsize=9)


def _marked(image: NDArray[Any], where: NDArray[np.float64]) -> NDArray[np.float64]:
    """The image in pale grey with red laid over it."""
    grey = 0.5 + 0.5 * _grey(image)[..., None]
    return np.asarray(grey * (1 - where[..., None]) + where[..., None] * np.array([0.85, 0.1, 0.1]))


def _grey(image: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(luminance(image), dtype=np.float64) / full_range(image.dtype)[1]
