"""Equal brightness of the slices before fusing, and detection of empty slices.

One factor a slice. Defocus moves light to neighbouring pixels and keeps the mean of a larger block: the factor is the
median, over blocks, of how much brighter the block is in the middle of all slices. A shadow or an empty border has its
own blocks and does not count. That holds where all slices show all of the light, in reflection and transmission; an
optical section shows only its own, and is left as it is by not asking for this.
"""

import warnings
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import luminance, typed
from napari_focusfuse.errors import FocusFuseWarning, StackError

__all__ = ["Equalised", "Watched", "as_fused", "blank_part", "iter_factors"]

#: Share of a slice that is empty by accident, and of the slices: what most have is how they were made.
_LEAST, _MOST_BLANK = 0.05, 0.25
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
        if not 0 < len(odd) <= max(1, _MOST_BLANK * len(self)) or len(self) < 3:
            return None
        said = [f"slice {k} contains only {value} {where}" for k, (where, _, value) in odd[:_LISTED]]
        more = f" and {len(odd) - _LISTED} more" if len(odd) > _LISTED else ""
        return f"{', '.join(said)}{more}: it may not have been transferred completely, check the file or leave it out"

    def warn(self) -> None:
        """Tell it as a warning."""
        if text := self.told():
            warnings.warn(text, FocusFuseWarning, stacklevel=3)


#: Blocks along the longer side, and the largest factor: a slice that is darker than that has lost its light.
_BLOCKS, _MOST = 16, 4.0


def iter_factors(stack: Stack) -> Generator[Progress, None, NDArray[np.float64]]:
    """What each slice is to be multiplied by.

    Returns
    -------
    (N,) array
        1 where it cannot be measured.
    """
    means = []
    for k in range(len(stack)):
        yield Progress(k, len(stack), f"brightness of slice {k + 1} of {len(stack)}")
        means.append(_means(luminance(stack[k])))
    blocks = np.stack(means)
    lit = np.where(blocks > 0, blocks, np.nan)  # what is missing stays so
    lit = lit[:, np.isfinite(lit).any(axis=0)]
    told = np.isfinite(lit).any(axis=1)
    factors = np.ones(len(blocks))
    if told.any():
        factors[told] = np.nanmedian(np.nanmedian(lit, axis=0) / lit[told], axis=1)
    return np.clip(factors, 1 / _MOST, _MOST)


def _means(grey: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Means of equal square blocks, NaN where a value is missing."""
    side = max(1, max(grey.shape) // _BLOCKS)
    rows, columns = max(grey.shape[0] // side, 1), max(grey.shape[1] // side, 1)
    part = grey[: rows * side, : columns * side]
    height, width = part.shape[0] // rows, part.shape[1] // columns
    return np.asarray(part.reshape(rows, height, columns, width).mean(axis=(1, 3), dtype=np.float64)).ravel()


class Equalised(Watched):
    """A stack whose slices are multiplied by a factor each; see `Stack`.

    Parameters
    ----------
    *args, **options
        As for `Stack`.
    factors : sequence of N floats
        Values are rounded and held within the type of the stack; alpha stays.

    Raises
    ------
    StackError
        There are not as many factors as slices, or the stack is of bool.
    """

    def __init__(self, *args: Any, factors: Sequence[float], **options: Any) -> None:
        super().__init__(*args, **options)
        if len(factors) != len(self) or not (np.isfinite(factors).all() and min(factors) > 0):
            raise StackError(f"{len(factors)} factors for {len(self)} slices: give one greater than 0 for each")
        if self.dtype.kind == "b":
            raise StackError("slices of bool have no brightness that could be equalised")
        self._factors = [float(factor) for factor in factors]

    def __getitem__(self, k: int) -> NDArray[Any]:
        return self._scaled(k, super().__getitem__(k))

    def part(self, k: int, where: tuple[slice, slice]) -> NDArray[Any]:
        """Rows and columns of slice number `k`."""
        return self._scaled(k, super().part(k, where))

    def _scaled(self, k: int, values: NDArray[Any]) -> NDArray[Any]:
        factor = self._factors[int(k)]
        if factor == 1:
            return values
        if self.channels == 4:
            return np.concatenate([typed(values[..., :3] * factor, self.dtype), values[..., 3:]], axis=-1)
        return np.asarray(typed(values * factor, self.dtype))


def as_fused(info: Mapping[str, Any], data: Any, axis: int, rgb: bool, z: Sequence[float] | None = None) -> Stack:
    """The stack as a result was fused from it, by what the result says of itself; see `Stack`."""
    if info.get("equalised") is None:
        return Stack(data, axis, rgb, z)
    return Equalised(data, axis, rgb, z, factors=info["equalised"])
