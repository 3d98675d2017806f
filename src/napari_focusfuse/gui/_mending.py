"""The layers of a result follow what is painted on its decision, also by undo and redo."""

import time
import weakref
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_focusfuse.core.brightness import RING
from napari_focusfuse.core.config import MendConfig
from napari_focusfuse.core.edits import REACH, bounds
from napari_focusfuse.core.mend import decision_of, second_best
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.tiles import grown
from napari_focusfuse.gui._layers import iter_show_result, note_edits
from napari_focusfuse.gui._mended import Part, Piece, Pixels, iter_whole, own, show
from napari_focusfuse.gui._source import Source
from napari_focusfuse.gui._worker import Latest, report

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_focusfuse.core.result import FusionResult

__all__ = ["Mender", "mender_of", "show_and_follow"]

#: While a stroke goes on the layers follow this often, ms.
_EVERY = 30
_ROLES = ("fused", "decision", "depth", "confidence", "flags")

_menders: "weakref.WeakKeyDictionary[Labels, Mender]" = weakref.WeakKeyDictionary()


def show_and_follow(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> "Mender | None":
    """Show a result and follow it, all at once; see `iter_show_and_follow`."""
    return drain(iter_show_and_follow(viewer, source, result, provenance))


def iter_show_and_follow(
    viewer: "ViewerModel", source: Source, result: "FusionResult", provenance: Mapping[str, Any]
) -> "Generator[None, None, Mender | None]":
    """Show a result as `iter_show_result` does, and let its layers follow what is painted; None without a decision."""
    others = list(_menders.values())
    for other in others:
        other.hold(True)
    try:
        shown = yield from iter_show_result(viewer, source, result, provenance)
        layers = {role: _plain(layer) for role, layer in shown.items()}
        former = _menders.get(layers["decision"]) if "decision" in layers else None
        if former is not None:
            former.let_go()
    finally:
        for other in others:
            other.hold(False)
    if "decision" not in layers:
        return None
    source_layer = next((layer for layer in viewer.layers if str(layer.unique_id) == source.layer_id), None)
    mender = _menders[layers["decision"]] = Mender(viewer, source, result, {**layers, "source": _plain(source_layer)})
    return mender


def mender_of(layer: "Layer | None") -> "Mender | None":
    """Who follows what is painted on a decision layer."""
    return None if layer is None else _menders.get(_plain(layer))


def _plain(layer: Any) -> Any:
    """A layer itself, which plugins may have been given with a cover."""
    return getattr(layer, "__wrapped__", layer)


class Mender(QObject):
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
        self.source, self.result, self.config = source, result, MendConfig()
        self.unknown: int | None = None
        self._layers = {role: weakref.ref(layer) for role, layer in layers.items() if layer is not None}
        self._pixels = Pixels(source, result)
        self._automatic = np.array(self._painted())
        self._shown = self._automatic.copy()
        self._asked = 0
        self._followed, self._following = 0.0, False
        self._busy = self._held = False
        self.edited = 0
        self._latest = Latest(self)
        self._latest.ready.connect(self._on_ready)
        self._latest.failed.connect(self._on_failed)
        self._reader = Latest(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._follow)
        self._layer_list = weakref.ref(_plain(viewer.layers))
        viewer.layers.events.removed.connect(self._on_removed)
        for name, slot in self._slots():
            getattr(self.layer("decision").events, name).connect(slot)

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
        return self.slices + 1 if len(decision_of(self.result).labels) > 1 else None

    @property
    def busy(self) -> bool:
        """Whether the layers do not show yet what is painted."""
        return self._busy or self._timer.isActive()

    @property
    def share(self) -> float:
        """Share of the pixels that are edited."""
        return self.edited / self._shown.size

    def work(self) -> Callable[[], Generator[Progress, None, "FusionResult"]]:
        """What makes the whole mended result, in any thread."""
        self.look()
        return partial(iter_whole, self._pixels.stack, self.result, self._painted().copy(), self.config)

    def look(self) -> None:
        """Follow now: a layer that is hidden does not tell of undo and redo."""
        self._timer.stop()
        self._follow()

    def hold(self, held: bool) -> None:
        """Do not follow for a while: the layers are being given another result."""
        self._held = held
        if not held:
            self.look()

    def prepare(self) -> None:
        """What the first stroke need not wait for: arrays of their own for the layers, and pixels that are at hand."""
        own({role: self.layer(role) for role in _ROLES}, self.result)
        self._reader.ask(self._pixels.warm)

    def forget(self) -> None:
        """Give all pixels back to the automatic decision, as one step that can be undone."""
        edited = np.nonzero(self._painted() != self._automatic)
        if edited[0].size:
            self.layer("decision").data_setitem(edited, 0)

    def set_config(self, config: MendConfig) -> None:
        """Blend as another configuration asks for."""
        if config != self.config:
            self.config = config
            self._ask(bounds(self._painted() != self._automatic))

    def let_go(self) -> None:
        """Follow no more."""
        self._timer.stop()
        self._latest.forget()
        self._pixels.cool()
        self._reader.forget()
        self._busy = False
        layers = self._layer_list()
        if layers is not None:
            layers.events.removed.disconnect(self._on_removed)
        layer = self.layer("decision")
        if layer is not None:
            for name, slot in self._slots():
                getattr(layer.events, name).disconnect(slot)
            _menders.pop(layer, None)
            self._shown = self._painted().copy()
        self._layers.pop("decision", None)
        self.gone.emit()

    def _slots(self) -> list[tuple[str, Callable[..., None]]]:
        return [("paint", self._on_paint), ("labels_update", self._on_drawn), ("set_data", self._on_drawn)]

    def _painted(self) -> NDArray[Any]:
        """The labels; those followed last where the layer is gone or holds something else."""
        layer = self.layer("decision")
        if layer is None or not isinstance(layer.data, np.ndarray):
            return self._shown
        shape = decision_of(self.result).shape
        return layer.data if layer.data.shape == shape else self._shown

    def _on_paint(self, _event: Any = None) -> None:
        self.look()

    def _on_drawn(self, _event: Any = None) -> None:
        """At once, but not again and again while a stroke goes on; nor when the layer is drawn because of us."""
        if self._following or self._timer.isActive():
            return
        if time.monotonic() - self._followed > _EVERY / 1000:
            self._follow()
        else:
            self._timer.start(_EVERY)

    def _on_removed(self, event: Any) -> None:
        if _plain(event.value) is self.layer("decision"):
            self.let_go()

    def _follow(self) -> None:
        if self._held:
            return
        self._following = True
        try:
            where = self._settle()
            if where is not None:
                self._ask(where)
        finally:
            self._following = False
            self._followed = time.monotonic()

    def _settle(self) -> Part | None:
        """Replace labels that are no slices; tell where the labels are others than those shown."""
        painted = self._painted()
        where = bounds(painted != self._shown)
        if where is None:
            return None
        part = painted[where]
        odd = (part < 1) | (part > self.slices)
        if odd.any():
            strange = part[odd & (part != 0) & (part != (self.second or 0))]
            self.unknown = int(strange[0]) if strange.size else None
            part[odd] = np.where(part == self.second, self._second_best(where), self._automatic[where])[odd]
            self.layer("decision").refresh(extent=False, thumbnail=False, highlight=False)
        return where

    def _second_best(self, where: Part) -> NDArray[Any]:
        decision = decision_of(self.result)
        found = second_best(replace(decision, labels=decision.labels[:, *where]))
        return self._automatic[where] if found is None else (found + 1).astype(self._automatic.dtype)

    def _ask(self, where: Part | None) -> None:
        """Have a part computed, with what around it depends on it."""
        painted, shape = self._painted(), decision_of(self.result).shape
        margin = REACH
        if self.config.match_brightness:
            # A factor is that of a whole patch, and so it may change all over it.
            where = bounds((painted != self._automatic) | (painted != self._shown))
            margin += RING
        if where is None:
            return
        region = grown(where, margin, shape)
        self._asked += 1
        piece = Piece(self._asked, region, grown(region, REACH, shape), painted, self.config)
        answer = None if self._busy else self._pixels.mended_at_once(piece)
        if answer is None:
            self._busy = True
            self._latest.ask(partial(self._pixels.mended, piece))
        else:
            self._show(*answer)
            self.changed.emit()

    def _on_ready(self, answer: "tuple[Piece, FusionResult]") -> None:
        self._show(*answer)
        self._busy = answer[0].number != self._asked
        if not self._busy:
            self._follow()
        self.changed.emit()

    def _show(self, piece: Piece, after: "FusionResult") -> None:
        show({role: self.layer(role) for role in _ROLES}, piece, self.result, after)
        self._shown[piece.region] = piece.painted[piece.inner]
        self.edited = int(np.count_nonzero(self._shown != self._automatic))
        for role in _ROLES:
            note_edits(self.layer(role), self.edited)

    def _on_failed(self, error: Exception) -> None:
        self._busy = False
        report(error, f"Mending {self.source.title}")
