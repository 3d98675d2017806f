"""Slices that are empty, in part or as a whole, among others that are not: a transfer that broke off, a shutter."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.errors import FocusFuseWarning

__all__ = ["Watched", "blank_part"]

#: Share of a slice that is empty by accident, and of the slices: what most have is how they were made.
_LEAST, _MOST = 0.05, 0.25
_LISTED = 3


def blank_part(image: NDArray[Any]) -> tuple[str, float, str] | None:
    """The border of an image that holds one value only.

    Parameters
    ----------
    image : (Y, X) or (Y, X, C) array
        NaN is missing as it says, and does not count.

    Returns
    -------
    (str, float, str) or None
        Where, as "above row 40"; its share of the image; and the value. None where no border is.
    """
    grey = image[..., None] if image.ndim == 2 else image
    found: list[tuple[str, float, str]] = []
    for axis, before, behind, line in ((0, "above", "below", "row"), (1, "left of", "right of", "column")):
        lines = np.moveaxis(grey, axis, 0)
        for last, side in ((False, before), (True, behind)):
            count = _equal(lines[::-1] if last else lines)
            if count == len(lines):
                return "everywhere", 1.0, _value(lines[0, 0])
            where = f"{side} {line} {len(lines) - count if last else count}"
            found += [(where, count / len(lines), _value(lines[-1 if last else 0, 0]))] if count else []
    return max(found, key=lambda part: part[1], default=None)


def _equal(lines: NDArray[Any]) -> int:
    """How many lines from the first on hold the value of its first pixel and no other."""
    value = lines[0, 0]
    if not (lines[0] == value).all():
        return 0
    same = (lines == value).reshape(len(lines), -1).all(axis=1)
    return int(same.argmin()) if not same.all() else len(lines)


def _value(pixel: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in pixel.tolist())


class Watched(Stack):
    """A stack of which the slices that are read are looked at; see `Stack`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._blank: dict[int, tuple[str, float, str] | None] = {}

    def __getitem__(self, k: int) -> NDArray[Any]:
        image = super().__getitem__(k)
        if int(k) not in self._blank:
            self._blank[int(k)] = blank_part(image)
        return image

    def told(self) -> str | None:
        """Which slices are empty where most are not, in one sentence; None of those read so far."""
        odd = [(k, part) for k, part in sorted(self._blank.items()) if part is not None and part[1] >= _LEAST]
        if not 0 < len(odd) <= max(1, _MOST * len(self)) or len(self) < 3:
            return None
        said = [f"slice {k + 1} holds nothing but {value} {where}" for k, (where, _, value) in odd[:_LISTED]]
        more = f" and {len(odd) - _LISTED} more" if len(odd) > _LISTED else ""
        return f"{', '.join(said)}{more}: it may not have been transferred as a whole, check the file or leave it out"

    def warn(self) -> None:
        """Tell it as a warning."""
        if text := self.told():
            warnings.warn(text, FocusFuseWarning, stacklevel=3)
