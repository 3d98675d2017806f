"""Registration of one slice to another: what is compared, and the transform that fits.

The filters are linear on purpose. Defocus spreads each point evenly around its place, so that the plain correlation of
two linearly filtered images is largest where they coincide, however differently they are blurred. Local contrast
normalisation and robust weights can drag what is blurred along with the focus.

The first shift is that of the phase correlation (scikit-image). Gauss-Newton steps with a free gain and offset follow
(enhanced correlation, Evangelidis & Psarakis 2008, in the inverse compositional form of Baker & Matthews 2004: the
derivatives belong to the image that stays and are made once a level).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from napari_focusfuse.config import Kind
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.align.transforms import Matrix
from napari_focusfuse.core.stack.intensity import filled, luminance

__all__ = ["Look", "Pair", "View", "disagreement", "from_level", "look", "register", "shrinkings", "to_level"]

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


#: A step that moves nothing by more than some hundredths of a px of the level is the last.
_STEPS, _SMALL = 15, 0.02
#: Less common area than this tells nothing.
_LEAST_OVERLAP = 0.2
#: What is in focus in both slices counts by this power of its strength.
_POWER = 4
Floats = NDArray[np.float32]


class Pair(NamedTuple):
    """How one slice lies beside another.

    Attributes
    ----------
    matrix : (3, 3) float64
        From pixels of the first to pixels of the second.
    likeness : float
        Correlation under it, -1 to 1; 0 where the two do not overlap.
    """

    matrix: Matrix
    likeness: float


def register(first: Look, second: Look, kind: Kind, guess: Matrix | None = None) -> Pair:
    """Find how `second` lies beside `first`; with a `guess` on the finest level alone."""
    pairs = list(zip(first.views, second.views, strict=True))
    if guess is None:
        fixed, moving = pairs[0]
        shift = phase_cross_correlation(fixed.image, moving.image, upsample_factor=4, normalization=None)[0]
        found = np.eye(3)
        found[:2, 2] = -fixed.shrunk * np.asarray(shift, np.float64)[::-1]
    else:
        pairs, found = pairs[-1:], guess
    likeness = 0.0
    for fixed, moving in pairs:
        near, likeness = _climb(fixed.image, moving.spline, to_level(found, fixed.shrunk), kind)
        found = from_level(near, fixed.shrunk)
    return Pair(found, likeness)


def _climb(fixed: Image, spline: Image, matrix: Matrix, kind: Kind) -> tuple[Matrix, float]:
    derivatives = _derivatives(fixed, kind)
    likeness = 0.0
    for _ in range(_STEPS):
        moved, inside = _read(spline, matrix)
        if inside.mean() < _LEAST_OVERLAP:
            return matrix, 0.0
        still, seen = fixed[inside], moved[inside]
        still, seen = still - still.mean(), seen - seen.mean()
        power = float(seen @ seen), float(still @ still)
        common = float(still @ seen)
        if min(power) <= 0 or common <= 0:
            return matrix, 0.0
        likeness = common / np.sqrt(power[0] * power[1])
        here = derivatives[inside.ravel()]
        step = _solved(here.T @ here, here.T @ (common / power[0] * seen - still))
        matrix = matrix @ np.linalg.inv(_increment(step, fixed.shape))
        if np.abs(step).max() < _SMALL:
            break
    return matrix, likeness


def disagreement(first: Look, second: Look, matrix: Matrix) -> float:
    """Mean square difference of what is in focus in both slices, in units of its own strength; NaN if nothing is."""
    weight, off = _sharp_difference(first, second, to_level(matrix, first.views[-1].shrunk))
    total = float(weight.sum())
    return float((weight * off * off).sum()) / total if total > 0 else float("nan")


def _sharp_difference(first: Look, second: Look, matrix: Matrix) -> tuple[Floats, Floats]:
    inside = _inside(first.sharp.shape, matrix)
    there = [second.sharp, second.strength]
    if not np.array_equal(matrix, np.eye(3)):
        there = [_linear(image, matrix) for image in there]
    strength = np.where(inside, np.minimum(first.strength, there[1]), 0)
    weight = (strength / max(float(strength.max()), np.finfo(np.float32).tiny)) ** _POWER
    return weight, np.where(inside, there[0] - first.sharp, 0)


def _derivatives(image: Image, kind: Kind) -> Floats:
    """(pixels, 2 | 4 | 6): how the image changes with each parameter of a small motion about its centre."""
    dy, dx = (np.asarray(part, np.float32) for part in np.gradient(image))
    height, width = image.shape
    reach = max(height, width) / 2
    y = ((np.arange(height, dtype=np.float32) - (height - 1) / 2) / reach)[:, None]
    x = ((np.arange(width, dtype=np.float32) - (width - 1) / 2) / reach)[None]
    parts: dict[str, Callable[[], list[Floats]]] = {
        "translation": lambda: [dx, dy],
        "similarity": lambda: [dx, dy, dx * x + dy * y, dy * x - dx * y],
        "affine": lambda: [dx, dy, dx * x, dx * y, dy * x, dy * y],
    }
    return np.stack([part.ravel() for part in parts[kind]()], axis=1)


def _increment(step: Matrix, shape: tuple[int, ...]) -> Matrix:
    """The small motion about the centre that has these parameters."""
    height, width = shape
    linear = np.zeros((2, 2))
    if len(step) == 4:
        linear[:] = [[step[2], -step[3]], [step[3], step[2]]]
    elif len(step) == 6:
        linear[:] = step[2:].reshape(2, 2)
    linear /= max(height, width) / 2
    matrix = np.eye(3)
    matrix[:2, :2] += linear
    matrix[:2, 2] = step[:2] - linear @ ((width - 1) / 2, (height - 1) / 2)
    return matrix


def _solved(normal: NDArray[np.floating], right: NDArray[np.floating]) -> Matrix:
    return np.asarray(np.linalg.lstsq(normal.astype(np.float64), right.astype(np.float64), rcond=1e-9)[0])


def _read(spline: Image, matrix: Matrix) -> tuple[Image, NDArray[np.bool_]]:
    """An image where `matrix` says its pixels are, and where there is one."""
    inner, offset = matrix[:2, :2][::-1, ::-1], matrix[:2, 2][::-1]
    moved = ndimage.affine_transform(spline, inner, offset, order=3, prefilter=False, mode="mirror", output=np.float32)
    return moved, _inside(spline.shape, matrix)


def _linear(image: Image, matrix: Matrix) -> Image:
    inner, offset = matrix[:2, :2][::-1, ::-1], matrix[:2, 2][::-1]
    return np.asarray(ndimage.affine_transform(image, inner, offset, order=1, output=np.float32))


def _inside(shape: tuple[int, ...], matrix: Matrix) -> NDArray[np.bool_]:
    """Which pixels have their place in the other image, a pixel from its edge."""
    height, width = shape
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    (a, b, c), (d, e, f) = matrix[:2]
    across, down = a * x + b * y + c, d * x + e * y + f
    return np.asarray((across >= 1) & (across <= width - 2) & (down >= 1) & (down <= height - 2))
