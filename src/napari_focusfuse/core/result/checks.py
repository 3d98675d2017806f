"""What holds of every decision, checked where one comes from a file."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files.schema import MismatchError

if TYPE_CHECKING:
    from napari_focusfuse.core.result.decision import Decision

__all__ = ["checked", "info_of"]

#: How far the sum of weights may be from 1.
_NEAR = 1e-3


def checked(decision: "Decision") -> "Decision":
    """The decision, its arrays of the types that are documented.

    Raises
    ------
    MismatchError
        It says something that cannot be, such as a slice that is not there or a weight below 0.
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
