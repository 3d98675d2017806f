"""Follows painting, undo and redo on the decision layer of a result, and updates its layers."""

import weakref
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, Signal

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.result.edits import REACH
from napari_focusfuse.core.retouch import RING, decision_of
from napari_focusfuse.core.stack.tiles import grown
from napari_focusfuse.gui.common.worker import Latest, report
from napari_focusfuse.gui.layers.result_parts import Parts, parts_of
from napari_focusfuse.gui.layers.results import ROLES, iter_show_result, note_edits, to_update
from napari_focusfuse.gui.layers.source import Source
from napari_focusfuse.gui.retouch.painted_labels import LabelWatch, Painted
from napari_focusfuse.gui.retouch.pieces import Part, Piece, Pixels, iter_whole, own, show

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_focusfuse.core.result import FusionResult


__all__ = ["Retoucher", "iter_show_and_follow", "retoucher_of", "show_and_follow", "uncovered"]


def uncovered(layer: Any) -> Any:
    """A layer itself, which plugins may have been given with a cover."""
    return getattr(layer, "__wrapped__", layer)


class Retoucher(QObject):
    """Follows a decision layer, whose labels are slices from 1.

    What is shown depends on the labels alone, so that undo, redo and filling need no care. A label that is no slice is
    replaced where it is painted: 0 by the slice of the automatic decision, `second` by the second best one.

    Parameters
    ----------
    viewer : ViewerModel
    source : Source
        What was fused.
    result : FusionResult
        As fused. Its arrays are those of the layers; they are left as they are.
    layers : dict
        By role, and the source layer; those that are missing are None.
    """

    #: The layers show another edit than before.
    changed = Signal()
    #: The decision layer is no longer followed.
    gone = Signal()

    def __init__(
        self, viewer: "ViewerModel", source: Source, result: "FusionResult", layers: dict[str, Layer | None]
    ) -> None:
        super().__init__()
        self.source, self.result, self.config = source, result, RetouchConfig()
        self._layers = {role: weakref.ref(layer) for role, layer in layers.items() if layer is not None}
        self._pixels = Pixels(source, result)
        self._painted = Painted(self._layers["decision"], result, source.slices)
        self._asked = 0
        self._busy = self._held = False
        self._latest = Latest(self)
        self._latest.ready.connect(self._on_ready)
        self._latest.failed.connect(self._on_failed)
        self._reader = Latest(self)
        self._watch = LabelWatch(self.layer("decision"), self)
        self._watch.due.connect(self._follow)
        self._layer_list = weakref.ref(uncovered(viewer.layers))
        viewer.layers.events.removed.connect(self._on_removed)

    def layer(self, role: str) -> Any:
        """The layer of a role, or "source"; None if it is gone."""
        found = self._layers.get(role)
        return None if found is None else found()

    @property
    def slices(self) -> int:
        """Number of slices; they are the labels from 1."""
        return self.source.slices

    @property
    def second(self) -> int | None:
        """What to paint for the second best slice of each pixel; None if none is known."""
        return self._painted.second

    @property
    def unknown(self) -> int | None:
        """The label painted last that is neither a slice nor stands for one."""
        return self._painted.unknown

    @property
    def busy(self) -> bool:
        """Whether the layers do not show yet what is painted."""
        return self._busy or self._watch.waiting

    @property
    def edited(self) -> int:
        """Number of pixels that are edited."""
        return self._painted.edited

    @property
    def share(self) -> float:
        """Share of the pixels that are edited."""
        return self.edited / self._painted.automatic.size

    def work(self) -> Callable[[], Generator[Progress, None, "FusionResult"]]:
        """What makes the whole retouched result, in any thread."""
        self.look()
        return partial(iter_whole, self._pixels.stack, self.result, self._painted.labels().copy(), self.config)

    def look(self) -> None:
        """Follow now."""
        self._watch.look()

    def hold(self, held: bool) -> None:
        """Do not follow for a while: the layers are being given another result."""
        self._held = held
        if not held:
            self.look()

    def prepare(self) -> None:
        """What the first stroke need not wait for: arrays of their own for the layers, and pixels that are at hand."""
        own({role: self.layer(role) for role in ROLES}, self.result)
        self._reader.ask(self._pixels.warm)

    def forget(self) -> None:
        """Give all pixels back to the automatic decision, as one step that can be undone."""
        edited = np.nonzero(self._painted.labels() != self._painted.automatic)
        if edited[0].size:
            self.layer("decision").data_setitem(edited, 0)

    def respace(self, result: "FusionResult") -> None:
        """Follow from now on with other positions of the slices, which the layers show already."""
        self.result = self._pixels.result = result
        if self._busy:
            self._ask(self._painted.edits())

    def set_config(self, config: RetouchConfig) -> None:
        """Blend as another configuration asks for."""
        if config != self.config:
            self.config = config
            self._ask(self._painted.edits())

    def let_go(self) -> None:
        """Follow no more."""
        self._watch.let_go()
        self._latest.forget()
        self._pixels.cool()
        self._reader.forget()
        self._busy = False
        layers = self._layer_list()
        if layers is not None:
            layers.events.removed.disconnect(self._on_removed)
        self._painted.freeze()
        self._layers.pop("decision", None)
        self.gone.emit()

    def _on_removed(self, event: Any) -> None:
        if uncovered(event.value) is self.layer("decision"):
            self.let_go()

    def _follow(self) -> None:
        where = None if self._held else self._painted.settle()
        if where is not None:
            self._ask(where)

    def _ask(self, where: Part | None) -> None:
        """Have a part computed, with what around it depends on it."""
        shape, margin = decision_of(self.result).shape, REACH
        if self.config.match_brightness:
            # A factor is that of a whole patch, and so it may change all over it.
            where = self._painted.changes()
            margin += RING
        if where is None:
            return
        region = grown(where, margin, shape)
        self._asked += 1
        piece = Piece(self._asked, region, grown(region, REACH, shape), self._painted.labels(), self.config)
        answer = None if self._busy else self._pixels.retouched_at_once(piece)
        if answer is None:
            self._busy = True
            self._latest.ask(partial(self._pixels.retouched, piece))
        else:
            self._show(*answer)
            self.changed.emit()

    def _on_ready(self, answer: "tuple[Piece, FusionResult]") -> None:
        self._show(*answer)
        self._busy = answer[0].number != self._asked
        if not self._busy:
            self.look()
        self.changed.emit()

    def _show(self, piece: Piece, after: "FusionResult") -> None:
        show({role: self.layer(role) for role in ROLES}, piece, self.result, after)
        self._painted.note(piece)
        for role in ROLES:
            note_edits(self.layer(role), self.edited)

    def _on_failed(self, error: Exception) -> None:
        self._busy = False
        report(error, f"Retouching {self.source.title}")


