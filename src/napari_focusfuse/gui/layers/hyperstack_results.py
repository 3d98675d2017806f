"""From results of many positions to layers: made beside the source, updated in place by the next run."""

import uuid
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.result_parts import LABELS, reasons, slice_colours
from napari_focusfuse.gui.layers.results import is_result, iter_add, note_of, put
from napari_focusfuse.gui.layers.source import KEY

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.positions.result import HyperstackResult

__all__ = ["Shown", "iter_show", "iter_shown"]

_MAPS = ("decision", "depth", "confidence", "flags")


class Shown(NamedTuple):
    """Data and arguments of a layer.

    Attributes
    ----------
    role : str
        "fused", "decision", "depth", "confidence" or "flags".
    data : array
    arguments : dict
        For the layer, its place included.
    """

    role: str
    data: Any
    arguments: dict[str, Any]


def iter_shown(whole: Whole, result: "HyperstackResult", top: float) -> Generator[Progress, None, list[Shown]]:
    """Prepare the layers of a result, from bottom to top; runs in the thread.

    Parameters
    ----------
    whole : Whole
        What was fused.
    result : HyperstackResult
    top : float
        Position of the last slice, the greatest depth.
    """
    looks = {"rgb": whole.rgb, **whole.looks}
    made = [Shown("fused", whole.arranged(result.image, result.axes), {**looks, **whole.place(result.axes)})]
    if result.index is None:
        return made
    from napari_focusfuse import io

    dtype = np.dtype(np.uint8 if whole.slices < np.iinfo(np.uint8).max else np.uint16)
    decision = io.room("decision", result.map_axes, result.index.shape, dtype)
    for k, index in enumerate(result.index):
        yield Progress(k, len(decision), "preparing the layers")
        decision[k] = index + 1
    maps: dict[str, tuple[Any, dict[str, Any]]] = {
        "decision": (decision, {"colormap": slice_colours(whole.slices)}),
        "depth": (result.depth, {"colormap": "viridis", "contrast_limits": (0.0, top)}),
        "confidence": (result.confidence, {"colormap": "magma", "contrast_limits": (0.0, 1.0)}),
        "flags": (result.flags, {"features": reasons(result.flags)}),
    }
    place = whole.place(result.map_axes)
    for role, (data, arguments) in maps.items():
        made.append(Shown(role, whole.arranged(data, result.map_axes), {**arguments, "visible": False, **place}))
    return made


def iter_show(
    viewer: "ViewerModel", whole: Whole, layers: list[Shown], note: Mapping[str, Any]
) -> Generator[None, None, None]:
    """Show results as layers, in short steps between which the viewer does what waits.

    If it is ended early, the layers that it has added are gone again.

    Parameters
    ----------
    viewer : ViewerModel
    whole : Whole
        What was fused.
    layers : list of Shown
    note : mapping
        Provenance, of plain JSON types: ``source_id``, ``position``; ``decision_from`` if a decision map was applied.
    """
    result_id = uuid.uuid4().hex
    added: list[Layer] = []
    try:
        for made in layers:
            told = {"result_id": result_id, **note, "role": made.role}
            layer = _existing(viewer, told)
            if layer is not None and layer.data.ndim == made.data.ndim:
                _update(layer, made, told)
            else:
                layer = _new(f"{whole.title} {made.role}", made, told)
                yield
                added.append(layer)
                options = {"select": made.role == "fused", "editable": made.role not in LABELS}
                yield from iter_add(viewer, layer, **options, colorbar=made.role == "depth")
    except GeneratorExit:
        for layer in added:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        raise
    for role in set(_MAPS) - {made.role for made in layers}:
        if (layer := _existing(viewer, {**note, "role": role})) is not None:
            viewer.layers.remove(layer)


def _update(layer: "Layer", made: Shown, note: Mapping[str, Any]) -> None:
    """New data in a layer; what the user chose for its looks stays, unless it would no longer fit."""
    old = note_of(layer)
    same = all(old[key] == note[key] for key in ("slices", "z_step"))
    layer.data = made.data
    for look in ("contrast_limits_range", "contrast_limits") if made.role == "depth" and not same else ():
        setattr(layer, look, made.arguments["contrast_limits"])
    if made.role == "decision" and not same:
        layer.colormap = made.arguments["colormap"]
    if made.role == "flags":
        layer.features = made.arguments["features"]
    put(layer, made.arguments)
    _sign(layer, note)


def _existing(viewer: "ViewerModel", note: Mapping[str, Any]) -> "Layer | None":
    """The layer that an earlier run of the same kind has made."""
    same = ("role", "source_id", "position")
    for layer in reversed(list(viewer.layers)):
        if is_result(layer):
            other = note_of(layer)
            carried = ("decision_from" in other) == ("decision_from" in note)
            if other.get("whole") and carried and all(other[key] == note[key] for key in same):
                return getattr(layer, "__wrapped__", layer)
    return None


def _new(name: str, made: Shown, note: Mapping[str, Any]) -> "Layer":
    """A new layer. It carries its provenance before a viewer gets it, so that nobody takes it for a source."""
    from napari.layers import Image, Labels

    layer: Layer = (Labels if made.role in LABELS else Image)(made.data, name=name, **made.arguments)
    _sign(layer, note)
    return layer


def _sign(layer: "Layer", note: Mapping[str, Any]) -> None:
    layer.metadata = {**layer.metadata, KEY: {**note, "whole": True, "layer_id": str(layer.unique_id)}}
