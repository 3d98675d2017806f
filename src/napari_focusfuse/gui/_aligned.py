"""The layer of an aligned stack: exactly where its reference lies in the world."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Layer

from napari_focusfuse.gui._file_facts import positions_of
from napari_focusfuse.gui._layers import plain
from napari_focusfuse.gui._source import KEY, Source, axis_name, in_file, plane_axes

if TYPE_CHECKING:
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.align import Alignment

__all__ = ["add_aligned", "aligned_from", "stack_place"]


def stack_place(layer: Image, source: Source, axis: int) -> dict[str, Any]:
    """Arguments that put a stack of the layer's axes on the layer; its axes y and x, place in a file, uneven z."""
    fixed = {
        i: source.position[axis_name(layer, i)] for i in range(layer.ndim) if axis_name(layer, i) in source.position
    }
    kept = [i for i in range(layer.ndim) if i not in fixed]
    scale, translate = np.asarray(layer.scale)[kept], np.asarray(layer.translate)[kept]
    origin = np.array([fixed.get(i, 0) for i in range(layer.ndim)], dtype=float)
    points = np.vstack([origin, origin + np.eye(layer.ndim)[kept]])
    world = np.array([np.asarray(layer.data_to_world(point))[kept] for point in points])
    placed, own = np.eye(4), np.eye(4)
    placed[:3, :3], placed[:3, 3] = (world[1:] - world[0]).T, world[0]
    own[:3, :3], own[:3, 3] = np.diag(scale), translate
    affine = placed @ np.linalg.inv(own)
    return {
        "scale": scale,
        "translate": translate,
        "units": tuple(layer.units[i] for i in kept),
        "axis_labels": tuple(layer.axis_labels[i] for i in kept),
        "affine": np.eye(4) if np.allclose(affine, np.eye(4)) else affine,
        "plane": [kept.index(i) for i in plane_axes(layer, axis)],
        "in_file": in_file(layer),
        "z": positions_of(layer, axis),
    }


def aligned_from(layer: Layer | None) -> dict[str, Any]:
    """Of a layer that `add_aligned` made: how its slices were taken and aligned, as a recipe tells it; else nothing."""
    note = {} if layer is None else layer.metadata.get(KEY, {})
    if note.get("role") != "aligned":
        return {}
    taken = {"axis": note["axis"], "rgb": note["rgb"], "position": {**note["in_file"], **note["position"]}}
    return {"source": taken, "transforms": {**note["transforms"], "edges": note["config"]["edges"]}}


def add_aligned(
    viewer: "ViewerModel", source: Source, place: dict[str, Any], done: "Alignment", note: dict[str, Any]
) -> Image:
    """Add an aligned stack as a layer of its own. It can be fused, as any stack the user opened."""
    options = {name: value for name, value in place.items() if name not in ("plane", "in_file", "z")}
    corner = np.zeros(3)
    if done.stack.shape[:3] != source.data.shape[:3]:
        corner[place["plane"]] = done.valid[0], done.valid[2]
    options["translate"] = place["translate"] + place["scale"] * corner
    metadata = {
        KEY: plain(
            {
                **note,
                "role": "aligned",
                "source": source.title,
                "source_id": source.layer_id,
                "inputs": source.inputs,
                "axis": source.label,
                "position": source.position,
                "in_file": place["in_file"],
                "z": place["z"],
                "rgb": source.rgb,
                "valid": done.valid,
                "summary": done.summary,
                "transforms": done.transforms.as_json(),
            }
        )
    }
    name = f"{source.title} aligned"
    layer = Image(done.stack, name=name, rgb=source.rgb, metadata=metadata, **source.looks, **options)
    viewer.add_layer(layer)
    return layer
