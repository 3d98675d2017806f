"""Methods that give an image without a decision map: pyramids, projections.

Pyramids take the strongest coefficient of all slices at each place and scale: P. J. Burt, E. H. Adelson, "The Laplacian
pyramid as a compact image code", IEEE Trans. Commun. 31 (1983) 532-540; its use for fusion: P. J. Burt, "The pyramid as
a structure for efficient computation" (1984). A. Toet, "Image fusion by a ratio of low-pass pyramid", Pattern
Recognition Letters 9 (1989) 245-253.

Projections along z are what every image program has.
"""

import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import PyramidConfig
from napari_focusfuse.core.methods.shared import Planes
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import full_range, typed
from napari_focusfuse.errors import StackError

__all__ = ["Strongest", "expanded", "iter_lp", "iter_max", "iter_mean", "iter_rp", "reduced"]

Image = NDArray[Any]
#: The generating kernel with a = .375, which is binomial.
_KERNEL = np.array([1, 4, 6, 4, 1]) / 16
#: What is added to both sides of a ratio, as a share of the full range: one grey level of 8 bit.
_DARK = 1 / 255


def reduced(image: Image) -> Image:
    """Planes (..., Y, X) at half size."""
    for axis in (-2, -1):
        image = ndimage.correlate1d(image, _KERNEL, axis, mode="mirror")
    return image[..., ::2, ::2]


def expanded(image: Image, shape: tuple[int, ...]) -> Image:
    """Planes (..., y, x) back at twice the size, `shape`."""
    out = np.zeros(shape, dtype=image.dtype)
    out[..., ::2, ::2] = image
    for axis in (-2, -1):
        out = ndimage.correlate1d(out, 2 * _KERNEL, axis, mode="mirror")
    return out


class Strongest:
    """Of arrays that are shown one after the other the elements of largest magnitude; of the last one the mean."""

    def __init__(self) -> None:
        self._best: list[Image] = []
        self._mean: Image | None = None
        self._count = 0

    def show(self, details: list[Image], rest: Image) -> None:
        """Take in the coefficients of a slice; ties go to what came first."""
        if self._mean is None:
            self._best, self._mean = details, rest.astype(np.float64)
        else:
            for best, detail in zip(self._best, details, strict=True):
                np.copyto(best, detail, where=np.abs(detail) > np.abs(best))
            self._mean += rest
        self._count += 1

    def result(self) -> tuple[list[Image], Image] | None:
        """The strongest coefficients and the mean of the rest; None if there was no slice."""
        return None if self._mean is None else (self._best, self._mean / self._count)


def _iter_pyramid(
    stack: Stack,
    config: PyramidConfig,
    coefficient: Callable[[Image, Image], Image],
    inverse: Callable[[Image, Image], Image],
) -> Generator[Progress, None, Image]:
    """Fuse by a pyramid; `coefficient` is made of a level and the next one expanded, `inverse` gives the level back."""
    planes, strongest = Planes(stack), Strongest()
    levels = min(config.levels, int(math.log2(min(stack.shape))))
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        level = planes.take(k)
        if level is None:
            continue
        details = []
        for _ in range(levels):
            smaller = reduced(level)
            details.append(coefficient(level, expanded(smaller, level.shape)))
            level = smaller
        strongest.show(details, level)
    yield Progress(len(stack), len(stack), "fused image")
    found = strongest.result()
    if found is None:
        return planes.image(np.zeros(planes.shape))
    details, level = found
    for detail in reversed(details):
        level = inverse(detail, expanded(level, detail.shape))
    return planes.image(level)


def iter_lp(stack: Stack, config: PyramidConfig) -> Generator[Progress, None, Image]:
    """Laplacian pyramid: the largest difference of each level to the next, the mean of the smallest level.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="lp", config=ff.PyramidConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    return (yield from _iter_pyramid(stack, config, np.subtract, np.add))


def iter_rp(stack: Stack, config: PyramidConfig) -> Generator[Progress, None, Image]:
    """Ratio of low-pass pyramid: the largest contrast, ratio - 1, of each level to the next (Toet 1989).

    Raises
    ------
    StackError
        Some values are negative: there is no contrast of these.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="rp", config=ff.PyramidConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    dark = _DARK * full_range(stack.dtype)[1]

    def contrast(level: Image, mean: Image) -> Image:
        if level.min() < 0:
            raise StackError(
                "a ratio pyramid needs intensities that are not negative: add an offset, or choose the method lp"
            )
        return np.asarray((level + dark) / (mean + dark) - 1)

    def inverse(detail: Image, mean: Image) -> Image:
        return np.asarray((detail + 1) * (mean + dark) - dark)

    return (yield from _iter_pyramid(stack, config, contrast, inverse))


def iter_max(stack: Stack, _config: None) -> Generator[Progress, None, NDArray[Any]]:
    """Largest finite value of each pixel and channel; NaN where there is none.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="max").image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    26
    """
    fused: NDArray[Any] | None = None
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        image = stack[k]
        if image.dtype.kind == "f":
            image = np.where(np.isfinite(image), image, np.nan).astype(image.dtype)
        fused = image.copy() if fused is None else np.fmax(fused, image, out=fused)
    yield Progress(len(stack), len(stack), "fused image")
    return np.asarray(fused)


def iter_mean(stack: Stack, _config: None) -> Generator[Progress, None, NDArray[Any]]:
    """Mean of the finite values of each pixel and channel, integers rounded; NaN where there is none.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="mean").image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    28
    """
    if stack.dtype.kind in "iu" and stack.dtype.itemsize == 8:
        return (yield from _iter_whole_mean(stack))
    # So that the sum of the largest numbers is one.
    share = 2.0 ** -math.ceil(math.log2(len(stack))) if stack.dtype.itemsize == 8 else 1.0
    shape = (*stack.shape, stack.channels) if stack.channels else stack.shape
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        image = stack[k]
        finite = np.isfinite(image)
        total += np.where(finite, image, 0) * share
        count += finite
    yield Progress(len(stack), len(stack), "fused image")
    mean = total / np.maximum(count, 1)
    with np.errstate(over="ignore"):
        return typed(np.where(count > 0, mean / share, np.nan), stack.dtype)


def _iter_whole_mean(stack: Stack) -> Generator[Progress, None, NDArray[Any]]:
    """Mean of 64-bit integers, which floats do not hold: of quotients and remainders, half rounded to even."""
    shape = (*stack.shape, stack.channels) if stack.channels else stack.shape
    whole, rest = np.zeros(shape, dtype=stack.dtype), np.zeros(shape, dtype=np.int64)
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        quotient, remainder = np.divmod(stack[k], stack.dtype.type(len(stack)))
        whole += quotient
        rest += remainder.astype(np.int64)
    yield Progress(len(stack), len(stack), "fused image")
    more, left = np.divmod(rest, len(stack))
    whole += more.astype(stack.dtype)
    up = (2 * left > len(stack)) | ((2 * left == len(stack)) & (whole % 2 == 1))
    return np.asarray(whole + up.astype(stack.dtype))
