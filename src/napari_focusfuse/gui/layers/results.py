"""From a result to layers: made beside the source, updated in place by the next run, never over a hand-made edit.

New layers come in short steps: all that napari makes for a layer would keep the viewer for .1 s to .3 s at once. Half
of what it makes for labels are the overlays of its polygon and its brush, which nobody sees yet: they follow one by
one. What cannot be divided is the rest: the row in the layer list, the controls and the picture on the canvas.
"""

import uuid
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import moved
from napari_focusfuse.gui.layers.result_notes import (
    EDITED,
    ROLES,
    digest,
    editable,
    is_result,
    name_of,
    note_of,
    plain,
    rename,
    result_of,
    siblings,
    source_of,
    tag_of,
    to_update,
)
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
    "respace",
    "result_of",
    "show_result",
    "siblings",
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
        Show its colour bar, and its name.
    """
    chosen = set(viewer.layers.selection)
    # napari has no public name for them; without them the layer comes whole at the first step.
    later = [overlay for overlay in getattr(layer, "_overlays", {}).values() if overlay.visible]
    for overlay in later:
        overlay.visible = False
    if colorbar:
        # napari's colour bar has no unit: the name of the layer, which tells it, stands beside it.
        layer.name_overlay.position = layer.colorbar.position
        later += [layer.colorbar, layer.name_overlay]
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


def show_result(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> dict[str, "Layer"]:
    """Show a result as layers, all at once; see `iter_show_result`."""
    return drain(iter_show_result(viewer, source, parts_of(source, result), result, provenance))


def iter_show_result(
    viewer: "ViewerModel",
    source: Source,
    parts: Parts,
    result: "FusionResult",
    provenance: Mapping[str, Any],
    *,
    replace: bool = False,
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
    replace : bool
        Whether it takes the place of the newest result of the stack, also of one with other settings.
    """
    z = None if result.decision is None else plain(result.decision.z)
    return (yield from iter_show_parts(viewer, source.title, parts, {**provenance, "z": z}, replace=replace))


def iter_show_parts(
    viewer: "ViewerModel", title: str, parts: Parts, provenance: Mapping[str, Any], *, replace: bool = False
) -> Generator[None, None, dict[str, "Layer"]]:
    """Show what layers hold, in those of a result with the same settings or in new ones; see `iter_show_result`."""
    found = to_update(viewer.layers, provenance, replace=replace)
    if any(role in parts and found[role].data.ndim != parts[role]["data"].ndim for role in found):
        found = {}
    result_id = next((note_of(layer)["result_id"] for layer in found.values()), uuid.uuid4().hex)
    others = [each for known, each in siblings(viewer.layers, provenance).items() if known != result_id]
    alike = [each for each in others if note_of(next(iter(each.values())))["title"] == title]
    told = {**provenance, "result_id": result_id, "title": title, "tag": tag_of(provenance, alike)}
    added: list[Layer] = []
    try:
        yield from _iter_show(viewer, parts, told, found, added, tagged=bool(alike))
    except GeneratorExit:
        for layer in added:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        for role in parts:
            if role in found and found[role] in viewer.layers:
                _update(found[role], parts[role], {**told, "role": role})
        raise
    for layer in (layer for each in others for layer in each.values()):
        layer.visible = False
    if not any(found[role].visible for role in parts):  # an older result, made again
        found[ROLES[0]].visible = True
        viewer.layers.selection.active = found[ROLES[0]]
    for layer in (layer for each in alike for layer in each.values()):
        rename(layer, note_of(layer), tagged=True)
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


def _iter_show(
    viewer: "ViewerModel",
    parts: Parts,
    told: dict[str, Any],
    found: "dict[str, Layer]",
    added: "list[Layer]",
    *,
    tagged: bool,
) -> Generator[None, None, None]:
    """Update the layers `found`, remove those that no longer hold, and add the others, also to `added`."""
    for role in ROLES:
        there, note = role in found and found[role] in viewer.layers, {**told, "role": role}
        if role in parts and there:
            rename(found[role], note, tagged=tagged)
            _update(found[role], parts[role], note)
        elif role in parts:
            layer = found[role] = _layer(name_of(note, tagged=tagged), parts[role], note)
            yield
            added.append(layer)
            options = {"select": role == "fused", "editable": editable(told, role), "colorbar": role == "depth"}
            yield from iter_add(viewer, layer, **options)
        elif there:
            viewer.layers.remove(found[role])
        yield


def respace(layers: "Iterable[Layer]", z: NDArray[np.float64] | None, sizes: Mapping[str, Any]) -> None:
    """Give the layers of a result other positions of its slices, and note other sizes.

    Parameters
    ----------
    layers : iterable of Layer
    z : (N,) array or None
        Positions of the slices; None for a result without depth.
    sizes : mapping
        ``z_step``, ``pixel_size`` and ``refractive_index``, of plain JSON types.
    """
    for layer in layers:
        note = {**note_of(layer), **sizes, "z": plain(z)}
        if note["role"] == "depth" and z is not None:
            data = moved(layer.data, np.asarray(note_of(layer)["z"], dtype=float), z)
            if not _limits_hold(layer, note):
                layer.contrast_limits_range = layer.contrast_limits = limits_of(data)
            layer.data = data
        rename(layer, note)
        layer.metadata = {**layer.metadata, KEY: note}


def put(layer: "Layer", place: Mapping[str, Any]) -> None:
    """Put a layer where it belongs: `place` is, among others, what `Source.place` is."""
    for name in ("scale", "translate", "units", "axis_labels", "affine"):
        setattr(layer, name, place[name])


def note_edits(layer: "Layer | None", pixels: int) -> None:
    """Note in a layer of a result how many pixels were edited by hand."""
    if layer is not None and is_result(layer) and note_of(layer).get(EDITED, 0) != pixels:
        layer.metadata = {**layer.metadata, KEY: {**note_of(layer), EDITED: pixels}}


def _sign(layer: "Layer", note: dict[str, Any]) -> None:
    """Note in a layer where it comes from, and a decision as it was made, so that an edit can be told."""
    followed = note["role"] == "decision" and editable(note, "decision")
    mark = {"sha256": digest(layer.data)} if followed else {}
    layer.metadata = {**layer.metadata, KEY: {**note, **mark, "layer_id": str(layer.unique_id)}}


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
    layer.editable = editable(note, note["role"])
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
