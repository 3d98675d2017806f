"""Results whose layers follow what is painted on their decision: they are shown so, and found again by their layer."""

import weakref
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Layer

from napari_focusfuse.core.progress import drain
from napari_focusfuse.gui.layers.result_parts import Parts, parts_of
from napari_focusfuse.gui.layers.results import iter_show_result, to_update
from napari_focusfuse.gui.layers.source import Source
from napari_focusfuse.gui.retouch.session import Mender, uncovered

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_focusfuse.core.result.fusion import FusionResult

__all__ = ["iter_show_and_follow", "mender_of", "show_and_follow"]

_menders: "weakref.WeakKeyDictionary[Labels, Mender]" = weakref.WeakKeyDictionary()


def show_and_follow(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> "Mender | None":
    """Show a result and follow it, all at once; see `iter_show_and_follow`."""
    return drain(iter_show_and_follow(viewer, source, parts_of(source, result), result, provenance))


def iter_show_and_follow(
    viewer: "ViewerModel", source: Source, parts: Parts, result: "FusionResult", provenance: Mapping[str, Any]
) -> "Generator[None, None, Mender | None]":
    """Show a result as `iter_show_result` does, and let its layers follow what is painted; None without a decision."""
    # Ended early, nobody shall take the new decision for an edit of the old one.
    former = mender_of(to_update(viewer, source).get("decision"))
    if former is not None:
        former.let_go()
    others = list(_menders.values())
    for other in others:
        other.hold(True)
    try:
        shown = yield from iter_show_result(viewer, source, parts, result, provenance)
        layers = {role: uncovered(layer) for role, layer in shown.items()}
    finally:
        for other in others:
            other.hold(False)
    if "decision" not in layers:
        return None
    source_layer = next((layer for layer in viewer.layers if str(layer.unique_id) == source.layer_id), None)
    mender = _menders[layers["decision"]] = Mender(
        viewer, source, result, {**layers, "source": uncovered(source_layer)}
    )
    mender.gone.connect(_drop)
    return mender


def mender_of(layer: "Layer | None") -> "Mender | None":
    """Who follows what is painted on a decision layer."""
    return None if layer is None else _menders.get(uncovered(layer))


def _drop() -> None:
    """Keep no mender that follows no layer any more."""
    for layer, mender in list(_menders.items()):
        if mender.layer("decision") is None:
            del _menders[layer]
