"""Registering the slices of a focus stack: drift, rotation and the change of scale during focusing.

Neighbours in focus are alike, slices far apart are not. So each slice is registered to the next few (`fit`, on small
images), the pairs are reconciled over the whole stack and believed only if what is in focus agrees (`measure`), and the
slices are read anew where they lie (`transforms`). No file is known here, but for the one of `Transforms.save`.
"""

from collections.abc import Generator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import AlignConfig
from napari_focusfuse.core.align.measure import iter_transforms, unmoved
from napari_focusfuse.core.align.transforms import Crop, Transforms, load_transforms, nan_type, resampled, valid_area
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import StackError

__all__ = ["Alignment", "Transforms", "iter_align", "load_transforms"]

_MEASURING = 0.5
_STILL = "the transforms given move no slice: the stack is left unchanged"


@dataclass(frozen=True, eq=False)
class Alignment:
    """An aligned focus stack.

    Attributes
    ----------
    stack : array
        The stack with its original axes. If no correction was needed, it is the same object that was given.
        Otherwise numpy, of the same type (float where edges are filled with NaN).
    transforms : Transforms
        The measured transforms of the slices.
    valid : (y0, y1, x0, x1)
        Rows and columns of the reference that all slices share: the area of a cropped stack.
    summary : str
        What was done, in a sentence.
    """

    stack: Any
    transforms: Transforms
    valid: Crop
    summary: str

    @property
    def untouched(self) -> bool:
        """Whether nothing was moved."""
        return not self.transforms.moved.any()


def iter_align(
    given: Any, stack: Stack, axis: int, config: AlignConfig, transforms: Transforms | None = None
) -> Generator[Progress, None, Alignment]:
    """Align a stack.

    Parameters
    ----------
    given : array-like
        The stack as it was given, returned if no correction is needed.
    stack : Stack
        The same, checked.
    axis : int
        Its stack axis.
    config : AlignConfig
    transforms : Transforms, optional
        Use these instead of measuring.
    """
    note = "the kind of transform is none: nothing was aligned"
    if transforms is not None:
        _check_fit(transforms, stack)
        note = _moved(transforms) if transforms.moved.any() else _STILL
    elif config.kind == "none":
        transforms = unmoved(stack, config)
    else:
        transforms, worst = yield from staged(iter_transforms(stack, config), 0, _MEASURING)
        note = _found(transforms, worst, config.tolerance)
    transforms = _signed(transforms)
    if not transforms.moved.any():
        return Alignment(given, transforms, (0, stack.shape[0], 0, stack.shape[1]), note)
    valid = valid_area(transforms) if config.edges == "crop" else _common(transforms)
    whole = (0, stack.shape[0], 0, stack.shape[1])
    work = _iter_resampled(stack, axis, transforms, valid if config.edges == "crop" else whole, config.edges == "nan")
    aligned = yield from staged(work, _MEASURING, 1 - _MEASURING)
    return Alignment(aligned, transforms, valid, note)


def _common(transforms: Transforms) -> Crop:
    """The valid area, empty where there is none: NaN says the rest."""
    try:
        return valid_area(transforms)
    except StackError:
        return (0, 0, 0, 0)


def _iter_resampled(
    stack: Stack, axis: int, transforms: Transforms, crop: Crop, nan: bool
) -> Generator[Progress, None, NDArray[Any]]:
    shape = (crop[1] - crop[0], crop[3] - crop[2], *([stack.channels] if stack.channels else []))
    out = np.empty((len(stack), *shape), nan_type(stack.dtype) if nan else stack.dtype)
    for k in range(len(stack)):
        yield Progress(k, len(stack), f"moving slice {k + 1} of {len(stack)}")
        out[k] = resampled(stack[k], transforms.matrices[k], crop, nan=nan)
    return np.moveaxis(out, 0, axis % 3)


def _check_fit(transforms: Transforms, stack: Stack) -> None:
    if len(transforms) != len(stack) or transforms.shape != stack.shape:
        raise StackError(
            f"the transforms are for {len(transforms)} slices of {transforms.shape[0]} x {transforms.shape[1]} px, "
            f"this stack has {len(stack)} of {stack.shape[0]} x {stack.shape[1]} px: measure this one instead"
        )


def _signed(transforms: Transforms) -> Transforms:
    info = {"version": version("napari-focusfuse"), **transforms.info}
    return Transforms(
        transforms.matrices, transforms.shape, transforms.reference, transforms.kind, transforms.measured, info
    )


def _found(transforms: Transforms, worst: float, tolerance: float) -> str:
    missing = _missing(transforms)
    if transforms.moved.any():
        return _moved(transforms) + missing
    if worst > tolerance:
        return f"no correction needed (largest shift {worst:.2f} px did not improve the agreement){missing}"
    return f"no correction needed (largest shift {worst:.2f} px){missing}"


def _moved(transforms: Transforms) -> str:
    motions, moved = transforms.motions(), transforms.moved
    parts = [f"up to {transforms.largest().max():.1f} px"]
    if transforms.kind != "translation":
        parts.append(f"{np.abs(motions.rotation).max():.1f} degrees")
        parts.append(f"{100 * np.abs(motions.scale - 1).max():.1f} % scale")
    return f"{int(moved.sum())} of {len(transforms)} slices moved, {', '.join(parts)}"


def _missing(transforms: Transforms) -> str:
    """Which slices could not be told, and what was done about it; by their numbers from 0."""
    lost = [str(k) for k in np.flatnonzero(~transforms.measured)]
    if not lost:
        return ""
    moved = transforms.moved.any()
    if len(lost) == 1:
        done = "is moved with its neighbours" if moved else "is left unchanged"
        return f"; slice {lost[0]} could not be measured and {done}"
    done = "are moved with their neighbours" if moved else "are left unchanged"
    return f"; slices {', '.join(lost[:-1])} and {lost[-1]} could not be measured and {done}"
