"""From a result to layers: made beside the source, updated in place by the next run, never over a hand-made edit.

New layers come in short steps: all that napari makes for a layer would keep the viewer for .1 s to .3 s at once. Half
of what it makes for labels are the overlays of its polygon and its brush, which nobody sees yet: they follow one by
one. What cannot be divided is the rest: the row in the layer list, the controls and the picture on the canvas.
"""

import hashlib
import math
import uuid
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import drain
from napari_focusfuse.gui.layers.result_parts import LABELS, Parts, limits_of, parts_of
from napari_focusfuse.gui.layers.source import KEY, Source

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.result import FusionResult

__all__ = [
    "ROLES",
    "is_result",
    "iter_add",
    "iter_show_parts",
    "iter_show_result",
    "note_edits",
    "note_of",
    "plain",
    "put",
    "result_of",
    "show_result",
    "source_of",
    "to_update",
]


def iter_add(
    viewer: "ViewerModel", layer: "Layer", *, select: bool = False, editable: bool = True, colorbar: bool = False
) -> Generator[None, None, None]:
    """Add a layer, one part at each step; if that is ended early, what is left comes at once.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Layer
        No viewer has it yet.
    select : bool
        Select it; otherwise the selection stays as it is.
    editable : bool
        Whether it can be painted on.
    colorbar : bool
        Show its colour bar.
    """
    chosen = set(viewer.layers.selection)
    # napari has no public name for them; without them the layer comes whole at the first step.
    later = [overlay for overlay in getattr(layer, "_overlays", {}).values() if overlay.visible]
    for overlay in later:
        overlay.visible = False
    if colorbar:
        later.append(layer.colorbar)
    layer.editable = editable
    try:
        viewer.add_layer(layer)
        if not select:
            viewer.layers.selection = chosen
        while later:
            yield
            later.pop(0).visible = True
    finally:
        for overlay in later:
            overlay.visible = True


#: From bottom to top: what is hidden lies above, so that its eye shows it at once.
ROLES = ("fused", "decision", "depth", "confidence", "flags")
_EDITED = "edited_pixels"


def is_result(layer: "Layer") -> bool:
    """Whether a layer was made here. A copy that the user made of one is the user's own."""
    return str(layer.metadata.get(KEY, {}).get("layer_id")) == str(layer.unique_id)


def source_of(layer: "Layer", layers: Iterable["Layer"]) -> "Layer | None":
    """The stack that a layer stands for: itself, or of a result the source among `layers`, if it is still there."""
    if not is_result(layer):
        return layer
    return next((other for other in layers if str(other.unique_id) == note_of(layer)["source_id"]), None)


def result_of(source: Source, role: str, layers: Iterable["Layer"]) -> "Layer | None":
    """The newest layer of that role among `layers` that was made from `source`, at its time point and channel."""
    for layer in reversed(list(layers)):
        note = note_of(layer) if is_result(layer) else {}
        if note.get("role") == role and (note["source_id"], note["position"]) == (source.layer_id, source.position):
            return layer
    return None


