"""A quick look at a focus stack, on small images: how sharp its slices are, whether they drift, what is no slice.

It takes about as long as reading the slices. Nothing of it enters a fusion: it is what a person is told before one.
"""

import math
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import AlignConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.align.measure import iter_transforms
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import filled, luminance
from napari_focusfuse.errors import StackError

__all__ = ["QuickLook", "iter_look"]

#: So many slices are looked at, evenly spread, and of these so many for drift.
_MOST, _DRIFTING = 100, 32
#: Longest side of the images for sharpness and for drift, px.
_SIDE, _SMALL = 512, 192
#: Smaller images may seem to drift by noise alone (px).
_TELLS = 48
#: Standard deviations between which detail counts (px), and parts of the shorter side in which it is summed.
_FINE, _COARSE, _PARTS = 0.7, 1.4, 16
#: What is nearly the sharpest; parts with less than this of the most varying part's detail say nothing.
_NEAR, _LEAST = 0.8, 0.1
#: Looks are judged from so many slices on. Scenes that correlate no more than `_OTHER` with any, where the others do
#: so by `_SAME`, are other scenes.
_FEW, _OTHER, _SAME = 4, 0.5, 0.8
#: A finished picture is as sharp as the sharpest slice (`_SHARP`, apart from one factor within `_ALIKE`) in this share
#: of the parts that defocus changes by `_DEFOCUS`, which are `_VARY` of all, and no slice is the sharpest in more than
#: `_ONE` of them.
_SHARP, _ALIKE, _EVERYWHERE, _DEFOCUS, _VARY, _ONE = 0.9, 0.2, 0.88, 1.5, 0.2, 0.8
_READING = 0.6


@dataclass(frozen=True, eq=False)
class QuickLook:
    """What a quick look has found.

    Attributes
    ----------
    numbers : (n,) int
        Slices that were looked at, from 0; all of a stack of up to 100.
    thumbnails : (n, y, x) float32
        Small grey images of these.
    sharpness : (n,) float32
        Share of the detail that is anywhere in the stack and is in focus in the slice, [0, 1].
    blurred : tuple of int
        Slices in which no part is near its best focus.
    foreign : dict of int to str
        Slices that look like none, and why.
    drift : float
        Largest displacement (px of the slices) that alignment would correct; 0 where there is nothing to correct.
    """

    numbers: NDArray[np.int_]
    thumbnails: Image
    sharpness: Image
    blurred: tuple[int, ...]
    foreign: dict[int, str]
    drift: float


def iter_look(stack: Stack, *, drift: bool = True) -> Generator[Progress, None, QuickLook]:
    """Look at a stack.

    Parameters
    ----------
    stack : Stack
    drift : bool
        Also measure that; otherwise it is 0.

    Returns
    -------
    QuickLook
    """
    numbers = _spread(len(stack), _MOST)
    seen = yield from staged(_iter_seen(stack, numbers), 0, _READING)
    small, detail = (np.stack(parts) for parts in zip(*seen, strict=True))
    foreign = _foreign(small, detail)
    kept = [n for n in range(len(numbers)) if n not in foreign]
    sharpness, blurred = _sharpness(detail, kept)
    moved = 0.0
    if drift:
        few = small[kept][_spread(len(kept), _DRIFTING)]
        moved = yield from staged(_iter_drift(few), _READING, 1 - _READING)
    return QuickLook(
        numbers,
        small,
        sharpness,
        tuple(int(numbers[n]) for n in blurred),
        {int(numbers[n]): why for n, why in foreign.items()},
        moved * max(stack.shape) / max(small.shape[1:]),
    )


