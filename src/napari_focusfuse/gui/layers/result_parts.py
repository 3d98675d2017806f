"""What the layers of a result hold: data and arguments by role. Touches no viewer, so that a thread can prepare it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.source import Source

if TYPE_CHECKING:
    from napari_focusfuse.core.result.decision import FusionResult

__all__ = [
    "LABELS",
    "MAP",
    "Parts",
    "label_type",
    "limits_of",
    "map_parts",
    "parts_of",
    "preload",
    "reasons",
    "slice_colours",
]

#: The roles whose layers are labels; the others are images.
LABELS = ("decision", "flags")
#: Data and arguments of each layer by role.
Parts = dict[str, dict[str, Any]]
#: Colours of depth and of slices.
MAP = "viridis"
_NO_SLICE = (0.7, 0.7, 0.7, 1.0)


def parts_of(source: Source, result: "FusionResult") -> Parts:
    """Data and arguments of each layer by role; with many pixels it takes a while, so call it in a thread."""
    made: Parts = {"fused": {"data": result.image, "rgb": source.rgb, **source.looks, **source.place}}
    decision = result.decision
    if decision is None:
        return made
    data = {
        "decision": (decision.index + 1).astype(label_type(source.slices)),
        "depth": decision.depth,
        "confidence": decision.confidence,
        "flags": decision.flags.astype(np.uint16),
    }
    return made | map_parts(data, source.slices, limits_of(decision.depth), source.place)


def map_parts(
    data: Mapping[str, Any], slices: int, limits: tuple[float, float] | None, place: Mapping[str, Any]
) -> Parts:
    """The same of the maps alone.

    Parameters
    ----------
    data : mapping of str to array
        By role; a decision holds slices from 1.
    slices : int
    limits : (float, float) or None
        Of the depth; None where none is known, and then it gets no layer.
    place : mapping
        Arguments that put them where they belong.
    """
    looks: dict[str, dict[str, Any]] = {
        "decision": {"colormap": slice_colours(slices)},
        "depth": {"colormap": MAP, "contrast_limits": limits},
        "confidence": {"colormap": "magma", "contrast_limits": (0.0, 1.0)},
        "flags": {"features": reasons(data["flags"])},
    }
    if limits is None:
        del looks["depth"]
    return {role: {"data": data[role], **look, "visible": False, **place} for role, look in looks.items()}


def label_type(slices: int) -> Any:
    """The type of labels that are slices from 1."""
    return np.uint8 if slices < np.iinfo(np.uint8).max else np.uint16


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
    """A colormap for labels: one colour a slice, in the order of the slices; 0 is transparent, N + 1 is grey."""
    from napari.utils.colormaps import CyclicLabelColormap, ensure_colormap

    colours = ensure_colormap(MAP).map(np.linspace(0, 1, slices))
    return CyclicLabelColormap(colors=np.vstack([np.zeros(4), colours, _NO_SLICE]), name="slices")


def preload() -> None:
    """Have imported what the first layers need; takes a second, so call it in a thread."""
    from napari.layers import Image, Labels

    Labels(np.zeros((1, 1), dtype=np.uint8), features=reasons(np.zeros((1, 1), np.uint16)), colormap=slice_colours(2))
    Image(np.zeros((1, 1), dtype=np.float32), colormap=MAP)
