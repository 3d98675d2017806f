"""From the values of a stack to grey images in [0, 1]."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = [
    "GREY",
    "continued",
    "filled",
    "full_range",
    "luminance",
    "robust_range",
    "scaled",
    "training_grey",
    "typed",
    "without_specks",
    "without_void",
]

#: Weights of red, green and blue.
GREY = (0.2125, 0.7154, 0.0721)
_FAR = 1e6
#: So many times further away than anything around it, a pixel is wild; so many together in 5 x 5 are single ones.
_WILD, _FEW = 1e3, 4
#: Nothing ends abruptly if what is beside it is brighter than this share of the range, in the median.
_ABRUPT = 0.05

Floats = NDArray[np.floating[Any]]


def luminance(image: NDArray[Any]) -> Floats:
    """Grey image (Y, X) in the image's own units: .2125 R + .7154 G + .0721 B; alpha is left out.

    float32, or float64 where the type of the image holds more.
    """
    dtype = np.dtype(np.float64 if image.dtype.itemsize > 2 and image.dtype != np.float32 else np.float32)
    if image.ndim == 2:
        return np.asarray(image, dtype=dtype)
    grey: Floats = np.zeros(image.shape[:2], dtype=dtype)
    for channel, weight in enumerate(GREY):
        grey += image[..., channel].astype(dtype) * dtype.type(weight)
    return grey


def full_range(dtype: np.dtype[Any]) -> tuple[float, float]:
    """0 and the largest value of an integer type; 0 and 1 for floats and bool."""
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0.0, 1.0)


def robust_range(values: Floats) -> tuple[float, float]:
    """Percentiles .1 and 99.9 of the finite values; ``(0, 1)`` where there are none."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(finite, (0.1, 99.9))
    return float(low), float(high)


def scaled(grey: Floats, limits: tuple[float, float]) -> NDArray[np.float32]:
    """`grey` with `limits` brought to 0 and 1, a slice (Y, X) without its specks.

    What is a million times the range away is clipped, inf becomes NaN.
    """
    low, high = limits
    grey = without_specks(grey, limits) if grey.ndim == 2 else grey
    if high - low > float(np.finfo(grey.dtype).max):  # the difference of the largest numbers is none
        grey, low, high = grey / 2, low / 2, high / 2
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is taken as missing
        out = (grey - grey.dtype.type(low)) * grey.dtype.type(1 / (high - low) if high > low else 1.0)
    return np.asarray(np.where(np.isfinite(out), np.clip(out, -_FAR, _FAR), np.nan), dtype=np.float32)


def without_specks(grey: Floats, limits: tuple[float, float]) -> Floats:
    """`grey` (Y, X) with the median of those around in place of single pixels that no lens can have made.

    A dead pixel is not finite; a wild one is a thousand times as far from the `limits` as they are apart, and as far
    from all around it. One of them would decide, or keep from being decided, all that its slice shows for a hundred
    pixels around. What is more than a few together is left as it is.
    """
    low, high = limits
    beyond = np.float64(_WILD * (high - low if high > low else np.inf))
    if low - beyond <= float(grey.min(initial=low)) and float(grey.max(initial=high)) <= high + beyond:
        return grey
    odd = ~((grey >= low - beyond) & (grey <= high + beyond))
    crowd = odd.astype(np.uint8)
    for axis in (0, 1):
        crowd = ndimage.convolve1d(crowd, np.ones(5, np.uint8), axis, mode="mirror")
    y, x = np.nonzero(odd & (crowd <= _FEW))
    if not len(y):
        return grey
    beside = np.pad(np.where(odd, np.nan, grey), 2, constant_values=np.nan)
    around = np.stack([beside[y + dy, x + dx] for dy in range(5) for dx in range(5)], axis=-1)
    known = np.isfinite(around).any(axis=1)
    y, x, around = y[known], x[known], around[known]
    with np.errstate(invalid="ignore", over="ignore"):
        far = np.abs(grey[y, x] - low) > _WILD * np.nanmax(np.abs(around - low), axis=1, initial=0)
    lone = far | ~np.isfinite(grey[y, x])
    out = grey.copy()
    out[y[lone], x[lone]] = np.nanmedian(around[lone], axis=1)
    return out


def filled(grey: Floats) -> tuple[Floats, NDArray[np.bool_] | None]:
    """`grey` with the median in place of what is not finite, and where that was (None: nowhere)."""
    missing = ~np.isfinite(grey)
    if not missing.any():
        return grey, None
    median = grey.dtype.type(0 if missing.all() else np.median(grey[~missing]))
    return np.where(missing, median, grey), missing


def without_void(grey: Floats, limits: tuple[float, float]) -> Floats:
    """`grey` (Y, X) with NaN where there is nothing: whole lines of exact zeros at the frame that end abruptly.

    Registration leaves such borders, and an interrupted transfer. A dark ground ends in what is a little brighter.
    """
    low, high = limits
    out = grey
    for axis in (0, 1):
        for step in (1, -1):
            lines = _along(grey, axis, step)
            if lines[0].any():
                continue
            lit = (lines != 0).any(axis=1)
            count = int(lit.argmax())
            if lit.any() and np.median(lines[count]) >= low + _ABRUPT * (high - low):
                out = grey.copy() if out is grey else out
                _along(out, axis, step)[:count] = np.nan
    return out


def _along(grey: Floats, axis: int, step: int) -> Floats:
    """The lines of an image from one of its sides on."""
    return np.moveaxis(grey, axis, 0)[::step]


def continued(grey: Floats) -> tuple[Floats, NDArray[np.bool_] | None]:
    """`grey` (Y, X) with the nearest value in place of what is not finite, and where that was (None: nowhere)."""
    missing = ~np.isfinite(grey)
    if not missing.any() or missing.all():
        return filled(grey)
    y, x = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return grey[y, x], missing


def training_grey(image: NDArray[Any]) -> NDArray[np.float32]:
    """Any image (Y, X[, 3|4]) as grey in [0, 1]: 8 bit by 255, everything else by its robust range, clipped."""
    grey, _ = filled(luminance(image))
    limits = full_range(image.dtype) if image.dtype == np.uint8 else robust_range(grey)
    return scaled(grey, limits).clip(0, 1)


def typed(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Floats in another type, clipped to what it can hold; integers and bool are rounded."""
    if dtype.kind == "f":
        most = np.finfo(dtype).max
        return np.asarray(np.clip(values, -most, most), dtype=dtype)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    rounded = np.rint(values)
    # The largest 64-bit integers are no floats: they are put in afterwards.
    inside = (rounded > low) & (rounded < high)
    out = np.where(inside, rounded, 0).astype(dtype)
    out[rounded <= low], out[rounded >= high] = low, high
    return out
