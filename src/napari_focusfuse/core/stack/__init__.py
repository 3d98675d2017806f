"""The input: the stack, read slice by slice; its values, tiles, and workers in bounded memory stand beside.

Nothing here knows how sharp anything is.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.errors import FocusFuseWarning, StackError

__all__ = ["Stack"]


class Stack:
    """N slices of one scene.

    Parameters
    ----------
    data : array-like (Z, Y, X) or (Z, Y, X, 3|4), or a sequence of images of equal size
        numpy, dask, zarr or anything with ``shape``, ``dtype`` and indexing; any real dtype. Tensors of torch are taken
        as well. Where a masked array is masked a pixel is missing, which makes integers floats.
    axis : int
        The stack axis.
    rgb : bool, optional
        Whether the last axis holds RGB(A) samples. By default it does if there are four axes and the last has 3 or 4.
    z : sequence of N floats, optional
        Position of each slice, in any order and spacing; 0..N-1 if left out.

    Attributes
    ----------
    shape : (int, int)
        Height and width, px.
    channels : int
        0 for grey, 3 or 4 for RGB(A).
    dtype : numpy dtype
    z : (N,) float64
    order : (N,) int
        Slices by ascending z.

    Raises
    ------
    StackError
        What is given is not a focus stack; the message says why.
    """

    def __init__(self, data: Any, axis: int = 0, rgb: bool | None = None, z: Sequence[float] | None = None) -> None:
        self._data = _as_array(data)
        shape = tuple(int(n) for n in self._data.shape)
        self.channels = _channels(shape, rgb)
        axes = len(shape) - bool(self.channels)
        if axes != 3:
            kind = "an RGB focus stack has 4 axes" if self.channels else "a focus stack has 3 axes"
            raise StackError(f"{kind}, this array has {len(shape)} {shape}: choose one time point and channel")
        if axis not in range(-axes, axes):
            raise StackError(f"there is no stack axis {axis} in an array of shape {shape}: choose 0 to {axes - 1}")
        self._axis = axis % axes
        self.dtype = np.dtype(self._data.dtype)
        if self.dtype.kind not in "buif":
            raise StackError(f"images of type {self.dtype} cannot be fused: convert them to integers or floats")
        sides = [n for i, n in enumerate(shape[:axes]) if i != self._axis]
        self.shape = (sides[0], sides[1])
        self._check_size(shape[self._axis])
        self.z = _positions(z, shape[self._axis])
        self.order = np.argsort(self.z, kind="stable")

    def _check_size(self, slices: int) -> None:
        if slices < 2:
            raise StackError(f"a focus stack needs at least two slices, this one has {slices}: check the stack axis")
        if min(self.shape) < 1:
            raise StackError(f"the slices are empty ({self.shape[0]} x {self.shape[1]} px): check the stack axis")
        if slices > min(self.shape):
            warnings.warn(
                f"{slices} slices of {self.shape[0]} x {self.shape[1]} px: more slices than pixels along a side, "
                "check the stack axis",
                FocusFuseWarning,
                stacklevel=3,
            )

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, k: int) -> NDArray[Any]:
        """Slice number `k` as it was given, (Y, X) or (Y, X, C)."""
        return np.asarray(self._slice(k))

    def part(self, k: int, where: tuple[slice, slice]) -> NDArray[Any]:
        """Rows and columns of slice number `k`; of a lazy stack no more is read than its chunks ask for."""
        return np.asarray(self._slice(k)[where])

    def _slice(self, k: int) -> Any:
        where = (slice(None),) * self._axis + (int(k),)
        return self._data[where] if self._axis else self._data[int(k)]


#: Positions and their distances (in any unit of length) that single precision can take the square of.
_FARTHEST, _NEAREST = 1e12, 1e-12


class _Images(Sequence[Any]):
    """Images in a sequence, not copied together."""

    def __init__(self, images: Sequence[Any]) -> None:
        missing = any(map(_has_missing, images))
        self._images = [_plain(image, missing=missing) for image in images]
        if not self._images:
            raise StackError("there are no slices: give at least two images")
        first = self._images[0]
        for k, image in enumerate(self._images):
            if image.shape != first.shape:
                raise StackError(
                    f"slice {k} has the shape {tuple(image.shape)}, slice 0 has {tuple(first.shape)}: "
                    "all slices must be of one size"
                )
            if image.dtype != first.dtype:
                raise StackError(f"slice {k} is {image.dtype}, slice 0 is {first.dtype}: convert them to one type")
        self.shape = (len(self._images), *first.shape)
        self.dtype = first.dtype

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, k: Any) -> Any:
        return self._images[k] if isinstance(k, int) else np.stack(self._images)[k]


def _as_array(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return _Images(data)
    return _plain(data)


def _has_missing(data: Any) -> bool:
    return isinstance(data, np.ma.MaskedArray) and bool(np.ma.getmaskarray(data).any())


def _plain(data: Any, *, missing: bool = False) -> Any:
    """An array by numpy's types; if values are masked, or `missing` in another one, floats with NaN in their place."""
    try:
        if hasattr(data, "detach"):  # a tensor of torch
            return data.detach().cpu().numpy()
        if not hasattr(data, "shape") or not hasattr(data, "dtype"):
            data = np.asarray(data)
        np.dtype(data.dtype)
    except (TypeError, ValueError) as error:
        raise StackError(f"this is not an array of numbers ({error}): give a numpy array") from error
    if (missing or _has_missing(data)) and data.dtype.kind in "bui":
        data = data.astype(np.float32 if data.dtype.itemsize <= 2 else np.float64)
    return np.ma.filled(data, np.nan) if _has_missing(data) else data


def _channels(shape: tuple[int, ...], rgb: bool | None) -> int:
    if rgb is None:
        rgb = len(shape) == 4 and shape[-1] in (3, 4)
    if rgb and (not shape or shape[-1] not in (3, 4)):
        raise StackError(f"the last axis of an RGB stack holds 3 or 4 samples, this array has the shape {shape}")
    return shape[-1] if rgb else 0


def _positions(z: Sequence[float] | None, slices: int) -> NDArray[np.float64]:
    try:
        positions = np.arange(slices, dtype=np.float64) if z is None else np.asarray(z, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StackError("the z positions must be numbers: correct them or leave them out") from error
    if positions.shape != (slices,):
        raise StackError(f"z gives {positions.size} positions for {slices} slices: give one for each slice")
    if not np.isfinite(positions).all() or len(np.unique(positions)) != slices:
        raise StackError("the z positions must be different, finite numbers: correct them or leave them out")
    if np.abs(positions).max(initial=0) > _FARTHEST or np.diff(np.sort(positions)).min(initial=1) < _NEAREST:
        raise StackError(f"the z positions must lie within {_FARTHEST:g} of 0 and {_NEAREST:g} apart: give them in um")
    return positions