_retouchers: "weakref.WeakKeyDictionary[Labels, Retoucher]" = weakref.WeakKeyDictionary()


def show_and_follow(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> "Retoucher | None":
    """Show a result and follow it, all at once; None without a decision. See `iter_show_and_follow`."""
    layers = drain(iter_show_and_follow(viewer, source, parts_of(source, result), result, provenance))
    return retoucher_of(layers.get("decision"))


def iter_show_and_follow(
    viewer: "ViewerModel",
    source: Source,
    parts: Parts,
    result: "FusionResult",
    provenance: Mapping[str, Any],
    *,
    replace: bool = False,
) -> "Generator[None, None, dict[str, Layer]]":
    """Show a result as `iter_show_result` does, and let its layers follow what is painted; gives them by role."""
    # Ended early, nobody shall take the new decision for an edit of the old one.
    former = retoucher_of(to_update(viewer.layers, provenance, replace=replace).get("decision"))
    if former is not None:
        former.let_go()
    others = list(_retouchers.values())
    for other in others:
        other.hold(True)
    try:
        shown = yield from iter_show_result(viewer, source, parts, result, provenance, replace=replace)
        layers = {role: uncovered(layer) for role, layer in shown.items()}
    finally:
        for other in others:
            other.hold(False)
    if "decision" not in layers:
        return layers
    source_layer = next((layer for layer in viewer.layers if str(layer.unique_id) == source.layer_id), None)
    retoucher = _retouchers[layers["decision"]] = Retoucher(
        viewer, source, result, {**layers, "source": uncovered(source_layer)}
    )
    retoucher.gone.connect(_drop)
    return layers


def retoucher_of(layer: "Layer | None") -> "Retoucher | None":
    """Who follows what is painted on a decision layer."""
    return None if layer is None else _retouchers.get(uncovered(layer))


def _drop() -> None:
    """Keep no retoucher that follows no layer any more."""
    for layer, retoucher in list(_retouchers.items()):
        if retoucher.layer("decision") is None:
            del _retouchers[layer]
