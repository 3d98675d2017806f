"""The output: the decision map, for every pixel the slices it comes from, the depth and the confidence; and the image.

A decision map can be edited, saved, and applied to any stack of the same geometry.
"""

import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files import write_whole
from napari_focusfuse.core.files.checked import MismatchError, read_arrays
from napari_focusfuse.core.result.edits import seam, with_label
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Decision", "Flag", "FusionResult", "Labels", "checked", "info_of", "load_decision", "moved"]

#: How far the sum of weights may be from 1.
_NEAR = 1e-3


def checked(decision: "Decision") -> "Decision":
    """The decision, its arrays of the types that are documented.

    Raises
    ------
    MismatchError
        It has impossible values, such as a slice that does not exist or a weight below 0.
    """
    z, labels, weights = decision.z, decision.labels, decision.weights
    _ask(z.ndim == 1 and len(z) > 0 and z.dtype.kind in "iuf", "positions of the slices, one each")
    _ask(np.isfinite(z).all() and len(np.unique(z)) == len(z), "positions that differ and are numbers")
    _ask(labels.ndim == 3 and min(labels.shape) > 0 and labels.dtype.kind in "iu", "labels that are whole numbers")
    _ask(labels.min() >= 0 and labels.max() < len(z), f"labels from 0 to {len(z) - 1}")
    _ask(weights.shape == labels.shape and weights.dtype.kind == "f", "a weight for each label")
    _ask(np.isfinite(weights).all() and weights.min() >= 0, "weights from 0 to 1")
    _ask((np.abs(weights.sum(axis=0, dtype=np.float64) - 1) <= _NEAR).all(), "weights that sum to 1")
    for name in ("depth", "confidence", "flags"):
        _ask(getattr(decision, name).shape == labels.shape[1:], f"{name} of the size of the labels")
    _ask(decision.depth.dtype.kind == "f" and not np.isinf(decision.depth).any(), "depths that are numbers or NaN")
    sure = decision.confidence
    _ask(sure.dtype.kind == "f" and sure.min() >= 0 and sure.max() <= 1, "confidence from 0 to 1")
    flags = decision.flags
    _ask(flags.dtype.kind in "iu" and flags.min() >= 0 and flags.max() < 2**16, "flags of 16 bits")
    return replace(
        decision,
        labels=labels if labels.dtype in (np.int16, np.int32) else labels.astype(np.int32),
        weights=_single(weights),
        depth=_single(decision.depth),
        confidence=_single(sure),
        flags=flags.astype(np.uint16, copy=False),
        z=z.astype(np.float64, copy=False),
    )


def info_of(text: NDArray[Any]) -> dict[str, Any]:
    """What made a decision, from its text in JSON."""
    try:
        info = json.loads(str(text))
    except RecursionError as error:
        raise MismatchError("what made it is nested too deeply") from error
    _ask(isinstance(info, dict), "what made it")
    return dict(info)


def _single(array: NDArray[Any]) -> NDArray[np.float32]:
    return array.astype(np.float32, copy=False)


def _ask(holds: Any, wanted: str) -> None:
    if not holds:
        raise MismatchError(f"it must have {wanted}")


Labels = NDArray[np.signedinteger[Any]]
_ARRAYS = ("labels", "weights", "depth", "confidence", "flags", "z")


