"""What a mender has computed in its thread, and how the layers show it."""

import warnings
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.blocks import Blocks
from napari_focusfuse.core.config import MendConfig
from napari_focusfuse.core.decision import Flag
from napari_focusfuse.core.mend import cut, decision_of, iter_mend
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.result import FusionResult
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import within
from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui._source import Source

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Part", "Piece", "iter_whole", "mended", "show", "stack_of"]

Part = tuple[slice, slice]


class Piece:
    """A part of a result to be computed anew, frozen when it is asked for.

    Parameters
    ----------
    number : int
        Pieces are counted.
    region : (slice, slice)
        What is to be shown.
    outer : (slice, slice)
        With what around it it depends on.
    painted : array (Y, X) int
        All labels, slices from 1.
    config : MendConfig
    """

    def __init__(self, number: int, region: Part, outer: Part, painted: NDArray[Any], config: MendConfig) -> None:
        self.number, self.region, self.outer, self.config = number, region, outer, config
        self.inner = within(region, outer)
        self.painted = painted[outer].copy()


def stack_of(source: Source, result: FusionResult) -> Stack:
    """The stack that was fused, in the order in which it was; of a lazy one what is read stays at hand."""
    data = source.data if isinstance(source.data, np.ndarray) else Blocks(source.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FocusFuseWarning)
        return Stack(data, source.axis, source.rgb, list(decision_of(result).z))


def mended(stack: Stack, result: FusionResult, piece: Piece) -> tuple[Piece, FusionResult]:
    """A piece of the mended result, in any thread."""
    work = iter_whole(*cut(stack, result, piece.outer), piece.painted, piece.config)
    return piece, drain(work)


def iter_whole(
    stack: Stack, result: FusionResult, painted: NDArray[Any], config: MendConfig
) -> Generator[Progress, None, FusionResult]:
    """The mended result: every label is an edit that is not the slice from which the pixel came."""
    index = painted.astype(np.int32) - 1
    return (yield from iter_mend(stack, result, index, index != decision_of(result).index, config))


def show(layers: "Mapping[str, Layer | None]", piece: Piece, before: FusionResult, after: FusionResult) -> None:
    """Show a piece in the layers of a result, by role; those that are gone are left out."""
    old, new = decision_of(before), decision_of(after)
    _put(layers["fused"], piece, after.image, before.image)
    _put(layers["depth"], piece, new.depth, old.depth)
    _put(layers["confidence"], piece, new.confidence, old.confidence)
    _put(layers["flags"], piece, new.flags, old.flags)
    _explain(layers["flags"])


def _put(layer: Any, piece: Piece, values: NDArray[Any], original: NDArray[Any]) -> None:
    """Change a part of a layer, but never the array that it was made from."""
    if layer is None or layer.data.shape != original.shape:
        return
    if np.shares_memory(layer.data, original):
        layer.data = layer.data.copy()
    layer.data[piece.region] = values[piece.inner]
    layer.refresh(extent=False, thumbnail=False, highlight=False)


def _explain(flags: Any) -> None:
    """Let hovering tell of edits."""
    if flags is None or "flag" not in flags.features or int(Flag.EDITED) in list(flags.features["index"]):
        return
    index, words = (list(flags.features[name]) for name in ("index", "flag"))
    flags.features = {"index": [*index, int(Flag.EDITED)], "flag": [*words, "edited"]}
