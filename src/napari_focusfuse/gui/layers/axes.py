"""Axes, sizes and slices of a layer, as its file states them: napari's own reader drops them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Image

from napari_focusfuse.gui.layers.opened import mark
from napari_focusfuse.gui.layers.source import (
    KEY,
    LOOKS,
    axis_name,
    data_of,
    inputs_of,
    lazy,
    micrometres,
    plane_axes,
)
from napari_focusfuse.gui.thread_warnings import quiet

__all__ = [
    "Spacing",
    "Stated",
    "labels_of",
    "leave_out",
    "positions_of",
    "propose_axis",
    "slots_of",
    "some_slices",
    "spacing_of",
    "stated_by_file",
    "suspects_of",
    "taken_of",
    "why_axis",
]


class Stated(NamedTuple):
    """Axes and sizes of a file.

    Attributes
    ----------
    file : str
        Its name.
    labels : tuple of str
        "z" and the like for each axis of the layer; "" where the file does not name it.
    z_step : float or None
        um.
    pixel_size : (float, float) or None
        Height and width, um.
    z : tuple of float or None
        Positions of the slices, um, where they are not even.
    data : dask array
        The pixels, in the shape of the layer; read when they are asked for.
    """

    file: str
    labels: tuple[str, ...]
    z_step: float | None
    pixel_size: tuple[float, float] | None
    z: tuple[float, ...] | None
    data: Any


class Spacing(NamedTuple):
    """Distance of the slices, height and width of a pixel, um; and the file that states any of it, if one does."""

    z_step: float | None = None
    pixel_size: tuple[float, float] | None = None
    file: str | None = None


def stated_by_file(layer: Image) -> Stated | None:
    """What the file of a layer states, if it was opened by another reader and holds just these values."""
    path = Path(layer.source.path) if layer.source.path else None
    if path is None or KEY in layer.metadata or not path.is_file():
        return None
    return _read(path, path.stat().st_mtime_ns, tuple(data_of(layer).shape))


@lru_cache(maxsize=64)
def _read(path: Path, _modified: int, shape: tuple[int, ...]) -> Stated | None:
    from napari_focusfuse import api
    from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning

    if not api.is_stack_file(path):
        return None
    try:
        with quiet(FocusFuseWarning):
            file = api.open_file(path)
    except FocusFuseError:
        return None
    whole = list(zip(file.axes, file.data.shape, strict=True))
    for axes in (whole, [(a, n) for a, n in whole if n > 1 or a in "YXS"]):
        if tuple(n for _, n in axes) == shape:
            labels = tuple("" if a in "QI" else a.lower() for a, _ in axes if a != "S")
            return Stated(path.name, labels, file.z_step, file.pixel_size, file.z, file.data.reshape(shape))
    return None


def labels_of(layer: Image) -> list[str]:
    """Labels of the axes in lower case: those of the layer, or of its file where the layer has none."""
    own = [str(label).lower() for label in layer.axis_labels]
    stated = stated_by_file(layer) if all(label.lstrip("-").isdigit() for label in own) else None
    return own if stated is None else [said or label for said, label in zip(stated.labels, own, strict=True)]


def spacing_of(layer: Image, axis: int) -> Spacing:
    """Distance of the slices along `axis` and size of a pixel; what the layer's own scale and units say goes first."""
    height, width = (micrometres(layer, i) for i in plane_axes(layer, axis))
    z_step, pixel = micrometres(layer, axis), None if height is None or width is None else (height, width)
    stated = stated_by_file(layer) if z_step is None or pixel is None else None
    if stated is None:
        return Spacing(z_step, pixel)
    by_file = stated.z_step if stated.labels[axis] == "z" else None
    adds = (z_step is None and by_file is not None) or (pixel is None and stated.pixel_size is not None)
    return Spacing(z_step or by_file, pixel or stated.pixel_size, stated.file if adds else None)


def positions_of(layer: Image, axis: int) -> list[float] | None:
    """Positions of the slices, um, where the file states that they are not even."""
    if labels_of(layer)[axis] != "z":
        return None
    stated = stated_by_file(layer)
    z = layer.metadata.get(KEY, {}).get("z") if stated is None else stated.z
    return list(z) if z and len(z) == data_of(layer).shape[axis] else None


def slots_of(layer: Image, axis: int) -> list[int]:
    """Number of each slice from 0 on; some are missing where the names of the files tell so, or were left out."""
    count, label = int(data_of(layer).shape[axis]), labels_of(layer)[axis]
    slots = layer.metadata.get(KEY, {}).get("slots") if label == "z" or label.lstrip("-").isdigit() else None
    return list(slots) if slots and len(slots) == count else list(range(count))


_DEPTH = ("z", "depth", "focus", "focal", "height")
_OTHER = {"t": "time", "time": "time", "c": "channel", "channel": "channel", "ch": "channel", "channels": "channel"}
_NOT_FOCUS = {
    "time": "is time: a time-lapse is not a focus stack",
    "channel": "is the channel: channels are not a focus stack",
}


def propose_axis(layer: Image) -> tuple[int, str]:
    """The most likely stack axis, and why, in one sentence."""
    labels, shape = labels_of(layer), data_of(layer).shape
    for name in _DEPTH:
        if name in labels:
            axis = labels.index(name)
            own = str(layer.axis_labels[axis]).lower() == name
            return axis, f"Stack along {axis_name(layer, axis)}, {'by its label' if own else 'which the file calls z'}."
    others = [i for i in _besides_image(labels) if shape[i] > 1]
    free = [i for i in others if labels[i] not in _OTHER]
    if len(free) > 1:
        longest = max(free, key=lambda i: (shape[i], i))
        return longest, f"Stack along {axis_name(layer, longest)}? No axis is named z, this is the longest: check it."
    if free:
        why = "the only axis besides the image" if len(others) == 1 else "which is neither time nor channel"
        return free[0], f"Stack along {axis_name(layer, free[0])}, {why}."
    axis = others[0] if others else 0
    return axis, _warned(layer, axis) or f"Stack along {axis_name(layer, axis)}, the first axis."


