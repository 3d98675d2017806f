"""What the layers of a result hold: data and arguments by role. Touches no viewer, so that a thread can prepare it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.source import Source

if TYPE_CHECKING:
    from napari_focusfuse.core.result.decision import FusionResult

__all__ = ["LABELS", "MAP", "Parts", "limits_of", "parts_of", "preload", "reasons", "slice_colours"]

#: The roles whose layers are labels; the others are images.
LABELS = ("decision", "flags")
#: Data and arguments of each layer by role.
Parts = dict[str, dict[str, Any]]
#: Colours of depth and of slices.
MAP = "viridis"


def parts_of(source: Source, result: "FusionResult") -> Parts:
    """Data and arguments of each layer by role; with many pixels it takes a while, so call it in a thread."""
    made: Parts = {"fused": {"data": result.image, "rgb": source.rgb, **source.looks, **source.place}}
    decision = result.decision
    if decision is None:
        return made
    dtype = np.uint8 if source.slices < np.iinfo(np.uint8).max else np.uint16
    made["decision"] = {
        "data": (decision.index + 1).astype(dtype),
        "colormap": slice_colours(source.slices),
        "visible": False,
        **source.place,
    }
    limits = limits_of(decision.depth)
    if limits is not None:
        made["depth"] = {
            "data": decision.depth,
            "colormap": MAP,
            "contrast_limits": limits,
            "visible": False,
            **source.place,
        }
    made["confidence"] = {
        "data": decision.confidence,
        "colormap": "magma",
        "contrast_limits": (0.0, 1.0),
        "visible": False,
        **source.place,
    }
    made["flags"] = {
        "data": decision.flags.astype(np.uint16),
        "features": reasons(decision.flags),
        "visible": False,
        **source.place,
    }
    return made


def reasons(flags: NDArray[np.uint16]) -> dict[str, list[Any]]:
    """Hover text of each value: the flags in words."""
    from napari_focusfuse.core.result.decision import Flag

    values = [int(value) for value in np.unique(flags)]
    words = [", ".join(str(flag.name).lower().replace("_", " ") for flag in Flag if value & flag) for value in values]
    return {"index": values, "flag": words}


def limits_of(depth: NDArray[np.floating]) -> tuple[float, float] | None:
    """Least and greatest finite value; None without any."""
    finite = depth[np.isfinite(depth)]
    if finite.size == 0:
        return None
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low, low + 1.0)


def slice_colours(slices: int) -> Any:
    """A colormap for labels: one colour a slice, in the order of the slices; 0 is transparent."""
    from napari.utils.colormaps import CyclicLabelColormap, ensure_colormap

    colours = ensure_colormap(MAP).map(np.linspace(0, 1, slices))
    return CyclicLabelColormap(colors=np.vstack([np.zeros(4), colours]), name="slices")


def preload() -> None:
    """Have imported what the first layers need; takes a second, so call it in a thread."""
    from napari.layers import Image, Labels

    Labels(np.zeros((1, 1), dtype=np.uint8), features=reasons(np.zeros((1, 1), np.uint16)), colormap=slice_colours(2))
    Image(np.zeros((1, 1), dtype=np.float32), colormap=MAP)
