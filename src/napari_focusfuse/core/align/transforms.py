"""Transforms of slices, their file, and slices resampled by them.

Cubic splines keep the sharpness of a slice, which linear interpolation would lower by a different amount at each
sub-pixel shift, and with it the activity that slices are compared by. A spline swings beyond the values at sharp edges:
results are clipped to the range of the slice itself. Integers are rounded.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import Kind
from napari_focusfuse.core.files import write_whole
from napari_focusfuse.core.files.checked import (
    MismatchError,
    anything,
    entries,
    flag,
    listed,
    mapped,
    number,
    read_json,
    text,
    whole,
)
from napari_focusfuse.core.stack.intensity import filled, typed
from napari_focusfuse.errors import FocusFuseError, StackError

__all__ = ["Crop", "Matrix", "Motions", "Transforms", "inside", "load_transforms", "resampled", "valid_area"]

Matrix = NDArray[np.float64]
_FORMAT = "napari-focusfuse transforms"
#: Numbers of a matrix that can map one image to another (px), pixels of a side, and slices.
_FAR, _SIDE, _SLICES = 1e7, 2**31 - 1, 100_000
_FLAT = 1e-6
_STATED = entries(
    {
        "format": text(_FORMAT),
        "kind": text(*get_args(Kind)),
        "reference": whole(0),
        "shape": listed(whole(1, _SIDE), 2, 2),
        "measured": listed(flag, 1, _SLICES),
        "matrices": listed(listed(listed(number(-_FAR, _FAR), 3, 3), 3, 3), 1, _SLICES),
        "info": mapped(anything),
    }
)


@dataclass(frozen=True, eq=False)
class Motions:
    """How slices moved, beside the reference; each (N,) float64.

    Attributes
    ----------
    dx, dy : array
        Shift of the centre of the image, px.
    rotation : array
        Degrees, from x to y: clockwise on the screen.
    scale : array
        1 for the reference.
    """

    dx: Matrix
    dy: Matrix
    rotation: Matrix
    scale: Matrix


@dataclass(frozen=True, eq=False)
class Transforms:
    """Registration of the slices of a stack.

    Attributes
    ----------
    matrices : (N, 3, 3) float64
        ``matrices[k] @ (x, y, 1)`` is the position in slice `k` of the point at column x and row y of the reference.
        Pixel centres have whole coordinates, (0, 0) is the first pixel.
    shape : (int, int)
        Height and width of the slices, px.
    reference : int
        The slice that is not moved; its matrix is the identity.
    kind : str
        What was allowed to differ, see `AlignConfig.kind`.
    measured : (N,) bool
        False where a slice could not be measured; it has the transform that its neighbours suggest.
    info : mapping
        What made them, in JSON types.
    """

    matrices: Matrix
    shape: tuple[int, int]
    reference: int
    kind: str
    measured: NDArray[np.bool_]
    info: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def moved(self) -> NDArray[np.bool_]:
        """(N,): which slices have another place than the reference."""
        return np.asarray((self.matrices != np.eye(3)).any(axis=(1, 2)))

    def largest(self) -> Matrix:
        """(N,) float64: the largest displacement of each slice, px (in a corner of the image)."""
        height, width = self.shape
        corners = np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]], np.float64)
        shifts = (self.matrices @ corners - corners)[:, :2]
        return np.asarray(np.hypot(shifts[:, 0], shifts[:, 1]).max(axis=1))

    def displacement(self, k: int) -> Matrix:
        """(2, Y, X) float64: how far along x and y each pixel of the reference has moved in slice `k`, px."""
        y, x = np.mgrid[: self.shape[0], : self.shape[1]].astype(np.float64)
        (a, b, c), (d, e, f) = self.matrices[k][:2]
        return np.stack([a * x + b * y + c - x, d * x + e * y + f - y])

    def motions(self) -> Motions:
        """Shift, rotation and scale of each slice."""
        centre = np.array([(self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2, 1.0])
        shift = (self.matrices @ centre)[:, :2] - centre[:2]
        linear = self.matrices[:, :2, :2]
        turn = np.arctan2(linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1])
        scale = np.sqrt(np.abs(np.linalg.det(linear)))
        return Motions(shift[:, 0], shift[:, 1], np.rad2deg(turn), scale)

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON types; `from_json` reads it."""
        return {
            "format": _FORMAT,
            "maps": "(x, y, 1) of the reference to (x, y, 1) of the slice, px",
            "kind": self.kind,
            "reference": self.reference,
            "shape": list(self.shape),
            "measured": self.measured.tolist(),
            "matrices": self.matrices.tolist(),
            "info": dict(self.info),
        }

    def as_text(self) -> str:
        """What `save` writes."""
        return json.dumps(self.as_json(), indent=1, allow_nan=False) + "\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the transforms as JSON, complete or not at all; `load_transforms` reads them.

        Raises
        ------
        OutputError
            The disk refuses.
        """
        path, text = Path(path), self.as_text()
        write_whole(path, lambda part: part.write_text(text, encoding="utf-8"), overwrite=True, parents=False)
        return path

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Transforms":
        """The transforms that `as_json` wrote; `MismatchError` if it is something else."""
        _STATED(found, "the file")
        matrices = np.array(found["matrices"], dtype=np.float64)
        height, width = found["shape"]
        measured = np.array(found["measured"], dtype=bool)
        reference, count = found["reference"], len(matrices)
        if measured.shape != (count,) or reference >= count:
            raise MismatchError(f"it has {count} matrices, and other things for another number of slices")
        if (matrices[:, 2] != (0, 0, 1)).any() or (np.abs(np.linalg.det(matrices)) < _FLAT).any():
            raise MismatchError("its matrices map no image to another")
        return cls(matrices, (height, width), reference, found["kind"], measured, dict(found["info"]))


def load_transforms(path: str | os.PathLike[str]) -> Transforms:
    """Read transforms that `Transforms.save` wrote.

    Raises
    ------
    FocusFuseError
        The file is missing or contains no transforms.
    """
    try:
        return Transforms.from_json(read_json(Path(path)))
    except OSError as error:
        raise FocusFuseError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise FocusFuseError(f"{path} contains no transforms ({error}): give a file that an alignment saved") from error


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
    raise StackError("the slices have hardly any area in common: leave out those that are far off, or fill with NaN")


def resampled(image: NDArray[Any], matrix: Matrix, crop: Crop, *, nan: bool = False) -> NDArray[Any]:
    """A slice resampled to the reference.

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
