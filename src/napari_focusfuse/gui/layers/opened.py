"""From a file to layers, one for each channel, and whether the pixels of a layer are still those of its files.

Readers need it, so it imports no napari.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_focusfuse.io import StackFile

__all__ = ["ASKED", "LayerData", "layers_of", "mark", "sample"]

#: How a notification about a picture that may be no slice ends.
ASKED = "is it a slice?"
#: Places along the axes in front of a plane, as shares of their lengths; and pixels along a side of a plane.
_PLACES, _SIDE = (0.0, 0.5, 1.0), 256
#: A last axis that is no longer is one of colour samples.
_SAMPLES = 4


def mark(data: Any) -> str:
    """What tells pixels from others, for a fraction of reading them.

    A lazy array is told by its name, which it loses when it is assigned to, and of others a sample is told: what was
    changed between its pixels goes unnoticed.
    """
    return str(data.name) if hasattr(data, "dask") else f"{crc32(sample(data).tobytes()):08x}"


def sample(data: Any) -> NDArray[Any]:
    """Some pixels of some planes, (n,)."""
    of_plane = 3 if data.ndim > 2 and data.shape[-1] <= _SAMPLES else 2
    leading, plane = data.shape[:-of_plane], data.shape[-of_plane:]
    steps = tuple(slice(None, None, max(1, n // _SIDE)) for n in plane)
    where = sorted({tuple(int(place * (n - 1)) for n in leading) for place in _PLACES})
    return np.concatenate([np.asarray(data[index][steps]).ravel() for index in where])


LayerData = tuple[Any, dict[str, Any], str]

#: The same as `source.KEY`, which this module does not import: readers load no napari.
_KEY = "napari-focusfuse"
#: napari's own, for channels whose colours are not stated: two, and more.
_TWO, _MORE = ("magenta", "green"), ("cyan", "yellow", "magenta", "red", "green", "blue")


def layers_of(file: "StackFile") -> list[LayerData]:
    """Layer data of a file with all its axes; those of length 1 are dropped.

    Parameters
    ----------
    file : StackFile

    Returns
    -------
    list of layer data
        One layer, or one a channel, unless the channels are colour samples. Values stay lazy, but three slices of each
        layer are read for its contrast limits, unless its type has usual ones.
    """
    if "S" in file.axes or "C" not in file.axes or file.data.shape[file.axes.index("C")] == 1:
        colour = file.channels[0].colour if len(file.channels) == 1 else None
        return [_layer(file, file.name, None, {"colormap": colour} if colour else {})]
    return list(_channels(file))


def _channels(file: "StackFile") -> Iterator[LayerData]:
    count = file.data.shape[file.axes.index("C")]
    known = file.channels if len(file.channels) == count else [None] * count
    for k, channel in enumerate(known):
        name = (channel and channel.name) or f"c{k}"
        usual = (_TWO if count == 2 else _MORE)[k % len(_MORE)]
        looks = {"colormap": (channel and channel.colour) or usual, "blending": "additive"}
        yield _layer(file, f"{file.name} {name}", k, looks)


def _layer(file: "StackFile", name: str, channel: int | None, looks: dict[str, Any]) -> LayerData:
    rgb = file.axes.endswith("S")
    index = _index(file.axes, file.data.shape, channel)
    levels = [data[index] for data in (file.data, *file.coarser)]
    kept = [a for a, picked in zip(file.axes, index, strict=True) if isinstance(picked, slice) and a != "S"]
    spacing: dict[str, float] = {} if file.z_step is None else {"Z": file.z_step}
    if file.pixel_size is not None:
        spacing["Y"], spacing["X"] = file.pixel_size
    note: dict[str, Any] = {
        "inputs": [str(path) for path in file.inputs],
        "z_step": file.z_step,
        "z": file.z and list(file.z),
        "slots": file.slots and list(file.slots),
        "suspects": [str(path) for path in file.suspects],
        "mark": mark(levels[0]),
    }
    if channel is not None:
        note["in_file"] = {"c": channel}
    arguments: dict[str, Any] = {
        "name": name,
        "rgb": rgb,
        "axis_labels": tuple(a.lower() if a not in "QI" else str(i - len(kept)) for i, a in enumerate(kept)),
        "scale": tuple(spacing.get(a) or file.ratio.get(a, 1.0) for a in kept),
        "units": tuple("um" if a in spacing else "pixel" for a in kept),
        "metadata": {_KEY: note},
        **looks,
    }
    if any(file.origin.get(a) for a in kept):
        arguments["translate"] = tuple(file.origin.get(a, 0.0) if a in spacing else 0.0 for a in kept)
    if not rgb and (limits := _limits(levels[-1], len(kept))) is not None:
        arguments["contrast_limits"] = limits
    if len(levels) > 1:
        arguments["multiscale"] = True
    return levels if len(levels) > 1 else levels[0], arguments, "image"


def _index(axes: str, shape: tuple[int, ...], channel: int | None) -> tuple[int | slice, ...]:
    """What picks one channel and drops axes of length 1."""
    alone: list[int | slice] = [
        0 if n == 1 and a not in "YXS" else slice(None) for a, n in zip(axes, shape, strict=True)
    ]
    if channel is not None:
        alone[axes.index("C")] = channel
    return tuple(alone)


def _limits(data: Any, axes: int) -> tuple[float, float] | None:
    """Least and greatest value of the first, middle and last plane; None where napari needs no help."""
    if data.dtype in (np.uint8, bool) or 0 in data.shape:
        return None
    leading = data.shape[: axes - 2]
    where = {tuple(int(part * (n - 1)) for n in leading) for part in (0.0, 0.5, 1.0)}
    extremes = [(np.nanmin(plane), np.nanmax(plane)) for plane in (np.asarray(data[index]) for index in where)]
    low, high = float(min(low for low, _ in extremes)), float(max(high for _, high in extremes))
    return (low, high) if np.isfinite([low, high]).all() and low < high else None
