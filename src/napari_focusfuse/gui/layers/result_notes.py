"""What result layers say of themselves: which belong together, how they are called, and which a new result replaces."""

import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.result_parts import LABELS
from napari_focusfuse.gui.layers.source import KEY, Source

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "EDITED",
    "ROLES",
    "digest",
    "editable",
    "is_result",
    "name_of",
    "note_of",
    "plain",
    "rename",
    "result_of",
    "siblings",
    "source_of",
    "tag_of",
    "to_update",
]

#: From bottom to top: what is hidden lies above, so that its eye shows it at once.
ROLES = ("fused", "decision", "depth", "confidence", "flags")
EDITED = "edited_pixels"


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


def note_of(layer: "Layer") -> dict[str, Any]:
    """What a result says of itself: ``role``, ``source_id``, ``position`` and how it was made."""
    note: dict[str, Any] = layer.metadata[KEY]
    return note


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


def editable(note: Mapping[str, Any], role: str) -> bool:
    """Whether a layer may be painted on: nobody follows edits of all positions."""
    return role not in (LABELS if "whole" in note else ("flags",))


def digest(data: NDArray[Any]) -> str:
    """What tells pixels from others."""
    return hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()


def siblings(layers: "Iterable[Layer]", note: Mapping[str, Any]) -> dict[str, dict[str, "Layer"]]:
    """Layers by role of each result of the same stack and position, by its id, in the order of `layers`."""
    found: dict[str, dict[str, Layer]] = {}
    for layer in layers:
        other = note_of(layer) if is_result(layer) else {}
        if other.get("role") in ROLES and all(other[key] == note[key] for key in ("source_id", "position")):
            found.setdefault(other["result_id"], {})[other["role"]] = layer
    return found


#: What tells kinds of results, and settings.
_KINDS = ("whole", "decision_from", "region")
_SETTINGS = ("method", "config", "model", "equalise", "decide_on", "decision_from")


def to_update(layers: "Iterable[Layer]", note: Mapping[str, Any], *, replace: bool = False) -> dict[str, "Layer"]:
    """Layers by role of the newest result that a new one takes the place of; none if its decision was edited.

    Parameters
    ----------
    layers : iterable of Layer
    note : mapping
        Of the new result.
    replace : bool
        Take one with other settings as well.
    """
    for found in reversed(siblings(layers, note).values()):
        other = note_of(next(iter(found.values())))
        kind = all(bool(other.get(key)) == bool(note.get(key)) for key in _KINDS)
        if kind and (replace or all(other.get(key) == note.get(key) for key in _SETTINGS)) and not _edited(found):
            return found
    return {}


def _edited(layers: Mapping[str, "Layer"]) -> bool:
    """Whether a decision was painted on; also if it is gone, and only what followed it is left."""
    decision = layers.get("decision")
    if decision is not None and editable(note_of(decision), "decision"):
        return bool(digest(decision.data) != note_of(decision)["sha256"])
    return any(note_of(layer).get(EDITED) for layer in layers.values())


#: So many letters of the name of a stack are told in the names of its results.
_LONGEST = 32


def name_of(note: Mapping[str, Any], *, tagged: bool) -> str:
    """Name of a layer by its note: stack, role, and the method if it is `tagged`; of a long name the middle is cut."""
    title, half = str(note["title"]), _LONGEST // 2
    short = title if len(title) <= _LONGEST else f"{title[:half]}…{title[1 - half :]}"
    unit = "" if note["role"] != "depth" else "(µm)" if note["z_step"] else "(slices)"
    return " ".join(part for part in (short, note["tag"] if tagged else "", note["role"], unit) if part)


def rename(layer: "Layer", note: Mapping[str, Any], *, tagged: bool | None = None) -> None:
    """Have a layer called by its new note, unless somebody has called it otherwise; None: tagged as it is."""
    known = {False: name_of(note_of(layer), tagged=False), True: name_of(note_of(layer), tagged=True)}
    for was, name in known.items():
        if layer.name == name:
            layer.name = name_of(note, tagged=was if tagged is None else tagged)
            return


def tag_of(note: Mapping[str, Any], others: "Iterable[Mapping[str, Layer]]") -> str:
    """What tells a result from others of its stack: method and preset, or whose decision map was applied."""
    preset = (note.get("config") or {}).get("preset", "default")
    tag = f"{note.get('method') or ''}{'' if preset == 'default' else f' {preset}'}"
    if "decision_from" in note:
        tag = f"by {note['decision_from']['source']}"
    taken = {note_of(layer).get("tag") for layers in others for layer in layers.values()}
    tags = (tag if k == 1 else f"{tag} {k}".strip() for k in itertools.count(1))
    return next(each for each in tags if each not in taken)
