"""Dense SIFT: Liu, Liu, Wang, "Multi-focus image fusion with dense SIFT", Information Fusion 23 (2015) 139-155.

The activity of a pixel is the sum of its SIFT descriptor, which is not normalised. Sliding blocks vote for the slice of
largest activity; pixels that not all of their blocks agree on are decided by the spatial frequency there and at the
most similar place nearby in the other slice, which allows for slices that are not aligned.

For N slices the two that are most active at such a pixel are compared. The authors fuse one by one in series.
"""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import DSIFTConfig
from napari_focusfuse.core._types import Grey, Mask
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.verification import without_small_regions
from napari_focusfuse.core.methods.shared import NOTHING, Measure, decided, grey_slice, iter_best, iter_limits
from napari_focusfuse.core.methods.windows import spatial_frequency
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision, Labels
from napari_focusfuse.core.stack import Stack

__all__ = ["activity", "descriptors", "iter_dsift", "orientations"]

Floats = NDArray[np.float32]
Where = tuple[NDArray[np.intp], NDArray[np.intp]]
#: Directions, sharpness of their bins, cells along a side (Lowe's SIFT as the authors use it).
_DIRECTIONS, _POWER, _CELLS = 8, 9, 4
#: Descriptors longer than 1 are normalised, with no element above this.
_LARGEST = 0.2
#: Derivative of a Gaussian of sigma 1: 5 taps of it, and of the Gaussian across.
_GAUSSIAN = np.exp(-(np.arange(-2, 3) ** 2) / 2)
_ACROSS = _GAUSSIAN / _GAUSSIAN.sum()
_SLOPE = 2 * np.gradient(_GAUSSIAN) / np.abs(np.gradient(_GAUSSIAN)).sum()
#: Pixels that are compared at once.
_CHUNK = 4096


def _gradient(grey: Grey) -> tuple[Floats, Floats]:
    """Slopes of a slice along y and x."""
    y, x = (
        ndimage.correlate1d(ndimage.correlate1d(grey, _SLOPE, axis, mode="nearest"), _ACROSS, 1 - axis, mode="nearest")
        for axis in (0, 1)
    )
    return y, x


def _in_cells(plane: Floats, cell: int) -> Floats:
    """Sums over cells around each pixel, falling linearly towards the centres of the next ones."""
    line = 1 - np.abs(np.arange(1 - cell, cell)) / cell
    for axis in (0, 1):
        plane = ndimage.correlate1d(plane, line, axis, mode="nearest")
    return plane


def orientations(grey: Grey, cell: int) -> Floats:
    """Gradients by direction, summed over cells.

    Parameters
    ----------
    grey : (Y, X) float32
        Slice in [0, 1].
    cell : int
        Side of a cell, px.

    Returns
    -------
    array (8, Y, X) float32
    """
    y, x = _gradient(grey)
    magnitude = np.hypot(y, x)
    scale = 1 / np.maximum(magnitude, np.finfo(np.float32).tiny)
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    along = [((x * np.cos(a) + y * np.sin(a)) * scale).clip(0) ** _POWER * magnitude for a in angles]
    return np.stack([_in_cells(plane.astype(np.float32), cell) for plane in along])


def _offsets(cell: int) -> NDArray[np.intp]:
    """Where the cells of a descriptor lie along a side, px from its pixel."""
    return np.asarray(np.rint((np.arange(_CELLS) - (_CELLS - 1) / 2) * cell), dtype=np.intp)


