"""What the methods that decide share: each brings a focus measure, the rest is as in our own decision."""

from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.decide.confidence import iter_assess
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result.decision import Decision, Labels
from napari_focusfuse.core.stack.intensity import filled, luminance, robust_range, scaled
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["NOTHING", "Grey", "Measure", "decided", "grey_slice", "iter_best", "iter_chosen", "iter_limits"]

Grey = NDArray[np.float32]
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
        yield Progress(done, len(chosen), "looking at the stack")
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
