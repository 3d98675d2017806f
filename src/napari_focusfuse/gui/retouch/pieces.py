"""Parts computed by a retoucher in its thread, and their display in the layers."""

from collections.abc import Generator, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.result import Flag, FusionResult
from napari_focusfuse.core.retouch import cut, decision_of, iter_retouch
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.blocks import Blocks, NotReadError
from napari_focusfuse.core.stack.equalise import as_fused
from napari_focusfuse.core.stack.tiles import within
from napari_focusfuse.errors import FocusFuseWarning
from napari_focusfuse.gui.layers.result_parts import flag_words
from napari_focusfuse.gui.layers.source import Source
from napari_focusfuse.gui.thread_warnings import quiet

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Part", "Piece", "Pixels", "iter_whole", "own", "show"]

Part = tuple[slice, slice]
#: Pieces of so many pixels at most are retouched at once.
_SMALL = 2**17


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
    config : RetouchConfig
    """

    def __init__(self, number: int, region: Part, outer: Part, painted: NDArray[Any], config: RetouchConfig) -> None:
        self.number, self.region, self.outer, self.config = number, region, outer, config
        self.inner = within(region, outer)
        self.painted = painted[outer].copy()


class Pixels:
    """The stack that was fused, in the order in which it was; of a lazy one what is read stays at hand.

    Parameters
    ----------
    source : Source
    result : FusionResult
        As fused.
    """

    def __init__(self, source: Source, result: FusionResult) -> None:
        self.result = result
        self._blocks = None if isinstance(source.data, np.ndarray) else Blocks(source.data)
        data = source.data if self._blocks is None else self._blocks
        with quiet(FocusFuseWarning):
            decision = decision_of(result)
            self.stack = as_fused(decision.info, data, source.axis, source.rgb, list(decision.z))

    def retouched(self, piece: Piece) -> tuple[Piece, FusionResult]:
        """A piece of the retouched result, in any thread."""
        work = iter_whole(*cut(self.stack, self.result, piece.outer), piece.painted, piece.config)
        return piece, drain(work)

    def warm(self) -> None:
        """Read a lazy stack, as much of it as can be remembered; in any thread."""
        if self._blocks is not None:
            self._blocks.warm()

    def cool(self) -> None:
        """End `warm`."""
        if self._blocks is not None:
            self._blocks.cool()

    def retouched_at_once(self, piece: Piece) -> tuple[Piece, FusionResult] | None:
        """The same if it is a matter of milliseconds, or None."""
        if piece.painted.size > _SMALL:
            return None
        try:
            with nullcontext() if self._blocks is None else self._blocks.at_hand():
                return self.retouched(piece)
        except NotReadError:
            return None


def iter_whole(
    stack: Stack, result: FusionResult, painted: NDArray[Any], config: RetouchConfig
) -> Generator[Progress, None, FusionResult]:
    """The retouched result: every label is an edit that is not the slice from which the pixel came."""
    index = painted.astype(np.int32) - 1
    return (yield from iter_retouch(stack, result, index, index != decision_of(result).index, config))


def own(layers: "Mapping[str, Layer | None]", result: FusionResult) -> None:
    """Give layers copies of the arrays of a result, which must stay as they are."""
    arrays = _arrays(result)
    for role, layer in layers.items():
        if role in arrays and layer is not None and np.shares_memory(layer.data, arrays[role]):
            layer.data = layer.data.copy()


def show(layers: "Mapping[str, Layer | None]", piece: Piece, before: FusionResult, after: FusionResult) -> None:
    """Show a piece in the layers of a result, by role; those that are gone, or hold something else, are left out."""
    own(layers, before)
    old = _arrays(before)
    for role, values in _arrays(after).items():
        layer: Any = layers[role]
        if layer is not None and layer.data.shape == old[role].shape:
            layer.data[piece.region] = values[piece.inner]
            layer.refresh(extent=False, thumbnail=False, highlight=False)
    _explain(layers["flags"])


def _arrays(result: FusionResult) -> dict[str, NDArray[Any]]:
    decision = decision_of(result)
    maps = {role: getattr(decision, role) for role in ("depth", "confidence", "flags")}
    return {"fused": result.image, **maps}


def _explain(flags: Any) -> None:
    """Show edits when hovering."""
    if flags is None or "flag" not in flags.features or int(Flag.EDITED) in list(flags.features["index"]):
        return
    index, words = (list(flags.features[name]) for name in ("index", "flag"))
    flags.features = {"index": [*index, int(Flag.EDITED)], "flag": [*words, *flag_words(int(Flag.EDITED))]}
