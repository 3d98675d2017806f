"""What several methods share: grey planes in [0, 1], and slices chosen by an activity."""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core._types import Grey
from napari_focusfuse.core.decide.confidence import iter_assess
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision, Labels
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range, scaled, typed
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["NOTHING", "Grey", "Measure", "Planes", "decided", "grey_slice", "iter_best", "iter_chosen", "iter_limits"]

#: Numbers that sums and ratios of coefficients may not be able to exceed, and what they are multiplied by.
_LARGE, _SHARE = 1e280, 2.0**-200
#: What is further from the range than that is clipped.
_FAR = 1e3


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

    def take_unit(self, k: int, limits: tuple[float, float]) -> NDArray[np.float32] | None:
        """The same as `take` with `limits` (`iter_limits`) brought to 0 and 1."""
        planes, (low, span) = self.take(k), self._scale(limits)
        return None if planes is None else np.asarray(((planes - low) / span).clip(-_FAR, _FAR), dtype=np.float32)

    def image_of_unit(self, planes: NDArray[Any], limits: tuple[float, float]) -> NDArray[Any]:
        """The fused image of planes on the scale of `take_unit`."""
        low, span = self._scale(limits)
        return self.image(planes.astype(np.float64) * span + low)

    def _scale(self, limits: tuple[float, float]) -> tuple[float, float]:
        """What becomes 0, and how far from it what becomes 1 is, in units of the planes."""
        low, high = (limit * self._share for limit in limits)
        return low, high - low if high > low else 1.0

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


#: Activity where there is no signal, as a share of the intensity range.
NOTHING = 1e-6
_SLICES, _TILE = 5, 1024


class Measure(NamedTuple):
    """A focus measure.

    Attributes
    ----------
    activity : callable
        From a grey slice (Y, X) in [0, 1] to its activity (Y, X), 0 or more.
    halo : int
        Pixels that it sees on each side.
    """

    activity: Callable[[Grey], NDArray[np.floating]]
    halo: int


def iter_limits(stack: Stack) -> Generator[Progress, None, tuple[float, float]]:
    """The intensities that become 0 and 1: robust range of up to five slices, spread evenly over z."""
    chosen = stack.order[np.unique(np.linspace(0, len(stack) - 1, _SLICES).round().astype(int))]
    values = []
    for done, k in enumerate(chosen):
        yield Progress(done, len(chosen), "measuring the stack")
        grey = luminance(stack[k])
        step = max(1, int(np.sqrt(grey.size / 2**16)))
        values.append(grey[::step, ::step].ravel())
    return robust_range(np.concatenate(values))


def grey_slice(stack: Stack, k: int, limits: tuple[float, float]) -> tuple[Grey, NDArray[np.bool_] | None]:
    """Slice `k` as luminance (Y, X) with `limits` brought to 0 and 1, and where it is missing (None: nowhere)."""
    return filled(scaled(luminance(stack[k]), limits))


def iter_best(stack: Stack, measure: Measure, limits: tuple[float, float]) -> Generator[Progress, None, TopK]:
    """The few best activities of every pixel, slice by slice in the order of z, tile by tile."""
    peaks, previous = TopK(stack.shape, len(stack)), -1
    for done, k in enumerate(int(k) for k in stack.order):
        grey, missing = grey_slice(stack, k, limits)
        near = None if missing is None else ndimage.maximum_filter(missing, 2 * measure.halo + 1)
        for tile in tiles(stack.shape, _TILE, measure.halo):
            yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
            activity = np.asarray(measure.activity(grey[tile.outer])[tile.inner] + NOTHING, dtype=np.float32)
            if missing is not None and near is not None:
                activity[near[tile.core]] = NOTHING / 2
                activity[missing[tile.core]] = 0
            peaks.show(tile.core, k, previous, activity)
        previous = k
    return peaks


def iter_chosen(stack: Stack, measure: Measure) -> Generator[Progress, None, Decision]:
    """Give every pixel to the slice where the measure is largest; ties go to the smaller z.

    Parameters
    ----------
    stack : Stack
    measure : Measure

    Returns
    -------
    Decision
        One label a pixel, of weight 1; depth, confidence and flags as in ours.
    """
    limits = yield from staged(iter_limits(stack), 0, 0.05)
    peaks = yield from staged(iter_best(stack, measure, limits), 0.05, 0.85)
    labels = peaks.labels[:1].copy()
    work = decided(stack, peaks, NOTHING, labels, np.ones(labels.shape, dtype=np.float32))
    return (yield from repeated(work, Progress(900, 1000, "depth and confidence")))


def decided(
    stack: Stack, peaks: TopK, nothing: float, labels: Labels, weights: NDArray[np.float32]
) -> Generator[None, None, Decision]:
    """The decision for given labels and weights (K, Y, X); where they overrule the peaks, depth is not known."""
    judged = yield from iter_assess(peaks, stack, 2 * nothing)
    overruled = labels[0] != peaks.labels[0]
    judged.depth[overruled], judged.confidence[overruled] = np.nan, 0
    return Decision(labels, weights, *judged, stack.z, {})
