"""What runs in the thread when all positions are fused, or a decision is carried."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari_focusfuse.core.progress import staged
from napari_focusfuse.gui.common.preferences import limited_for
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.apply_targets import Origin
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.hyperstack_results import iter_shown

if TYPE_CHECKING:
    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result.decision import Decision

__all__ = ["carry", "fuse_whole", "kept", "save"]


def fuse_whole(whole: Whole, options: dict[str, Any], top: float) -> Work:
    """Fuse every position and prepare the layers; returns what was fused, the result and the layers."""
    from napari_focusfuse import api

    height, width = (int(whole.data.shape[whole.axes.index(letter)]) for letter in "YX")
    options = limited_for((height, width), options)
    work = api.iter_fuse_hyperstack(whole.data, whole.axes, keep_decisions=True, **options)
    result = yield from staged(work, 0, 0.95)
    layers = yield from staged(iter_shown(whole, result, top), 0.95, 0.05)
    return whole, result, layers


def carry(wholes: list[Whole], origin: Origin, held: Callable[[], Work]) -> Work:
    """Blend every position of some layers by the decisions of another; returns each with its layers.

    Parameters
    ----------
    wholes : list of Whole
    origin : Origin
    held : callable
        Makes the generator that returns the one decision that the widget holds.
    """
    from napari_focusfuse import api

    one = (yield from held()) if origin.decision is None else None
    made = []
    for done, whole in enumerate(wholes):
        work = api.iter_carry(whole.data, whole.axes, partial(_decision, whole, origin, one))
        result = yield from staged(work, done / len(wholes), 1 / len(wholes))
        layers = yield from iter_shown(whole, result, 0)
        made.append((whole, layers))
    return made


def _decision(whole: Whole, origin: Origin, one: "Decision | None", where: Mapping[str, int]) -> "Decision":
    """The decision for a position of another layer: axes are matched by their names."""
    if origin.decision is None:
        return cast("Decision", one)
    named = {whole.names[letter]: k for letter, k in where.items()}
    return origin.decision({name: named[name] for name in origin.axes})


def kept(result: "HyperstackResult", names: list[str], where: Mapping[str, int]) -> "Decision":
    """The decision for an index on axes of these names, in their order in the maps."""
    return result.decisions[tuple(where[name] for name in names)]


def save(folder: Path, result: "HyperstackResult", options: dict[str, Any]) -> Work:
    """Write a result; returns the folder."""
    from napari_focusfuse import api

    return (yield from api.iter_save_hyperstack(folder, result, **options))
