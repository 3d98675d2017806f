"""What registration sees of a slice: small images, coarse to fine, without slow shades and finest grain.

The filters are linear on purpose. Defocus spreads each point evenly around its place, so that the plain correlation of
two linearly filtered images is largest where they coincide, however differently they are blurred. Local contrast
normalisation and robust weights can drag what is blurred along with the focus.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.align._transforms import Matrix
from napari_focusfuse.core.stack.intensity import filled, luminance

__all__ = ["Look", "View", "from_level", "look", "shrinkings", "to_level"]

Image = NDArray[np.float32]
#: Longest side of the finest small image, px, as far as pixels need be joined no more than `_COARSE` a side.
_SIDE, _COARSE = 320, 4
#: Steps from fine to coarse, and the shortest side of the coarsest image.
_LEVELS, _SHORTEST = 3, 40
#: Standard deviations (px of the level) between which structure counts; the same for sharp structure, and its window.
_FINE, _SLOW = 1.0, 6.0
_SHARP, _LESS_SHARP, _AROUND = 0.7, 1.4, 6.0
#: Share of pixels that show noise alone, in percent.
_NOISE = 5
#: Values that are so many octaves from 1 are brought near to it: squares of float32 reach no further.
_OCTAVES = 64


@dataclass(frozen=True, eq=False)
class View:
    """A slice on one level.

    Attributes
    ----------
    shrunk : int
        Pixels of the slice along a side of a pixel.
    image : (Y, X) float32
    spline : (Y, X) float32
        Its coefficients, to read it between the pixels.
    """

    shrunk: int
    image: Image
    spline: Image


@dataclass(frozen=True, eq=False)
class Look:
    """A slice as registration sees it.

    Attributes
    ----------
    views : list of View
        Coarse to fine.
    sharp, strength : (Y, X) float32
        On the finest level: the finest structure in units of its local strength, and that strength above noise.
    flat : bool
        Nothing is to be seen.
    """

    views: Sequence[View]
    sharp: Image
    strength: Image
    flat: bool


def shrinkings(shape: tuple[int, int]) -> list[int]:
    """By how much slices of that shape are shrunk, coarse to fine."""
    finest = 1
    while max(shape) / finest > _SIDE and finest < _COARSE:
        finest *= 2
    return [s for s in (finest * 2**k for k in reversed(range(_LEVELS))) if s == finest or min(shape) // s >= _SHORTEST]


def look(image: NDArray[Any]) -> Look:
    """Look at a slice (Y, X) or (Y, X, C)."""
    given = filled(luminance(image))[0]
    octaves = math.frexp(float(np.abs(given).max()))[1]
    grey = np.ldexp(given, -_OCTAVES * round(octaves / _OCTAVES)).astype(np.float32)
    largest = float(np.abs(grey).max())
    grey -= grey.mean()
    views = []
    for shrunk in shrinkings((grey.shape[0], grey.shape[1])):
        small = _joined(grey, shrunk)
        seen = ndimage.gaussian_filter(small, _FINE) - ndimage.gaussian_filter(small, _SLOW)
        views.append(View(shrunk, seen, ndimage.spline_filter(seen, output=np.float32)))
    fine = ndimage.gaussian_filter(small, _SHARP) - ndimage.gaussian_filter(small, _LESS_SHARP)
    around = np.sqrt(np.maximum(ndimage.gaussian_filter(fine * fine, _AROUND), 0))
    strength = np.maximum(around - np.percentile(around, _NOISE), 0).astype(np.float32)
    flat = float(seen.std()) <= 1e-6 * max(largest, 1e-12)
    return Look(views, fine / np.maximum(around, np.finfo(np.float32).tiny), strength, flat)


def _joined(grey: Image, shrunk: int) -> Image:
    """Means of blocks; what is left over at the right and below is not used."""
    rows, columns = grey.shape[0] // shrunk, grey.shape[1] // shrunk
    blocks = grey[: rows * shrunk, : columns * shrunk].reshape(rows, shrunk, columns, shrunk)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def to_level(matrix: Matrix, shrunk: int) -> Matrix:
    """A transform between pixels of slices as one between pixels of a level."""
    grown = _grown(shrunk)
    return np.asarray(np.linalg.inv(grown) @ matrix @ grown)


def from_level(matrix: Matrix, shrunk: int) -> Matrix:
    """A transform between pixels of a level as one between pixels of slices."""
    grown = _grown(shrunk)
    return np.asarray(grown @ matrix @ np.linalg.inv(grown))


def _grown(shrunk: int) -> Matrix:
    centre = (shrunk - 1) / 2
    return np.array([[shrunk, 0, centre], [0, shrunk, centre], [0, 0, 1]], dtype=np.float64)
