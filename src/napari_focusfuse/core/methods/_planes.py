"""What the methods that make no decision share: slices as planes of floats, and the way back to the stack's type."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.stack.intensity import typed
from napari_focusfuse.core.stack.stack import Stack

__all__ = ["Planes"]

#: Numbers that sums and ratios of coefficients may not be able to exceed, and what they are multiplied by.
_LARGE, _SHARE = 1e280, 2.0**-200


class Planes:
    """The slices of a stack as float planes, and the fused image from such planes.

    Pixels that are not finite take the value of the nearest finite one; they are NaN in the fused image only where no
    slice has a finite value. The alpha of RGBA is the largest of all slices.

    Parameters
    ----------
    stack : Stack
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kind = np.float32 if stack.dtype.itemsize <= 2 else np.float64
        self._share = _share(stack) if stack.dtype.kind == "f" and stack.dtype.itemsize == 8 else 1.0
        self._seen = np.zeros(stack.shape, dtype=bool) if stack.dtype.kind == "f" else None
        self._alpha = np.zeros(stack.shape, dtype=stack.dtype) if stack.channels == 4 else None
        self.shape = (min(stack.channels, 3) or 1, *stack.shape)

    def take(self, k: int) -> NDArray[Any] | None:
        """Slice `k` as planes (C, Y, X), float32 or float64; None if nothing in it is finite."""
        image = self._stack[k]
        if self._alpha is not None:
            np.maximum(self._alpha, image[..., 3], out=self._alpha)
        planes = np.moveaxis(image[..., :3], 2, 0) if image.ndim == 3 else image[None]
        planes = np.ascontiguousarray(planes, dtype=self._kind)
        if self._share != 1:
            planes = planes * self._share
        if self._seen is None:
            return planes
        finite = np.asarray(np.isfinite(planes).all(axis=0))
        self._seen |= finite
        if finite.all():
            return planes
        return _filled(planes, ~finite) if finite.any() else None

    def image(self, planes: NDArray[Any]) -> NDArray[Any]:
        """The fused image (Y, X[, C]) of planes (C, Y, X), in the type of the stack; integers rounded and clipped."""
        if self._seen is not None:
            planes = np.where(self._seen, planes, np.nan)
        if self._share != 1:
            most = np.finfo(np.float64).max * self._share
            planes = planes.clip(-most, most) / self._share
        image = typed(planes, self._stack.dtype)
        if not self._stack.channels:
            return np.asarray(image[0])
        colour = np.moveaxis(image, 0, 2)
        return np.ascontiguousarray(colour if self._alpha is None else np.dstack([colour, self._alpha]))


def _share(stack: Stack) -> float:
    """A power of 2 that brings numbers near the largest to where sums and ratios of them are numbers; otherwise 1."""
    largest = max(float(np.abs(stack[k]).max(initial=0, where=np.isfinite(stack[k]))) for k in range(len(stack)))
    return _SHARE if largest > _LARGE else 1.0


def _filled(planes: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(planes[:, *nearest])