def show_result(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> dict[str, "Layer"]:
    """Show a result as layers, all at once; see `iter_show_result`."""
    return drain(iter_show_result(viewer, source, parts_of(source, result), result, provenance))


def iter_show_result(
    viewer: "ViewerModel", source: Source, parts: Parts, result: "FusionResult", provenance: Mapping[str, Any]
) -> Generator[None, None, dict[str, "Layer"]]:
    """Show a result as layers, in short steps between which the viewer does what waits, and give them by role.

    If it is ended early, the layers that it has added are gone again, and those that were there show all of it.

    Parameters
    ----------
    viewer : ViewerModel
    source : Source
        What was fused.
    parts : dict
        What the layers hold: `parts_of` the result.
    result : FusionResult
    provenance : mapping
        Settings of the run, of plain JSON types; ``z_step`` (um or None) gives the unit of the depth.
    """
    z = None if result.decision is None else plain(result.decision.z)
    return (yield from iter_show_parts(viewer, source.title, parts, {**provenance, "z": z}, to_update(viewer, source)))


def iter_show_parts(
    viewer: "ViewerModel", title: str, parts: Parts, provenance: Mapping[str, Any], found: "dict[str, Layer]"
) -> Generator[None, None, dict[str, "Layer"]]:
    """Show what layers hold, in the layers `found` by role or in new ones; see `iter_show_result`."""
    added: list[Layer] = []
    result_id = next((note_of(layer)["result_id"] for layer in found.values()), uuid.uuid4().hex)
    told = {**provenance, "result_id": result_id}
    try:
        for role in ROLES:
            there = role in found and found[role] in viewer.layers
            if role in parts and there:
                _update(found[role], parts[role], {**told, "role": role})
            elif role in parts:
                layer = found[role] = _layer(f"{title} {role}", parts[role], {**told, "role": role})
                yield
                added.append(layer)
                options = {"select": role == "fused", "editable": _editable(told, role), "colorbar": role == "depth"}
                yield from iter_add(viewer, layer, **options)
            elif there:
                viewer.layers.remove(found[role])
            yield
    except GeneratorExit:
        for layer in added:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        for role in parts:
            if role in found and found[role] in viewer.layers:
                _update(found[role], parts[role], {**told, "role": role})
        raise
    _hide_source(viewer.layers, told["source_id"])
    return {role: found[role] for role in parts}


def _hide_source(layers: Iterable["Layer"], source_id: str) -> None:
    """Hide what was fused, and channels that are added to it, so that what is seen is the result alone."""
    from napari.layers import Image

    images = [layer for layer in layers if isinstance(layer, Image) and not is_result(layer)]
    stack = source_id.partition(" ")[0]  # of a stack that was aligned and is no layer, that which was aligned
    for source in [layer for layer in images if str(layer.unique_id) == stack]:
        for layer in images:
            added = source.blending == layer.blending == "additive" and layer.data.shape == source.data.shape
            layer.visible = layer.visible and not (layer is source or added)


def _editable(note: Mapping[str, Any], role: str) -> bool:
    """Whether a layer may be painted on: nobody follows edits of all positions."""
    return role not in (LABELS if "whole" in note else ("flags",))


def put(layer: "Layer", place: Mapping[str, Any]) -> None:
    """Put a layer where it belongs: `place` is, among others, what `Source.place` is."""
    for name in ("scale", "translate", "units", "axis_labels", "affine"):
        setattr(layer, name, place[name])


def plain(value: Any) -> Any:
    """`value` in plain JSON types; infinite and undefined numbers as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def note_of(layer: "Layer") -> dict[str, Any]:
    """What a result says of itself: ``role``, ``source_id``, ``position`` and how it was made."""
    note: dict[str, Any] = layer.metadata[KEY]
    return note


def _digest(data: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()


def to_update(viewer: "ViewerModel", source: Source) -> dict[str, "Layer"]:
    """Layers of the latest result of `source` by role; none if its decision was edited."""
    results: dict[str, dict[str, Layer]] = {}
    for layer in viewer.layers:
        note = note_of(layer) if is_result(layer) else {}
        ours = note.get("role") in ROLES and "decision_from" not in note
        if ours and (note["source_id"], note["position"]) == (source.layer_id, source.position):
            results.setdefault(note["result_id"], {})[note["role"]] = layer
    unedited = [layers for layers in results.values() if not _edited(layers)]
    return unedited[-1] if unedited else {}


def _edited(layers: Mapping[str, "Layer"]) -> bool:
    """Whether a decision was painted on; also if it is gone, and only what followed it is left."""
    decision = layers.get("decision")
    if decision is not None:
        return bool(_digest(decision.data) != note_of(decision)["sha256"])
    return any(note_of(layer).get(_EDITED) for layer in layers.values())


def note_edits(layer: "Layer | None", pixels: int) -> None:
    """Note in a layer of a result how many pixels were edited by hand."""
    if layer is not None and is_result(layer) and note_of(layer).get(_EDITED, 0) != pixels:
        layer.metadata = {**layer.metadata, KEY: {**note_of(layer), _EDITED: pixels}}


def _sign(layer: "Layer", note: dict[str, Any]) -> None:
    """Note in a layer where it comes from, and a decision as it was made, so that an edit can be told."""
    followed = note["role"] == "decision" and _editable(note, "decision")
    digest = {"sha256": _digest(layer.data)} if followed else {}
    layer.metadata = {**layer.metadata, KEY: {**note, **digest, "layer_id": str(layer.unique_id)}}


def _layer(name: str, part: Mapping[str, Any], note: dict[str, Any]) -> "Layer":
    """A new layer. It carries its provenance before a viewer gets it, so that nobody takes it for a source."""
    from napari.layers import Image, Labels

    layer: Layer = (Labels if note["role"] in LABELS else Image)(name=name, **part)
    _sign(layer, note)
    return layer


def _update(layer: "Layer", made: Mapping[str, Any], note: dict[str, Any]) -> None:
    """New data in a layer; what the user chose for its looks stays, unless it would no longer fit."""
    old = note_of(layer)
    if note["role"] == "depth" and not _limits_hold(layer, note):
        layer.contrast_limits_range = made["contrast_limits"]
        layer.contrast_limits = made["contrast_limits"]
    if note["role"] == "decision" and old["slices"] != note["slices"]:
        layer.colormap = made["colormap"]
    layer.data = made["data"]
    layer.editable = _editable(note, note["role"])
    if "features" in made:
        layer.features = made["features"]
    put(layer, made)
    _sign(layer, note)


def _limits_hold(layer: "Layer", note: Mapping[str, Any]) -> bool:
    """Whether the limits of a depth layer stay: by hand, of one stack, or as they were, of all positions."""
    old = note_of(layer)
    if old["z_step"] != note["z_step"]:
        return False
    if "whole" in note:
        return bool(old["slices"] == note["slices"])
    return not np.allclose(layer.contrast_limits, limits_of(layer.data) or (0, 0))
