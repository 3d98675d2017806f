"""The decision: for every pixel which slices it comes from, at what depth and how surely.

Everything hard happens before the decision; a decision can be edited, saved, and blend any stack of its geometry.
"""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files.archive import read_arrays
from napari_focusfuse.core.files.parts import write_whole
from napari_focusfuse.core.result.checks import checked, info_of
from napari_focusfuse.core.result.edits import seam, with_label
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Decision", "Flag", "Labels", "load_decision"]

Labels = NDArray[np.signedinteger[Any]]
_ARRAYS = ("labels", "weights", "depth", "confidence", "flags", "z")


class Flag(IntFlag):
    """What is special about a pixel: bits of `Decision.flags`.

    NOT_BRACKETED: sharpest in the first or the last slice. NO_SIGNAL: nothing is sharp in any slice. EDITED: by hand.
    SATURATED: as bright as the camera goes, which hides detail. TWO_PEAKS: two depths compete for it. AVERAGED: no
    slice has half of the weight. UNORDERED: sharpness does not rise and fall along the stack. SATURATED and
    TWO_PEAKS are told by models with a candidate head, with soft weights.
    """

    NOT_BRACKETED = 1
    NO_SIGNAL = 2
    EDITED = 4
    SATURATED = 8
    TWO_PEAKS = 16
    AVERAGED = 32
    UNORDERED = 64


@dataclass(frozen=True, eq=False)
class Decision:
    """Where every pixel of the fused image comes from.

    Attributes
    ----------
    labels : (K, Y, X) int16 or int32
        Slices that take part at the pixel, the chosen one first; indices into the stack as it was given. K is small.
    weights : (K, Y, X) float32
        Their weights; they sum to 1 along K.
    depth : (Y, X) float32
        Position of best focus between the slices, in the units of `z`; NaN where it cannot be told.
    confidence : (Y, X) float32
        0 (a guess) to 1 (certain).
    flags : (Y, X) uint16
        Bits of `Flag`.
    z : (N,) float64
        Position of each slice.
    info : mapping
        What made the decision: version, method, configuration, model. Plain JSON types.
    """

    labels: Labels
    weights: NDArray[np.float32]
    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    flags: NDArray[np.uint16]
    z: NDArray[np.float64]
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def index(self) -> Labels:
        """The best slice of each pixel, (Y, X)."""
        best: Labels = self.labels[0]
        return best

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.labels.shape[1], self.labels.shape[2]

    def with_edits(self, index: Labels, mask: NDArray[np.bool_]) -> "Decision":
        """A decision that takes slice `index` wherever `mask` is set, with a soft seam just outside.

        There depth is the position of that slice, confidence is 1 and the flags say `Flag.EDITED`. What becomes of a
        pixel depends on what was edited within 2 px of it and on nothing else.

        Parameters
        ----------
        index : (Y, X) int
            Slices; read under the mask only.
        mask : (Y, X) bool
            Pixels that were edited.

        Raises
        ------
        FocusFuseError
            The arrays do not fit, or an index is no slice of the stack.
        """
        if index.shape != self.shape or mask.shape != self.shape:
            raise FocusFuseError(
                f"the edit is {index.shape} with a mask of {mask.shape}, the decision is {self.shape}: "
                "they must be of one size"
            )
        if mask.dtype != bool or index.dtype.kind not in "iu":
            raise FocusFuseError(
                f"the edit is {index.dtype} with a mask of {mask.dtype}: they must be whole numbers and bool"
            )
        if not mask.any():
            return self
        if index[mask].min() < 0 or index[mask].max() >= len(self.z):
            raise FocusFuseError(f"an edited pixel names no slice: choose slices 0 to {len(self.z) - 1}")
        at = seam(mask)
        pixels = (slice(None), at.y, at.x)
        labels, weights = self.labels.copy(), self.weights.copy()
        around = index[at.from_y, at.from_x]
        labels[pixels], weights[pixels] = with_label(labels[pixels], weights[pixels], around, at.near)
        painted = index[mask]
        depth, confidence, flags = self.depth.copy(), self.confidence.copy(), self.flags.copy()
        depth[mask], confidence[mask], flags[mask] = self.z[painted], 1, Flag.EDITED
        return replace(self, labels=labels, weights=weights, depth=depth, confidence=confidence, flags=flags)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the decision to one file (``.npz``, no pickle), whole or not at all."""
        content = io.BytesIO()
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(content, allow_pickle=False, info=json.dumps(dict(self.info)), **arrays)
        write_whole(Path(path), lambda part: part.write_bytes(content.getbuffer()), overwrite=True, parents=False)


def load_decision(path: str | os.PathLike[str]) -> Decision:
    """Read a decision that `Decision.save` wrote.

    Raises
    ------
    FocusFuseError
        The file is missing or holds no decision.
    """
    try:
        arrays = read_arrays(Path(path), (*_ARRAYS, "info"))
        info = info_of(arrays.pop("info"))
        return checked(Decision(**arrays, info=info))
    except (OSError, TypeError, ValueError, SyntaxError) as error:
        why = getattr(error, "strerror", None) or error
        raise FocusFuseError(f"{path} holds no decision that can be read ({why}): save it again") from error