def _spread(count: int, most: int) -> NDArray[np.int_]:
    """At most so many numbers from 0 on, evenly spread with both ends."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(int)


def _iter_seen(stack: Stack, numbers: NDArray[np.int_]) -> Generator[Progress, None, list[tuple[Image, Image]]]:
    """What `_seen` gives of some slices; two are read at a time."""
    seen = []
    pool = ThreadPoolExecutor(2, "quick look")
    try:
        for part in pool.map(lambda k: _seen(stack[int(k)]), numbers):
            seen.append(part)
            yield Progress(len(seen), len(numbers), f"looking at slice {len(seen)} of {len(numbers)}")
    finally:
        pool.shutdown(cancel_futures=True)
    return seen


def _seen(image: NDArray[Any]) -> tuple[Image, Image]:
    """A small image, and the detail in the parts (rows, columns) of a larger one."""
    step = max(1, math.ceil(max(image.shape[:2]) / _SIDE) // 3)  # of very large images every third pixel will do
    grey = _joined(filled(luminance(image[::step, ::step]))[0].astype(np.float32), _SIDE)
    band = ndimage.gaussian_filter(grey, _FINE) - ndimage.gaussian_filter(grey, _COARSE)
    side = max(4, min(grey.shape) // _PARTS)
    return _joined(grey, _SMALL), np.sqrt(_blocks(band * band, side))


def _joined(grey: Image, side: int) -> Image:
    """Means of blocks, so that no side is longer."""
    return _blocks(grey, math.ceil(max(grey.shape) / side))


def _blocks(values: Image, side: int) -> Image:
    rows, columns = max(values.shape[0] // side, 1), max(values.shape[1] // side, 1)
    return np.asarray(
        values[: rows * side, : columns * side].reshape(rows, -1, columns, min(side, values.shape[1])).mean((1, 3))
    )


def _sharpness(detail: Image, kept: Sequence[int]) -> tuple[Image, list[int]]:
    """Share of the detail in focus in each slice, and those with nothing in focus; by the `kept` slices."""
    values = detail.reshape(len(detail), -1)
    low, high = values[kept].min(0), values[kept].max(0)
    range_ = high - low
    if not range_.any():
        return np.ones(len(values), np.float32), []
    share = ((values - low) / np.where(range_ > 0, range_, 1)).clip(0, 1)
    counts = range_ >= _LEAST * range_.max()
    blurred = [n for n in kept if not (share[n, counts] >= _NEAR).any()]
    return (share @ range_ / range_.sum()).astype(np.float32), blurred


def _foreign(small: Image, detail: Image) -> dict[int, str]:
    """Numbers of images that are no slices, and why."""
    if len(small) < _FEW:
        return {}
    strange = dict.fromkeys(_strange(small), "shows another scene")
    if strange:
        return strange
    rows, columns = (max(length // 2, 1) for length in detail.shape[1:])
    wide = np.stack([_blocks(one * one, 2) for one in detail]) if min(rows, columns) > 1 else detail**2
    values = np.sqrt(wide).reshape(len(detail), -1)
    why = "is in focus everywhere, like a fused image"
    return {n: why for n in range(len(values)) if _is_finished(values[n], np.delete(values, n, axis=0))}


def _strange(small: Image) -> list[int]:
    """Numbers of single images that show something else."""
    soft = ndimage.gaussian_filter(small, (0, 2, 2))[:, ::2, ::2].reshape(len(small), -1)
    soft = soft - soft.mean(1, keepdims=True)
    norm = np.linalg.norm(soft, axis=1, keepdims=True)
    soft = soft / np.where(norm > 0, norm, 1)
    alike = soft @ soft.T
    np.fill_diagonal(alike, -1)
    most = alike.max(1)
    return [int(n) for n in np.flatnonzero(most < _OTHER)] if np.median(most) >= _SAME else []


def _is_finished(one: Image, others: Image) -> bool:
    """Whether an image is in focus in all parts, though the others are so in different ones."""
    best = others.max(0)
    vary = (best > _DEFOCUS * np.median(others, axis=0)) & (best > 1e-3 * best.max())
    if vary.mean() < _VARY or np.bincount(others.argmax(0)[vary]).max() > _ONE * vary.sum():
        return False
    ratio = np.log(np.maximum(one[vary], np.finfo(np.float32).tiny) / best[vary])
    middle = float(np.median(ratio))
    return middle >= math.log(_SHARP) and float((np.abs(ratio - middle) < _ALIKE).mean()) >= _EVERYWHERE


def _iter_drift(small: Image) -> Generator[Progress, None, float]:
    """Largest displacement that alignment would correct, px of the small images."""
    if min(small.shape[1:]) < _TELLS:
        return 0.0
    try:
        transforms, _ = yield from iter_transforms(Stack(small, 0, False), AlignConfig())
    except StackError:  # too small, flat, or without common structure
        return 0.0
    return float(transforms.largest().max())
