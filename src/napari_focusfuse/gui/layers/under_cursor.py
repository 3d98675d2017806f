"""What a result says of the pixel under the cursor: which layers, which pixel, in which words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.gui.layers.result_notes import ROLES, is_result, note_of, source_of
from napari_focusfuse.gui.layers.result_parts import flag_words
from napari_focusfuse.gui.layers.source import Source, axis_name, take

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import ViewerModel

__all__ = ["Hit", "hit_at", "origin_of", "source_at", "still_asked"]


@dataclass(frozen=True, eq=False)
class Hit:
    """The pixel of a result under the cursor.

    Attributes
    ----------
    note : mapping
        How the result was made; see `note_of`.
    layers : dict of str to Layer
        Its layers by role, those that there still are.
    pixel : tuple of int
        Row and column in the slices.
    at : dict of str to tuple of int
        Index of the pixel in each of them, by role; of those that it is in.
    where : dict of str to int
        Index on each axis of the source, by name, that is neither the stack axis nor in a slice.
    """

    note: Mapping[str, Any]
    layers: dict[str, "Layer"]
    pixel: tuple[int, int]
    at: dict[str, tuple[int, ...]]
    where: dict[str, int]

    def value(self, role: str) -> float:
        """Value of a layer; NaN where there is none."""
        return float(self.layers[role].data[self.at[role]]) if role in self.at else float("nan")

    @property
    def slice(self) -> int | None:
        """The slice that the pixel mostly comes from, from 0 on; None: not known."""
        label = self.value("decision")
        return int(label) - 1 if label >= 1 else None

    @property
    def depth(self) -> float | None:
        """Position of best focus, um, or slices from 0 on where the z-step is not known; None: it cannot be told."""
        depth = self.value("depth")
        return depth if np.isfinite(depth) else None

    @property
    def mark(self) -> float | None:
        """Where it was found on the stack axis: its depth, or else the slice; in the units of `positions`."""
        if self.depth is not None or self.slice is None:
            return self.depth
        return float(self.z[self.slice]) if self.slice < len(self.z) else None

    @property
    def z(self) -> list[float]:
        """Where each slice is, um; or its number from 0 on."""
        step, slices = self.note["z_step"], int(self.note["slices"])
        stated = self.note.get("z") or self.note.get("made_by", {}).get("z")
        return list(stated) if step and stated else [k * (step or 1.0) for k in range(slices)]

    @property
    def positions(self) -> list[float]:
        """Where the slices are, from the lowest on."""
        return sorted(self.z)

    def text(self) -> str:
        """What is known, in a line."""
        if "decision" not in self.layers:
            decided = self.note.get("decision_from")
            if decided:
                return f"fused with the decision map of {decided['source']!r}"
            return "no slice or depth: this method makes no decision map"
        parts = [f"slice {self.slice} (0 to {self.note['slices'] - 1})"] if self.slice is not None else []
        if self.depth is None:
            parts.append("depth not measured")
        else:
            parts.append(f"depth {self.depth:.3g} µm" if self.note["z_step"] else f"sharpest at slice {self.depth:.1f}")
        confidence = self.value("confidence")
        if np.isfinite(confidence):
            parts.append(f"confidence {confidence:.2f}")
        flags = self.value("flags")
        return " · ".join([*parts, *(flag_words(int(flags)) if flags > 0 else [])])


def hit_at(viewer: "ViewerModel", position: Sequence[float]) -> Hit | None:
    """The result that is seen at a position of the world; none of another stack than the selected one.

    Of several the selected layer's comes first, then one of the time point and channel that the sliders are at, then
    the topmost.
    """
    if viewer.dims.ndisplay != 2:
        return None
    asked, active = _asked(viewer), viewer.layers.selection.active
    shown = [layer for layer in reversed(list(viewer.layers)) if layer.visible and _role(layer) in ROLES]
    shown = [layer for layer in shown if asked in ("", note_of(layer)["source_id"])]
    shown.sort(key=lambda layer: (layer is not active, not _is_at(layer, viewer)))
    for layer in shown:
        at = _index(layer, position)
        if at is not None:
            return _hit(layer, at, viewer, position)
    return None


def _asked(viewer: "ViewerModel") -> str:
    """Identifier of the stack whose results are asked about; "": whichever is seen."""
    active = viewer.layers.selection.active
    if active is None or not (is_result(active) or active.ndim > 2):
        return ""
    return str(note_of(active)["source_id"] if is_result(active) else active.unique_id)


def _hit(layer: "Layer", at: tuple[int, ...], viewer: "ViewerModel", position: Sequence[float]) -> Hit:
    note = note_of(layer)
    layers = _together(note["result_id"], viewer.layers)
    found = {role: _index(each, position) for role, each in layers.items()}
    named = {axis_name(layer, i): k for i, k in enumerate(at[:-2])}
    where = {name: k for name, k in named.items() if name != note["axis"]} | dict(note["position"])
    y, x = (note.get("region") or (0, 0))[:2]
    return Hit(
        note, layers, (at[-2] + y, at[-1] + x), {role: at for role, at in found.items() if at is not None}, where
    )


def origin_of(hit: Hit, layers: Iterable["Layer"]) -> "Image | None":
    """The layer that a result was made from, if it is there and has the axes it had."""
    any_of_it = next(iter(hit.layers.values()), None)
    layer: Image | None = None if any_of_it is None else source_of(any_of_it, layers)
    names = [] if layer is None else [axis_name(layer, i) for i in range(layer.ndim)]
    return layer if {hit.note["axis"], *hit.where} <= set(names) else None


def source_at(hit: Hit, layer: "Image") -> Source:
    """The stack in `layer` that a result was made from, at the time point and channel of the result."""
    names = [axis_name(layer, i) for i in range(layer.ndim)]
    index = [float(hit.where.get(name, 0)) for name in names]
    return take(layer, names.index(hit.note["axis"]), layer.data_to_world(index))


def _role(layer: "Layer") -> str:
    return str(note_of(layer).get("role")) if is_result(layer) else ""


def _together(result_id: str, layers: Iterable["Layer"]) -> dict[str, "Layer"]:
    return {
        _role(layer): layer for layer in layers if is_result(layer) and note_of(layer).get("result_id") == result_id
    }


def _is_at(layer: "Layer", viewer: "ViewerModel") -> bool:
    """Whether a layer was made from the time point and channel that the viewer shows."""
    source = source_of(layer, viewer.layers)
    if source is None:
        return False
    where = np.round(source.world_to_data(np.asarray(viewer.dims.point)[-source.ndim :]))
    shown = {axis_name(source, i): int(k) for i, k in enumerate(where)}
    return all(shown.get(name) == k for name, k in note_of(layer)["position"].items())


def _index(layer: "Layer", position: Sequence[float]) -> tuple[int, ...] | None:
    """The pixel of a layer at a position of the world; None beside it."""
    point = np.asarray(position, dtype=float)[-layer.ndim :]
    if len(point) < layer.ndim:
        return None
    at = tuple(int(i) for i in np.round(layer.world_to_data(point)))
    return at if _holds(layer, at) else None


def _holds(layer: "Layer", at: tuple[int, ...]) -> bool:
    shape = layer.data.shape[: layer.ndim]
    return len(at) == len(shape) and all(0 <= i < n for i, n in zip(at, shape, strict=True))


def still_asked(hit: Hit, viewer: "ViewerModel") -> bool:
    """Whether any layer of a result is still there, and its stack still the selected one."""
    return bool(_together(hit.note["result_id"], viewer.layers)) and _asked(viewer) in ("", hit.note["source_id"])