def activity(grey: Grey, cell: int) -> Floats:
    """Sum of the descriptor (Y, X) of each pixel of a slice (Y, X) in [0, 1]."""
    line = np.zeros(2 * int(_offsets(cell)[-1]) + 1)
    line[_offsets(cell) + len(line) // 2] = 1
    total = orientations(grey, cell).sum(axis=0)
    for axis in (0, 1):
        total = ndimage.correlate1d(total, line, axis, mode="nearest")
    return np.asarray(total)


def descriptors(maps: Floats, where: Where, cell: int) -> Floats:
    """SIFT descriptors (n, 128), normalised, at n pixels of the `orientations` of a slice."""
    height, width = maps.shape[1:]
    cells = [
        maps[:, (where[0] + dy).clip(0, height - 1), (where[1] + dx).clip(0, width - 1)]
        for dy in _offsets(cell)
        for dx in _offsets(cell)
    ]
    found = np.concatenate(cells).T
    length = np.linalg.norm(found, axis=1, keepdims=True)
    unit = np.minimum(found / np.maximum(length, 1), _LARGEST)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.where(length > 1, unit, found)


def iter_dsift(stack: Stack, config: DSIFTConfig) -> Generator[Progress, None, Decision]:
    """Decide by blocks, and where they disagree by local matching.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="dsift", config=ff.DSIFTConfig(cell=4)).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 30
    True
    """

    def in_blocks(grey: Grey) -> Floats:
        return np.asarray(ndimage.uniform_filter(activity(grey, config.cell), config.block, mode="nearest"))

    halo = 3 * config.cell + config.block // 2 + 3
    limits = yield from staged(iter_limits(stack), 0, 0.03)
    peaks = yield from staged(iter_best(stack, Measure(in_blocks, halo), limits), 0.03, 0.5)
    yield Progress(530, 1000, "votes of the blocks")
    labels = peaks.labels[:2].copy()
    labels[0] = _voted(peaks.labels[0], config)
    open_ = labels[0] < 0
    labels[:, open_] = peaks.labels[:2, open_]
    labels[1, ~open_] = labels[0, ~open_]
    weights = np.stack([np.ones(stack.shape, np.float32), np.zeros(stack.shape, np.float32)])
    yield from staged(_iter_matched(stack, limits, config, open_, labels, weights), 0.53, 0.33)
    yield from staged(_iter_present(stack, limits, peaks, labels, weights), 0.86, 0.04)
    work = decided(stack, peaks, NOTHING, labels, weights)
    return (yield from repeated(work, Progress(900, 1000, "depth and confidence")))


def _voted(winners: Labels, config: DSIFTConfig) -> Labels:
    """The label that all blocks around a pixel vote for, -1 where they disagree; small regions are left out."""
    window = {"size": config.block, "origin": config.block % 2 - 1, "mode": "nearest"}
    agreed = ndimage.minimum_filter(winners, **window) == ndimage.maximum_filter(winners, **window)
    area = config.min_region * winners.size
    found = np.unique(winners)
    kept = {k: without_small_regions(agreed & (winners == k), area) for k in found}
    taken = np.any(list(kept.values()), axis=0)
    out = np.full_like(winners, -1)
    for k in found:
        holes = ~kept[k] & ~without_small_regions(~kept[k], area)
        out[kept[k] | (holes & ~taken & kept[k].any())] = k
    return out


class _Features(NamedTuple):
    """What is compared of a slice."""

    maps: Floats
    sharpness: Floats


def _iter_matched(
    stack: Stack,
    limits: tuple[float, float],
    config: DSIFTConfig,
    open_: Mask,
    labels: Labels,
    weights: Floats,
) -> Generator[Progress, None, None]:
    """Decide the open pixels between their two labels, in place; those that stay open are averaged."""
    rows, columns = np.nonzero(open_)
    pairs = np.sort(labels[:, rows, columns], axis=0)
    known: dict[int, _Features] = {}
    groups = np.unique(pairs, axis=1).T
    for done, (a, b) in enumerate(groups):
        known = {k: known.get(k) or _features(stack, int(k), limits, config.cell) for k in (a, b)}
        here = np.flatnonzero((pairs == np.array([[a], [b]])).all(axis=0))
        for start in range(0, len(here), _CHUNK):
            yield Progress(done, len(groups), f"matching slices {a + 1} and {b + 1}")
            part = here[start : start + _CHUNK]
            ahead = _ahead(known[a], known[b], (rows[part], columns[part]), config)
            first = np.where(ahead > 0, a, b)
            at = (slice(None), rows[part], columns[part])
            labels[at] = np.where(ahead == 0, labels[at], [first, np.where(ahead > 0, b, a)])
            weights[at] = np.where(ahead == 0, 0.5, [[1.0], [0.0]])
    yield Progress(1, 1, "matching")


def _features(stack: Stack, k: int, limits: tuple[float, float], cell: int) -> _Features:
    grey = grey_slice(stack, k, limits)[0]
    return _Features(orientations(grey, cell), np.asarray(spatial_frequency(grey, 3), dtype=np.float32))


def _ahead(a: _Features, b: _Features, where: Where, config: DSIFTConfig) -> NDArray[np.int8]:
    """1 where `a` is sharper than what it matches in `b` and `b` is not, -1 the other way round, 0 where neither."""
    first = a.sharpness[where] - _matched(a, b, where, config)
    second = b.sharpness[where] - _matched(b, a, where, config)
    return ((first > 0) & (second < 0)).astype(np.int8) - ((first < 0) & (second > 0))


def _matched(of: _Features, within: _Features, where: Where, config: DSIFTConfig) -> Floats:
    """Sharpness of the most similar place in another slice, at most `config.radius` px away along each side."""
    height, width = of.sharpness.shape
    wanted = descriptors(of.maps, where, config.cell)
    nearest = np.full(len(wanted), np.inf, np.float32)
    out = np.zeros(len(wanted), np.float32)
    reach = sorted(range(-config.radius, config.radius + 1), key=abs)
    for dy in reach:
        for dx in reach:
            place = (where[0] + dy).clip(0, height - 1), (where[1] + dx).clip(0, width - 1)
            distance = ((descriptors(within.maps, place, config.cell) - wanted) ** 2).sum(axis=1)
            better = distance < nearest
            nearest[better], out[better] = distance[better], within.sharpness[place][better]
    return out


def _iter_present(
    stack: Stack, limits: tuple[float, float], peaks: TopK, labels: Labels, weights: Floats
) -> Generator[Progress, None, None]:
    """Give pixels that are missing in one of their slices to the most active one, in place."""
    for done, k in enumerate(int(k) for k in np.unique(labels) if stack.dtype.kind == "f"):
        yield Progress(done, len(stack), f"missing pixels, slice {done + 1} of {len(stack)}")
        missing = grey_slice(stack, k, limits)[1]
        if missing is not None:
            absent = ((labels == k) & missing).any(axis=0)
            labels[:, absent] = peaks.labels[0, absent]
            weights[0, absent], weights[1, absent] = 1, 0
