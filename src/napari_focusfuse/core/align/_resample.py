"""Slices read where they lie.

Cubic splines keep the sharpness of a slice, which linear interpolation would lower by a different amount at each
sub-pixel shift, and with it the activity that slices are compared by. A spline swings beyond the values at sharp edges:
results are clipped to the range of the slice itself. Integers are rounded.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.align._transforms import Matrix, Transforms
from napari_focusfuse.core.stack.intensity import filled, typed
from napari_focusfuse.errors import StackError

__all__ = ["Crop", "inside", "resampled", "valid_area"]

Crop = tuple[int, int, int, int]
_LEAST = 8
#: Coordinates beyond the edge by no more than rounding are on it, px.
_ROUNDING = 1e-6


def inside(matrix: Matrix, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(Y, X): which pixels of the reference the slice shows."""
    y, x = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    (a, b, c), (d, e, f) = matrix[:2]
    across, down = a * x + b * y + c, d * x + e * y + f
    within_x = (across >= -_ROUNDING) & (across <= shape[1] - 1 + _ROUNDING)
    return np.asarray(within_x & (down >= -_ROUNDING) & (down <= shape[0] - 1 + _ROUNDING))


def valid_area(transforms: Transforms) -> Crop:
    """(y0, y1, x0, x1): a large rectangle of the reference that all slices show.

    Raises
    ------
    StackError
        There is hardly any.
    """
    common = np.ones(transforms.shape, dtype=bool)
    for matrix in transforms.matrices[transforms.moved]:
        common &= inside(matrix, transforms.shape)
    y0, y1, x0, x1 = 0, common.shape[0], 0, common.shape[1]
    while y1 - y0 >= _LEAST and x1 - x0 >= _LEAST:
        part = common[y0:y1, x0:x1]
        shares = [part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()]
        worst = int(np.argmin(shares))
        if shares[worst] == 1:
            return y0, y1, x0, x1
        y0, y1, x0, x1 = y0 + (worst == 0), y1 - (worst == 1), x0 + (worst == 2), x1 - (worst == 3)
    raise StackError("the slices have hardly any area in common: leave out those that lie far off, or fill with NaN")


def resampled(image: NDArray[Any], matrix: Matrix, crop: Crop, *, nan: bool = False) -> NDArray[Any]:
    """A slice as the reference would show it.

    Parameters
    ----------
    image : (Y, X) or (Y, X, C) array
    matrix : (3, 3) float64
        From pixels of the reference to those of the slice.
    crop : (y0, y1, x0, x1)
        The part of the reference that is wanted.
    nan : bool
        Floats with NaN where the slice shows nothing; otherwise the type of `image`, and the nearest pixels there.
    """
    y0, y1, x0, x1 = crop
    dtype = nan_type(image.dtype) if nan else image.dtype
    if np.array_equal(matrix, np.eye(3)):
        return np.asarray(image[y0:y1, x0:x1], dtype=dtype)
    channels = image[..., None] if image.ndim == 2 else image
    out = np.stack([_read(channels[..., c], matrix, crop) for c in range(channels.shape[-1])], axis=-1)
    out = typed(out, dtype)
    if nan:
        out[~inside(matrix, (image.shape[0], image.shape[1]))[y0:y1, x0:x1]] = np.nan
    return out[..., 0] if image.ndim == 2 else out


def nan_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The float type that holds values of `dtype` and NaN."""
    if dtype.kind == "f":
        return dtype
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _read(channel: NDArray[Any], matrix: Matrix, crop: Crop) -> NDArray[np.floating[Any]]:
    """Values by cubic splines, in the range of the channel; what is not finite stays so."""
    dtype = np.float64 if channel.dtype.itemsize > 4 or channel.dtype.kind in "iu" else np.float32
    values, missing = filled(channel.astype(dtype))
    y0, y1, x0, x1 = crop
    inner, shape = matrix[:2, :2][::-1, ::-1], (y1 - y0, x1 - x0)
    offset = inner @ (y0, x0) + matrix[:2, 2][::-1]
    out = ndimage.affine_transform(values, inner, offset, output_shape=shape, order=3, mode="nearest", output=dtype)
    np.clip(out, values.min(), values.max(), out=out)
    if missing is not None:
        gone = ndimage.affine_transform(missing.astype(np.float32), inner, offset, output_shape=shape, order=1)
        out[gone > 0] = np.nan
    return np.asarray(out)
