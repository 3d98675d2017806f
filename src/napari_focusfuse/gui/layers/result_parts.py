"""What the layers of a result hold: data and arguments by role. Touches no viewer, so that a thread can prepare it."""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.source import Source, Taken

if TYPE_CHECKING:
    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import FusionResult

__all__ = [
    "FLAGS",
    "LABELS",
    "MAP",
    "Parts",
    "flag_colours",
    "flag_words",
    "fused_part",
    "iter_parts",
    "label_type",
    "legend",
    "limits_of",
    "map_parts",
    "parts_of",
    "preload",
    "reasons",
    "seen_limits",
    "slice_colours",
]

#: The roles whose layers are labels; the others are images.
LABELS = ("decision", "flags")
#: Data and arguments of each layer by role.
Parts = dict[str, dict[str, Any]]
#: Colours of depth and of slices.
MAP = "viridis"
_NO_SLICE = (0.7, 0.7, 0.7, 1.0)
#: Percentiles of a fused image that are black and white; of so many rows, columns, and positions on other axes.
_SEEN, _SIDE, _FEW = (0.1, 99.9), 1024, 4


def parts_of(source: Source, result: "FusionResult") -> Parts:
    """Data and arguments of each layer by role; with many pixels it takes a while, so call it in a thread."""
    made: Parts = {"fused": fused_part(result.image, source, source.place)}
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


def fused_part(image: Any, source: Taken, place: Mapping[str, Any]) -> dict[str, Any]:
    """Data and arguments of a fused image: the colour and blending of its source, and limits of its own.

    A stack is shown with limits of one of its slices, in which little may be in focus.
    """
    limits = {} if source.rgb else {"contrast_limits": seen_limits(image)}
    return {"data": image, "rgb": source.rgb, **source.looks, **limits, **place}


def seen_limits(image: Any) -> tuple[float, float]:
    """Contrast limits of a grey image (..., Y, X) that leave its lightest and darkest specks out.

    Only some rows, columns and positions of a large image are looked at.
    """
    most = [_FEW] * (image.ndim - 2) + [_SIDE] * 2
    some = np.asarray(image[tuple(slice(None, None, -(-n // k)) for n, k in zip(image.shape, most, strict=True))])
    finite = some[np.isfinite(some)].astype(np.float64)
    low, high = np.percentile(finite, _SEEN) if finite.size else (0.0, 1.0)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def iter_parts(whole: Whole, result: "HyperstackResult", top: float) -> Generator[Progress, None, Parts]:
    """What the layers of a result hold, as `parts_of` one stack; runs in the thread.

    Parameters
    ----------
    whole : Whole
        What was fused.
    result : HyperstackResult
    top : float
        Position of the last slice, the greatest depth.
    """
    image = whole.arranged(result.image, result.axes)
    made: Parts = {"fused": fused_part(image, whole, whole.place(result.axes))}
    if result.index is None:
        return made
    from napari_focusfuse import io

    decision = io.room("decision", result.map_axes, result.index.shape, np.dtype(label_type(whole.slices)))
    for k, index in enumerate(result.index):
        yield Progress(k, len(decision), "preparing the layers")
        decision[k] = index + 1
    maps = {"decision": decision, "depth": result.depth, "confidence": result.confidence, "flags": result.flags}
    data = {role: whole.arranged(values, result.map_axes) for role, values in maps.items()}
    return made | map_parts(data, whole.slices, (0.0, top), whole.place(result.map_axes))


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
        "flags": {"features": reasons(data["flags"]), "colormap": flag_colours()},
    }
    if limits is None:
        del looks["depth"]
    return {role: {"data": data[role], **look, "visible": False, **place} for role, look in looks.items()}


def label_type(slices: int) -> Any:
    """The type of labels that are slices from 1."""
    return np.uint8 if slices < np.iinfo(np.uint8).max else np.uint16


#: Of each flag its words and its colour, the most important first; colours of Okabe and Ito 2008, told apart by all.
FLAGS = {
    "EDITED": ("edited by hand", "#009e73"),
    "UNORDERED": ("sharpness does not rise and fall once", "#f0e442"),
    "NO_SIGNAL": ("nothing is sharp here", "#999999"),
    "NOT_BRACKETED": ("sharpest at an end of the stack", "#0072b2"),
    "SATURATED": ("saturated", "#cc79a7"),
    "TWO_PEAKS": ("two depths compete", "#d55e00"),
    "AVERAGED": ("several slices averaged", "#e69f00"),
}


def _flags(value: int) -> list[str]:
    """Names of the flags in a value, the most important first."""
    from napari_focusfuse.core.result import Flag

    return [name for name in FLAGS if value & Flag[name]]


def flag_words(value: int) -> list[str]:
    """What the bits of `Flag` say, for people."""
    return [FLAGS[name][0] for name in _flags(value)]


def reasons(flags: NDArray[np.uint16]) -> dict[str, list[Any]]:
    """Hover text of each value: the flags in words."""
    values = [int(value) for value in np.unique(flags)]
    return {"index": values, "flag": [", ".join(flag_words(value)) for value in values]}


def flag_colours() -> Any:
    """A colormap for flags: the colour of the most important one; nothing where there is none."""
    from napari.utils.colormaps import DirectLabelColormap

    values = range(1, 2 ** len(FLAGS))
    colours: dict[int | None, str] = {value: FLAGS[_flags(value)[0]][1] for value in values}
    return DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", **colours})


def legend(flags: NDArray[np.uint16]) -> str:
    """Flags that there are, in rich text: colour, words, and the share of the pixels that have them."""
    from napari_focusfuse.core.result import Flag

    shares = {name: float(((flags & Flag[name]) > 0).mean()) for name in FLAGS}
    rows = [
        f'<span style="color:{FLAGS[name][1]}">■</span> {share:.1%} {FLAGS[name][0]}'
        for name, share in shares.items()
        if share
    ]
    return "<br>".join(["Colours of the layer <i>flags</i>:", *rows] if rows else ["No pixel is special."])


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
    Labels(np.zeros((1, 1), dtype=np.uint16), colormap=flag_colours())
    Image(np.zeros((1, 1), dtype=np.float32), colormap=MAP)
