"""From results of many positions to layers, which the next run of the same kind updates in place."""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.result_parts import Parts, label_type, map_parts
from napari_focusfuse.gui.layers.results import is_result, iter_show_parts, note_of

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.positions.result import HyperstackResult

__all__ = ["iter_parts", "iter_show"]


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
    made: Parts = {"fused": {"data": image, "rgb": whole.rgb, **whole.looks, **whole.place(result.axes)}}
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


def iter_show(
    viewer: "ViewerModel", whole: Whole, parts: Parts, note: Mapping[str, Any]
) -> Generator[None, None, dict[str, "Layer"]]:
    """Show results as layers, as `iter_show_result` does those of one stack.

    Parameters
    ----------
    viewer : ViewerModel
    whole : Whole
        What was fused.
    parts : dict
        What `iter_parts` gives.
    note : mapping
        Provenance, of plain JSON types: ``source_id``, ``position``; ``decision_from`` if a decision map was applied.
    """
    found = _to_update(viewer, note)
    for role, part in parts.items():
        if role in found and found[role].data.ndim != part["data"].ndim:
            del found[role]
    return (yield from iter_show_parts(viewer, whole.title, parts, {**note, "whole": True}, found))


def _to_update(viewer: "ViewerModel", note: Mapping[str, Any]) -> dict[str, "Layer"]:
    """The newest layers that earlier runs of the same kind have made, by role."""
    found = {}
    for layer in viewer.layers:
        other = note_of(layer) if is_result(layer) else {}
        carried = ("decision_from" in other) == ("decision_from" in note)
        if other.get("whole") and carried and all(other[key] == note[key] for key in ("source_id", "position")):
            found[other["role"]] = layer
    return found
