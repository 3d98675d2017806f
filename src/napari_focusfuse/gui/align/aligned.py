"""The layer of an aligned stack: at the world position of its reference."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Layer

from napari_focusfuse.config import AlignConfig
from napari_focusfuse.gui.layers.axes import positions_of, taken_of
from napari_focusfuse.gui.layers.opened import mark
from napari_focusfuse.gui.layers.results import plain, put
from napari_focusfuse.gui.layers.source import KEY, Source, axis_name, in_file, place_along, plane_axes

if TYPE_CHECKING:
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.align import Alignment

__all__ = [
    "aligned_before",
    "aligned_by",
    "aligned_from",
    "aligned_source",
    "alignment_note",
    "show_aligned",
    "stack_place",
]

#: Not as results note it: an aligned stack is one that can be fused.
_MINE = "aligned_id"
#: What is told of a place and is no argument of a layer.
_NOT_PLACED = ("plane", "in_file", "inputs", "z", "taken")


def stack_place(layer: Image, source: Source, axis: int) -> dict[str, Any]:
    """Arguments that put a stack of the layer's axes on the layer; its axes y and x, place in a file, uneven z."""
    fixed = {
        i: source.position[axis_name(layer, i)] for i in range(layer.ndim) if axis_name(layer, i) in source.position
    }
    kept = [i for i in range(layer.ndim) if i not in fixed]
    return {
        **place_along(layer, kept, fixed),
        "plane": [kept.index(i) for i in plane_axes(layer, axis)],
        "in_file": in_file(layer),
        "inputs": source.inputs,
        "z": positions_of(layer, axis),
        "taken": taken_of(layer).get("slices"),
    }


def aligned_from(layer: Layer | None) -> dict[str, Any]:
    """How the slices of a layer that `show_aligned` made were taken and aligned, as a recipe tells it; else nothing."""
    note = {} if layer is None else layer.metadata.get(KEY, {})
    return aligned_by(note) if note.get("role") == "aligned" else {}


def aligned_by(note: Mapping[str, Any]) -> dict[str, Any]:
    """The same by what `alignment_note` gives."""
    taken = {"axis": note["axis"], "rgb": note["rgb"], "position": {**note["in_file"], **note["position"]}}
    taken |= {"slices": note["taken"]} if note.get("taken") else {}
    return {"source": taken, "transforms": {**note["transforms"], "edges": note["config"]["edges"]}}


def alignment_note(source: Source, place: Mapping[str, Any], done: "Alignment", config: AlignConfig) -> dict[str, Any]:
    """What an aligned stack says of where it comes from, in plain JSON types."""
    noted: dict[str, Any] = plain(
        {
            "config": asdict(config),
            "role": "aligned",
            "source": source.title,
            "source_id": source.layer_id,
            "inputs": place["inputs"],
            "axis": source.label,
            "position": source.position,
            "in_file": place["in_file"],
            "taken": place["taken"],
            "z": place["z"],
            "rgb": source.rgb,
            "valid": done.valid,
            "summary": done.summary,
            "transforms": done.transforms.as_json(),
        }
    )
    return noted


def aligned_source(source: Source, done: "Alignment", layer: Image | None) -> Source:
    """What is fused of an aligned stack, which may have become a `layer`."""
    corner = _corner(source, done)
    translate = np.asarray(source.place["translate"]) + np.asarray(source.place["scale"]) * corner
    known = {} if layer is None else {"title": str(layer.name), "layer": layer}
    return replace(
        source,
        data=done.stack,
        layer_id=f"{source.layer_id} aligned" if layer is None else str(layer.unique_id),
        place={**source.place, "translate": translate},
        position=source.position if layer is None else {},
        **known,
    )


def _corner(source: Source, done: "Alignment") -> tuple[int, int]:
    """Row and column of the source at which the aligned slices begin."""
    return (0, 0) if done.stack.shape[:3] == source.data.shape[:3] else (done.valid[0], done.valid[2])


def show_aligned(
    viewer: "ViewerModel", source: Source, place: dict[str, Any], done: "Alignment", config: AlignConfig
) -> tuple[Image, bool]:
    """Show an aligned stack as a layer, which can be fused as any stack the user opened; and whether it was there.

    The layer that the same stack was aligned to before shows the new one. The first time what was aligned is hidden:
    around a smaller stack it would look like its rim.
    """
    options = {name: value for name, value in place.items() if name not in _NOT_PLACED}
    corner = np.zeros(3)
    corner[place["plane"]] = _corner(source, done)
    options["translate"] = place["translate"] + place["scale"] * corner
    noted = {**alignment_note(source, place, done, config), "mark": mark(done.stack)}
    before = aligned_before(viewer, source)
    if before is not None:
        _sign(before, noted)
        before.data = done.stack
        put(before, options)
        viewer.layers.selection.active = before
        return before, True
    layer = Image(done.stack, name=f"{source.title} aligned", rgb=source.rgb, **source.looks, **options)
    _sign(layer, noted)
    viewer.add_layer(layer)
    for other in viewer.layers:
        if str(other.unique_id) == source.layer_id:
            other.visible = False
    return layer, False


def aligned_before(viewer: "ViewerModel", source: Source) -> Image | None:
    """The layer that this stack was aligned to before; a copy that the user made of it is the user's own."""
    wanted = {"role": "aligned", "source_id": source.layer_id, "position": source.position, "axis": source.label}
    for layer in viewer.layers:
        note = layer.metadata.get(KEY, {})
        if note.get(_MINE) == str(layer.unique_id) and all(note[name] == value for name, value in wanted.items()):
            found: Image = layer
            return found
    return None


def _sign(layer: Image, note: dict[str, Any]) -> None:
    """Note in a layer where it comes from."""
    layer.metadata = {**layer.metadata, KEY: {**note, _MINE: str(layer.unique_id)}}
