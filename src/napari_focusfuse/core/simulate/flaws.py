"""What spoils a real stack between the specimen and the camera, and such flaws drawn as real stacks have them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import Flaws
from napari_focusfuse.core._types import Image
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "Motion",
    "drawn_flaws",
    "glints",
    "haze",
    "movement",
    "rows_missing",
    "window",
    "with_highlights",
    "with_motion",
]

#: Radius (px) of glints, and their brightness in full scales.
_GLINT, _GLARE = 2.5, 4.0
#: What stays of the specimen in its haze, px of standard deviation for each pixel of the shorter side.
_HAZE_BLUR = 1 / 6


@dataclass(frozen=True, eq=False)
class Motion:
    """How slices lie and how bright they are beside the middle one.

    Attributes
    ----------
    shift : (Z, 2) float64
        (y, x) in px: what lies at c + p in the truth, c its centre, is at c + magnification p + shift in the slice.
    magnification, brightness, rows : (Z,) float64
        The last is the brightness of every second row beside that of the others.
    """

    shift: NDArray[np.float64]
    magnification: NDArray[np.float64]
    brightness: NDArray[np.float64]
    rows: NDArray[np.float64]


def movement(flaws: Flaws, slices: int, rng: np.random.Generator) -> Motion:
    """Draw how slices lie; the middle one lies as the truth does.

    Raises
    ------
    FocusFuseError
        The magnification leaves 1/2 to 2 within the stack.
    """
    middle = slices // 2
    walk, lamp = np.cumsum(rng.standard_normal((slices, 2)), axis=0), rng.standard_normal(slices)
    magnification = 1 + flaws.magnification * (np.arange(slices, dtype=np.float64) - middle)
    if magnification.min() < 0.5 or magnification.max() > 2:
        raise FocusFuseError(
            f"a magnification that changes by {flaws.magnification:g} a slice reaches {magnification.min():.3g} to "
            f"{magnification.max():.3g} in {slices} slices, and .5 to 2 is possible: give a smaller change"
        )
    lit = np.exp(flaws.flicker * (lamp - lamp[middle])) * _exposures(flaws.exposure, slices, rng)
    rows = 1 + flaws.interlaced * ((np.arange(slices) - middle) % 2).astype(np.float64)
    return Motion(flaws.drift * (walk - walk[middle]), magnification, lit, rows)


def _exposures(change: float, slices: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brightness that jumps at one slice, beside that of the middle one."""
    if not change:
        return np.ones(slices)
    later = np.arange(slices) >= rng.integers(1, slices)
    return np.asarray(np.exp(rng.choice([-change, change]) * (later.astype(np.float64) - later[slices // 2])))


def with_motion(image: Image, motion: Motion, k: int) -> Image:
    """Slice `k` as it lies and shines; by cubic splines, only where it moves."""
    shift, scale = motion.shift[k], motion.magnification[k]
    if shift.any() or scale != 1:
        centre = (np.array(image.shape) - 1) / 2
        offset = centre - (centre + shift) / scale
        image = ndimage.affine_transform(image, np.full(2, 1 / scale), offset, order=3, mode="mirror")
    lit = np.asarray(np.maximum(image, 0) * motion.brightness[k], dtype=np.float32)
    if motion.rows[k] != 1:
        lit[1::2] *= np.float32(motion.rows[k])
    return lit


def with_highlights(drawn: Image, share: float, rng: np.random.Generator) -> Image:
    """The specimen with round glints over about `share` of its area."""
    centres = rng.random(drawn.shape) < share / (np.pi * _GLINT**2)
    if not centres.any():
        return drawn
    inside = ndimage.distance_transform_edt(~centres) < _GLINT
    return np.where(inside, np.float32(_GLARE), drawn)


def glints(flaws: Flaws, shape: tuple[int, int, int], rng: np.random.Generator) -> Image:
    """Light (Z, Y, X) of highlights that move from slice to slice, each its own way."""
    slices, *field = shape
    out = np.zeros(shape, np.float32)
    count = int(rng.poisson(flaws.glints * field[0] * field[1] / (np.pi * _GLINT**2))) if flaws.glints else 0
    start, way = rng.uniform((0, 0), field, (count, 2)), rng.normal(0, 1, (count, 2))
    for k, image in enumerate(out):
        y, x = np.moveaxis(start + way * (k - slices // 2), -1, 0).round().astype(int)
        there = (y >= 0) & (y < field[0]) & (x >= 0) & (x < field[1])
        image[y[there], x[there]] = _GLARE * np.pi * _GLINT**2 / 2
        image[:] = ndimage.gaussian_filter(image, _GLINT / 2, mode="constant")
    return out


def rows_missing(flaws: Flaws, slices: int, height: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(Z, Y): rows that one slice each lacks."""
    out = np.zeros((slices, height), np.bool_)
    out[rng.integers(slices, size=flaws.missing), rng.integers(height, size=flaws.missing)] = True
    return out


def haze(sharp: Image, share: float) -> Image:
    """Light from elsewhere in the specimen."""
    veil: Image = np.float32(share) * ndimage.gaussian_filter(sharp, _HAZE_BLUR * min(sharp.shape), mode="reflect")
    return veil


def window(flaws: Flaws, shape: tuple[int, int], rng: np.random.Generator) -> Image:
    """What the illumination and the camera's window let through at each pixel: shading, dust, scratches."""
    y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij")
    light = 1 - flaws.shading * ((2 * y / shape[0] - 1) ** 2 + (2 * x / shape[1] - 1) ** 2) / 2
    for _ in range(flaws.dust):
        radius, distance = rng.uniform(0.7, 3), np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1]))
        light = light * (1 - rng.uniform(0.3, 0.8) * np.clip(radius + 0.5 - distance, 0, 1))
    for _ in range(flaws.scratches):
        angle, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.3) * max(shape)
        y0, x0 = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        along = (y - y0) * np.sin(angle) + (x - x0) * np.cos(angle)
        across = (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)
        line = np.clip(1.2 - np.abs(across), 0, 1) * (np.abs(along) < length / 2)
        light = light * (1 - rng.uniform(0.2, 0.6) * line)
    return np.asarray(light, dtype=np.float32)


def drawn_flaws(rng: np.random.Generator) -> Flaws:
    """Draw random flaws of a stack; half of the stacks are misregistered, about one in six has no flaw but noise.

    Parameters
    ----------
    rng : Generator

    Returns
    -------
    Flaws

    Examples
    --------
    >>> import numpy as np
    >>> import napari_focusfuse as ff
    >>> from napari_focusfuse.core.simulate import drawn_flaws
    >>> flaws = drawn_flaws(np.random.default_rng(0))
    >>> ff.simulate((64, 64), 4, flaws=flaws).stack.shape
    (4, 64, 64)
    """
    if rng.random() < 0.15:
        return Flaws()
    return Flaws(
        drift=_maybe(rng, 0.5, 0.1, 1),
        magnification=_maybe(rng, 0.3, 0.0003, 0.003) * float(rng.choice([-1, 1])),
        flicker=_maybe(rng, 0.3, 0.003, 0.03),
        exposure=_maybe(rng, 0.1, 0.03, 0.3),
        interlaced=_maybe(rng, 0.08, 0.01, 0.1),
        glints=_maybe(rng, 0.1, 0.0005, 0.005),
        highlights=_maybe(rng, 0.1, 0.0005, 0.01),
        shading=_maybe(rng, 0.3, 0.05, 0.4),
        haze=_maybe(rng, 0.15, 0.03, 0.3),
        dust=_some(rng, 0.15, 1, 8),
        scratches=_some(rng, 0.05, 1, 3),
        missing=_some(rng, 0.05, 1, 3),
        uneven_noise=_maybe(rng, 0.3, 0.2, 1),
        mosaic=bool(rng.random() < 0.15),
        denoised=_maybe(rng, 0.2, 0.004, 0.03),
        sharpened=_maybe(rng, 0.2, 0.3, 2),
        gamma=1 / (1 + _maybe(rng, 0.3, 0.2, 1.2)),
        jpeg=_some(rng, 0.3, 70, 95),
    )


def _maybe(rng: np.random.Generator, share: float, low: float, high: float) -> float:
    """0, or for a share of stacks a number whose logarithm is uniform."""
    value = math.exp(rng.uniform(math.log(low), math.log(high)))
    return value if rng.random() < share else 0.0


def _some(rng: np.random.Generator, share: float, low: int, high: int) -> int:
    value = int(rng.integers(low, high + 1))
    return value if rng.random() < share else 0
