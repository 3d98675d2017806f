"""Which axis of a layer is the stack axis, and why."""

from napari.layers import Image

from napari_focusfuse.gui.layers.file_facts import labels_of
from napari_focusfuse.gui.layers.source import axis_name, data_of

__all__ = ["propose_axis", "why_axis"]

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