class Flag(IntFlag):
    """What is special about a pixel: bits of `Decision.flags`.

    NOT_BRACKETED: sharpest in the first or the last slice. NO_SIGNAL: nothing is sharp in any slice. EDITED: by hand.
    SATURATED: the camera saturates, which hides detail. TWO_PEAKS: two depths compete for it. AVERAGED: no
    slice has half of the weight. UNORDERED: sharpness does not rise and fall along the stack. SATURATED and
    TWO_PEAKS are set by models with a candidate head, with soft weights.
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
    """Decision map: where every pixel of the fused image comes from.

    Attributes
    ----------
    labels : (K, Y, X) int16 or int32
        Slices that contribute to the pixel, the chosen one first; indices into the given stack. K is small.
    weights : (K, Y, X) float32
        Their weights; they sum to 1 along K.
    depth : (Y, X) float32
        Position of best focus between the slices, in the units of `z`; NaN where it was not measured.
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
        """A decision map with slice `index` wherever `mask` is set, and a soft seam just outside.

        There depth is the position of that slice, confidence is 1 and the flag `Flag.EDITED` is set. A pixel depends
        only on edits within 2 px of it.

        Parameters
        ----------
        index : (Y, X) int
            Slices; read under the mask only.
        mask : (Y, X) bool
            Pixels that were edited.

        Raises
        ------
        FocusFuseError
            The arrays do not fit, or an index is not a slice of the stack.
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

    def with_z(self, z: Sequence[float] | NDArray[np.floating]) -> "Decision":
        """Return the decision map with other positions of the slices; depth moves with them.

        For a z-step or a refractive index that became known after fusing: nothing is decided anew.

        Parameters
        ----------
        z : (N,) sequence of float
            Position of each slice, in any units.

        Raises
        ------
        FocusFuseError
            The positions are not one for each slice, or not in the order of the slices.

        Examples
        --------
        >>> import napari_focusfuse as ff
        >>> scene = ff.simulate((64, 64), 4, seed=0)
        >>> decision = ff.decide(scene.stack, method="log")
        >>> decision.with_z([0, 1.5, 3, 4.5]).z.tolist()
        [0.0, 1.5, 3.0, 4.5]
        """
        given = np.asarray(z, dtype=np.float64)
        if given.shape != self.z.shape or not np.isfinite(given).all():
            raise FocusFuseError(f"a decision map of {len(self.z)} slices needs {len(self.z)} positions")
        steps = np.diff(given[np.argsort(self.z)])
        if not ((steps > 0).all() or (steps < 0).all()):
            raise FocusFuseError("the positions are in another order than those of the decision map: decide again")
        return replace(self, depth=moved(self.depth, self.z, given), z=given)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the decision map to one file (``.npz``, no pickle), complete or not at all."""
        content = io.BytesIO()
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(content, allow_pickle=False, info=json.dumps(dict(self.info)), **arrays)
        write_whole(Path(path), lambda part: part.write_bytes(content.getbuffer()), overwrite=True, parents=False)


def moved(depth: NDArray[np.floating], before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float32]:
    """Depths (Y, X) between the same slices, where these lie at other positions; NaN stays."""
    order = np.argsort(before)
    between: NDArray[np.float32] = np.interp(depth, before[order], after[order]).astype(np.float32)
    return between


def load_decision(path: str | os.PathLike[str]) -> Decision:
    """Read a decision that `Decision.save` wrote.

    Raises
    ------
    FocusFuseError
        The file is missing or contains no decision map.
    """
    try:
        arrays = read_arrays(Path(path), (*_ARRAYS, "info"))
        info = info_of(arrays.pop("info"))
        return checked(Decision(**arrays, info=info))
    except (OSError, TypeError, ValueError, SyntaxError) as error:
        why = getattr(error, "strerror", None) or error
        raise FocusFuseError(f"{path} contains no readable decision map ({why}): save it again") from error


@dataclass(frozen=True, eq=False)
class FusionResult:
    """Result of fusing a focus stack.

    Attributes
    ----------
    image : array (Y, X[, C])
        All-in-focus image, of the type and value range of the stack.
    decision : Decision or None
        Where each pixel comes from; None for methods without a decision map.
    summary : str
        A sentence for people.
    info : mapping
        What made it, as in `Decision.info`: version, method, configuration. Plain JSON types.
    """

    image: NDArray[Any]
    decision: Decision | None
    summary: str
    info: Mapping[str, Any] = field(default_factory=dict)