def why_axis(layer: Image, axis: int) -> str:
    """Why `axis` is the stack axis: as proposed, or as somebody chose; what speaks against it."""
    proposed, why = propose_axis(layer)
    return why if axis == proposed else _warned(layer, axis) or f"Stack along {axis_name(layer, axis)}, as you chose."


def _besides_image(labels: list[str]) -> list[int]:
    """Axes that are not in a slice: all but y and x, or but the last two where these are not labelled."""
    named = [i for i, label in enumerate(labels) if label in ("y", "x")]
    image = named if len(named) == 2 else [len(labels) - 2, len(labels) - 1]
    return [i for i in range(len(labels)) if i not in image]


def _warned(layer: Image, axis: int) -> str | None:
    kind = _OTHER.get(labels_of(layer)[axis])
    return None if kind is None else f"Stack along {axis_name(layer, axis)}? That {_NOT_FOCUS[kind]}."


def taken_of(layer: Image | None) -> dict[str, Any]:
    """Which slices of its file a layer holds, as a recipe tells it; nothing where that is all, or each is a file."""
    taken = None if layer is None else layer.metadata.get(KEY, {}).get("taken")
    return {"slices": taken} if taken else {}


def suspects_of(layer: Image) -> list[int]:
    """Slices of which the names of the files, or what is noted in these, say that they may be none."""
    note = layer.metadata.get(KEY, {})
    inputs = note.get("inputs") or []
    there = len(inputs) == data_of(layer).shape[0]
    return [k for k, path in enumerate(inputs) if path in note.get("suspects", [])] if there else []


def some_slices(layer: Image, axis: int, chosen: Sequence[int]) -> Image:
    """A layer with some of the slices, in the place of these; nothing is copied.

    Parameters
    ----------
    layer : Image
    axis : int
        The stack axis.
    chosen : sequence of int
        Two or more, ascending.
    """
    kept = _kept(layer, axis, chosen)
    step = _step(chosen)
    every = "" if step == 1 else f" every {step}" if step else f", {len(chosen)} slices"
    return Image(
        kept.pop("levels") if layer.multiscale else kept.pop("levels")[0],
        multiscale=layer.multiscale,
        rgb=layer.rgb,
        name=f"{layer.name} {chosen[0]}-{chosen[-1]}{every}",
        axis_labels=layer.axis_labels,
        units=layer.units,
        rotate=layer.rotate,
        shear=layer.shear,
        affine=layer.affine,
        **({} if layer.rgb else {name: getattr(layer, name) for name in LOOKS}),
        **kept,
    )


def leave_out(layer: Image, axis: int, numbers: Sequence[int]) -> None:
    """Take slices out of a layer; what is left keeps its place."""
    count = data_of(layer).shape[axis]
    kept = _kept(layer, axis, [k for k in range(count) if k not in numbers])
    layer.metadata = {**layer.metadata, **kept["metadata"]}
    layer.data = kept["levels"] if layer.multiscale else kept["levels"][0]
    layer.scale, layer.translate = kept["scale"], kept["translate"]


def _step(numbers: Sequence[int]) -> int | None:
    """Distance of evenly spaced slices; None of others."""
    steps = {b - a for a, b in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None


def _kept(layer: Image, axis: int, chosen: Sequence[int]) -> dict[str, Any]:
    """Data of some slices, and where they lie and come from."""
    slots, step = slots_of(layer, axis), _step(chosen)
    even = step is not None and slots == list(range(len(slots)))
    where = (slice(None),) * axis + (slice(chosen[0], chosen[-1] + 1, step) if step else list(chosen),)
    levels = [lazy(level)[where] for level in (layer.data if layer.multiscale else [layer.data])]
    scale, along = np.array(layer.scale, dtype=float), np.zeros(layer.ndim)
    along[axis] = scale[axis] * slots[chosen[0]]
    if even:
        scale[axis] *= step
    note = {**_noted(layer, axis, chosen), "mark": mark(levels[0])}
    note["slots"] = None if even else [slots[k] - slots[chosen[0]] for k in chosen]
    return {
        "levels": levels,
        "metadata": {KEY: note},
        "scale": scale,
        "translate": np.asarray(layer.translate) + np.asarray(layer.rotate) @ along,
    }


def _noted(layer: Image, axis: int, chosen: Sequence[int]) -> dict[str, Any]:
    """Where slices come from: the files that hold them, or the whole file and their numbers in it."""
    from napari_focusfuse import io

    note, inputs = dict(layer.metadata.get(KEY, {})), inputs_of(layer)
    count = data_of(layer).shape[axis]
    if note.get("z"):
        note["z"] = [note["z"][k] for k in chosen]
    if layer.ndim == 3 and len(inputs) == count:
        inputs = [inputs[k] for k in chosen]
    else:
        before = io.slices_of(note["taken"]) if note.get("taken") else range(count)
        numbers = range(before.stop)[before] if isinstance(before, slice) else before
        part, step = [numbers[k] for k in chosen], _step([numbers[k] for k in chosen])
        note["taken"] = io.told_slices(slice(part[0], part[-1] + 1, step) if step else part)
    return {**note, "inputs": inputs}
