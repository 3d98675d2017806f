"""The results of a viewer, each as long as any of its layers is there."""

import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Decision, FusionResult
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.align.aligned import aligned_from
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.apply_work import Origin, origin_of_one
from napari_focusfuse.gui.layers.axes import propose_axis, spacing_of, taken_of
from napari_focusfuse.gui.layers.result_parts import Parts, parts_of
from napari_focusfuse.gui.layers.results import ROLES, is_result, note_of, plain, respace
from napari_focusfuse.gui.layers.source import Source, in_file, problem, take
from napari_focusfuse.gui.retouch.session import Retoucher, iter_show_and_follow, retoucher_of, uncovered

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

    from napari_focusfuse.core.positions.result import HyperstackResult

__all__ = [
    "Held",
    "called",
    "held_by",
    "history",
    "hold",
    "iter_show",
    "iter_show_on",
    "resize",
    "show_from_console",
    "why_not",
]

_FIRST = "Fuse a focus stack first."
_NO_MAP = "This method makes no decision map: fuse with one that does."
_ALL = "All positions were fused at once: fuse the position in question alone."
_REGION = "A region is for trying: fuse the whole image."
_NO_SIZES = "A surface needs heights and widths in µm: enter z-step and pixel size above."


@dataclass(eq=False)
class Held:
    """A result in a viewer, of one stack or of all positions of a layer.

    Attributes
    ----------
    title : str
        Name of what was fused.
    result : FusionResult or HyperstackResult
        As fused, without edits by hand.
    note : dict
        How it was made, of plain JSON types.
    place : mapping
        What puts a (Y, X) layer on the stack; empty for all positions.
    origin : Origin or None
        Its decision maps, as far as they can be applied to other layers.
    retoucher : Retoucher or None
        Who follows edits by hand.
    """

    title: str
    result: "FusionResult | HyperstackResult"
    note: dict[str, Any]
    place: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    retoucher: Retoucher | None = None
    made: datetime = field(default_factory=datetime.now)

    @property
    def one(self) -> FusionResult | None:
        """The result, if it is that of one stack."""
        return self.result if isinstance(self.result, FusionResult) else None

    @property
    def decision(self) -> Decision | None:
        """The decision map of one stack, if there is one."""
        return None if self.one is None else self.one.decision

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Height and width of a pixel, um."""
        return self.note["pixel_size"] and tuple(self.note["pixel_size"])

    @property
    def has_depth(self) -> bool:
        """Whether depth was measured anywhere, or may have been."""
        if not isinstance(self.result, FusionResult):
            return self.result.depth is not None
        return self.decision is not None and bool(np.isfinite(self.decision.depth).any())

    def fused(self, layers: "Iterable[Layer]") -> "Layer | None":
        """Its fused image, if that is still there."""
        mine = (layer for layer in layers if held_by(layer) is self and is_result(layer))
        return next((layer for layer in mine if note_of(layer)["role"] == ROLES[0]), None)

    def work(self) -> Callable[[], Work]:
        """What makes the result with its edits, in any thread."""
        return partial(_unchanged, self.result) if self.retoucher is None else self.retoucher.work()


def _unchanged(result: Any) -> Work:
    yield from ()
    return result


def why_not(held: Held | None, action: str) -> str:
    """Why an action on a result is off, in words; empty if it is on.

    Parameters
    ----------
    held : Held or None
    action : {"save", "retouch", "apply", "compare", "surface"}
    """
    if held is None:
        return _FIRST
    if held.note.get("region") and action in ("save", "apply"):
        return _REGION
    if action in ("save", "compare") or (action == "apply" and held.origin is not None):
        return ""
    if held.one is None:
        return _NO_MAP if action == "apply" else _ALL
    if held.decision is None:
        return _NO_MAP
    if action == "surface" and not (held.note["z_step"] and held.pixel_size):
        return _NO_SIZES
    return ""


_held: "weakref.WeakKeyDictionary[Layer, Held]" = weakref.WeakKeyDictionary()


def hold(layers: "Iterable[Layer]", held: Held) -> None:
    """Hold a result for as long as any of its layers is in a viewer."""
    for layer in layers:
        _held[uncovered(layer)] = held


def iter_show(
    viewer: "ViewerModel", source: Source, note: Mapping[str, Any], parts: Parts, result: FusionResult, *, replace: bool
) -> Generator[None, None, "dict[str, Layer]"]:
    """Show a result of one stack as layers, step by step, and hold it; gives them by role.

    Parameters
    ----------
    viewer : ViewerModel
    source : Source
        What was fused.
    note : mapping
        How, of plain JSON types.
    parts : dict
        What the layers hold.
    result : FusionResult
    replace : bool
        Whether it takes the place of the newest result of the stack.
    """
    decision = result.decision
    note = {**note, "made_by": plain(result.info if decision is None else decision.info)}
    layers = yield from iter_show_and_follow(viewer, source, parts, result, note, replace=replace)
    origin = None if decision is None else origin_of_one(source, decision)
    hold(
        layers.values(),
        Held(source.title, result, note, source.place, origin, retoucher_of(layers.get("decision"))),
    )
    return layers


def show_from_console(viewer: "ViewerModel", layer: Image, result: FusionResult) -> "dict[str, Layer]":
    """Show a result that was not made by the widget on its stack, all at once; see `napari_focusfuse.napari.show`."""
    return drain(iter_show_on(viewer, layer, result))


def iter_show_on(
    viewer: "ViewerModel", layer: Image, result: FusionResult
) -> "Generator[None, None, dict[str, Layer]]":
    """The same step by step."""
    axis = propose_axis(layer)[0] if layer.ndim > 2 else 0
    if why := problem(layer, axis):
        raise FocusFuseError(why)
    source, sizes, decision = take(layer, axis, viewer.dims.point), spacing_of(layer, axis), result.decision
    plane = tuple(n for i, n in enumerate(source.data.shape[:3]) if i != source.axis)
    if result.image.shape[:2] != plane or (decision is not None and len(decision.z) != source.slices):
        raise FocusFuseError(f"the result is not one of {layer.name!r}: its size or number of slices differs")
    extent = 0.0 if decision is None else float(np.ptp(decision.z))
    # Positions that nobody gave are the numbers of the slices.
    known = sizes.z_step is not None and (sizes.z_step == 1 or extent != source.slices - 1)
    info = plain(result.info if decision is None else decision.info)
    note = {
        **source.note(),
        "rgb": source.rgb,
        "in_file": in_file(layer),
        "taken": taken_of(layer),
        "aligned": aligned_from(layer),
        "z_step": extent / (source.slices - 1) if known and extent else None,
        "pixel_size": plain(sizes.pixel_size),
        "refractive_index": 1.0,
        **{key: info[key] for key in ("method", "config", "model") if key in info},
    }
    return (yield from iter_show(viewer, source, note, parts_of(source, result), result, replace=False))


def held_by(layer: "Layer | None") -> Held | None:
    """The result that a layer belongs to."""
    return None if layer is None else _held.get(uncovered(layer))


def history(layers: "Iterable[Layer]") -> list[Held]:
    """The results that layers belong to, the oldest first."""
    found = {id(held): held for held in map(held_by, layers) if held is not None}
    return sorted(found.values(), key=lambda held: held.made)


def resize(held: Held, layers: "Iterable[Layer]", z: list[float] | None, sizes: Mapping[str, Any]) -> None:
    """Give a result of one stack other sizes, and positions of its slices; nothing is fused anew.

    Parameters
    ----------
    held : Held
    layers : iterable of Layer
        Those of a viewer.
    z : (N,) list of float or None
        Positions of the slices, um; None: their numbers from 0.
    sizes : mapping
        ``z_step``, ``pixel_size`` and ``refractive_index``.

    Raises
    ------
    FocusFuseError
        The positions are in another order; nothing has changed then.
    """
    told, decision, one = plain(sizes), held.decision, held.one
    positions = None
    if decision is not None and one is not None:
        decision = decision.with_z(range(len(decision.z)) if z is None else z)
        held.result, positions = replace(one, decision=decision), decision.z
        if held.retoucher is not None:
            held.retoucher.respace(held.result)
    held.note |= told
    respace([layer for layer in layers if is_result(layer) and held_by(layer) is held], positions, told)


def called(held: Held, layers: "Iterable[Layer]") -> str:
    """What a result is called in a list: method, preset, time and stack; a narrow list cuts the end."""
    tag = next((note_of(layer)["tag"] for layer in layers if held_by(layer) is held and is_result(layer)), "")
    name = held.note.get("method", "")
    if name in METHODS and tag.split(" ")[0] == name:  # layers are called by the short name, see `tag_of`
        tag = METHODS[name].title + tag.removeprefix(name)
    return " · ".join(part for part in (tag, held.made.strftime("%H:%M"), held.title) if part)
