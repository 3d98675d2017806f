"""From a decision and a stack to an image (Eq. 9 for N images): a second pass over the slices."""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import bands
from napari_focusfuse.errors import StackError

__all__ = ["iter_blend"]


class _Mixer:
    """Weighted mean of slices, pixel by pixel, within the range of the slices that take part."""

    def __init__(self, stack: Stack) -> None:
        pixels, colours = stack.shape[0] * stack.shape[1], min(stack.channels, 3) or 1
        self._dtype, self._shape = stack.dtype, stack.shape
        wide = np.float32 if stack.dtype.itemsize <= 2 or stack.dtype == np.float32 else np.float64
        self._sum = np.zeros((pixels, colours), dtype=wide)
        self._low, self._high = (np.zeros((pixels, colours), dtype=stack.dtype) for _ in range(2))
        self._weight = np.zeros((pixels, 1), dtype=wide)
        self._alpha = np.zeros(pixels, dtype=stack.dtype) if stack.channels == 4 else None

    def add(
        self, where: NDArray[np.intp], pixels: NDArray[Any], weight: NDArray[np.float32], chosen: NDArray[np.bool_]
    ) -> None:
        """Add `pixels` (n, C) that lie at `where` (n,) in the flat image, with their `weight` (n,).

        The alpha of RGBA is taken where it is `chosen` (n,).
        """
        if self._alpha is not None:
            self._alpha[where[chosen]] = pixels[chosen, 3]
            pixels = pixels[:, :3]
        weight = weight[:, None]
        if self._dtype.kind == "f":
            finite = np.isfinite(pixels)
            weight = np.where(finite.all(axis=1, keepdims=True), weight, 0)
            pixels = np.where(finite, pixels, 0)
        before = self._weight[where]
        first, again = (weight > 0) & (before == 0), (weight > 0) & (before > 0)
        for bound, limit in ((self._low, np.minimum), (self._high, np.maximum)):
            values = bound[where]
            bound[where] = np.where(first, pixels, np.where(again, limit(values, pixels), values))
        self._weight[where] = before + weight
        with np.errstate(over="ignore"):  # beyond the largest number is beyond the bounds, which are kept
            self._sum[where] += pixels * weight.astype(self._sum.dtype)

    def image(self, rows: slice) -> NDArray[Any]:
        """The mean of the rows (y, X[, C]), in the type of the stack; integers are rounded."""
        width = self._shape[1]
        here = slice(rows.start * width, rows.stop * width)
        low, high, weight = self._low[here], self._high[here], self._weight[here]
        mean = self._sum[here] / np.where(weight > 0, weight, 1)
        if self._dtype.kind != "f":
            mean = np.rint(mean)
        with np.errstate(invalid="ignore", over="ignore"):
            # The bounds themselves come back exactly, also where a float cannot hold them.
            mean = np.where(mean <= low, low, np.where(mean >= high, high, mean.astype(self._dtype)))
        if self._dtype.kind == "f":
            mean = np.where(weight > 0, mean, np.nan).astype(self._dtype)
        if self._alpha is not None:
            mean = np.concatenate([mean, self._alpha[here, None]], axis=1)
        return mean


def _iter_missing(stack: Stack, decision: Decision, image: NDArray[Any]) -> Generator[Progress, None, None]:
    """Fill pixels that have no finite value yet from the slice nearest in z that has one, in place."""
    colours = image[..., :3] if image.ndim == 3 else image[..., None]
    missing = np.isnan(colours).any(axis=2)
    if not missing.any():
        return
    wanted = decision.z[decision.index[missing]]
    nearest, found = np.full(wanted.shape, np.inf), colours[missing]
    for k in stack.order:
        yield Progress(len(stack), len(stack), "missing pixels")
        values = stack[k][missing].reshape(len(wanted), -1)[:, :3]
        distance = np.where(np.isfinite(values).all(axis=1), np.abs(decision.z[k] - wanted), np.inf)
        better = distance < nearest
        found[better], nearest[better] = values[better], distance[better]
    colours[missing] = found


def _flat(stack: Stack, k: int) -> NDArray[Any]:
    """Slice k as (Y X, C)."""
    pixels: NDArray[Any] = stack[k].reshape(stack.shape[0] * stack.shape[1], -1)
    return pixels


def iter_blend(stack: Stack, decision: Decision) -> Generator[Progress, None, NDArray[Any]]:
    """Fuse a stack by a decision.

    Each pixel is the weighted mean of its slices, never outside their range, linear in their values; integers are
    rounded. Pixels of a slice that are not finite take no part; NaN is left only where no slice has a finite value.

    Parameters
    ----------
    stack : Stack
        The stack the decision was made for, or another one of the same geometry.
    decision : Decision

    Returns
    -------
    array (Y, X[, C])
        Of the type of the stack.

    Raises
    ------
    StackError
        The stack and the decision differ in size or number of slices.
    """
    if stack.shape != decision.shape or len(stack) != len(decision.z):
        raise StackError(
            f"the decision is for {len(decision.z)} slices of {decision.shape[0]} x {decision.shape[1]} px, this stack "
            f"has {len(stack)} of {stack.shape[0]} x {stack.shape[1]} px: choose a stack of the same geometry"
        )
    mixer = _Mixer(stack)
    for done, k in enumerate(stack.order):
        pixels = None
        for rows in bands(stack.shape):
            here = decision.labels[:, rows] == k
            if not here.any():
                continue
            pixels = _flat(stack, k) if pixels is None else pixels
            part = np.flatnonzero(here.any(axis=0))
            here = here.reshape(len(here), -1)[:, part]
            weight = np.where(here, decision.weights[:, rows].reshape(len(here), -1)[:, part], 0).sum(axis=0)
            where = part + rows.start * stack.shape[1]
            mixer.add(where, pixels[where], weight, here[0])
            yield Progress(done, len(stack), f"blending slice {done + 1} of {len(stack)}")
        yield Progress(done + 1, len(stack), f"blending slice {done + 1} of {len(stack)}")
    image = np.empty((*stack.shape, stack.channels) if stack.channels else stack.shape, dtype=stack.dtype)
    for rows in bands(stack.shape):
        image[rows] = mixer.image(rows).reshape(image[rows].shape)
        yield Progress(len(stack), len(stack), "fused image")
    if stack.dtype.kind == "f":
        yield from _iter_missing(stack, decision, image)
    return image
