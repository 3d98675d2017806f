"""From a decision and a stack to an image (Eq. 9 for N images): a second pass over the slices."""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decision import Decision
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import bands
from napari_focusfuse.errors import StackError

__all__ = ["iter_blend"]


class _Mixer:
    """Weighted mean of slices, pixel by pixel, within the range of the slices that take part."""

    def __init__(self, stack: Stack) -> None:
        colours = (min(stack.channels, 3),) if stack.channels else ()
        shape = (*stack.shape, *colours)
        self._dtype = stack.dtype
        wide = np.float32 if stack.dtype.itemsize <= 2 or stack.dtype == np.float32 else np.float64
        self._sum = np.zeros(shape, dtype=wide)
        self._low, self._high = np.zeros(shape, dtype=stack.dtype), np.zeros(shape, dtype=stack.dtype)
        self._weight = np.zeros((*stack.shape, *(1 for _ in colours)), dtype=wide)
        self._alpha = np.zeros(stack.shape, dtype=stack.dtype) if stack.channels == 4 else None

    def add(self, rows: slice, image: NDArray[Any], weight: NDArray[np.float32], chosen: NDArray[np.bool_]) -> None:
        """Add `image` (y, x[, C]) with its `weight` (y, x); the alpha of RGBA is taken where it is `chosen`."""
        if self._alpha is not None:
            np.copyto(self._alpha[rows], image[..., 3], where=chosen)
        if image.ndim == 3:
            image, weight = image[..., :3], weight[..., None]
        if image.dtype.kind == "f":
            finite = np.isfinite(image)
            weight = np.where(finite.all(axis=2, keepdims=True) if image.ndim == 3 else finite, weight, 0)
            image = np.where(finite, image, 0)
        low, high, before = self._low[rows], self._high[rows], self._weight[rows]
        first, again = (weight > 0) & (before == 0), (weight > 0) & (before > 0)
        for bound, limit in ((low, np.minimum), (high, np.maximum)):
            limit(bound, image, out=bound, where=again)
            np.copyto(bound, image, where=first)
        before += weight
        self._sum[rows] += image * weight.astype(self._sum.dtype)

    def image(self, rows: slice) -> NDArray[Any]:
        """The mean of the rows, in the type of the stack; integers are rounded."""
        low, high, weight = self._low[rows], self._high[rows], self._weight[rows]
        mean = self._sum[rows] / np.where(weight > 0, weight, 1)
        if self._dtype.kind != "f":
            mean = np.rint(mean)
        with np.errstate(invalid="ignore", over="ignore"):
            # The bounds themselves come back exactly, also where a float cannot hold them.
            mean = np.where(mean <= low, low, np.where(mean >= high, high, mean.astype(self._dtype)))
        if self._dtype.kind == "f":
            mean = np.where(weight > 0, mean, np.nan).astype(self._dtype)
        if self._alpha is not None:
            mean = np.concatenate([mean, self._alpha[rows][..., None]], axis=2)
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
            pixels = stack[k] if pixels is None else pixels
            weight = np.where(here, decision.weights[:, rows], 0).sum(axis=0)
            mixer.add(rows, pixels[rows], weight, here[0])
            yield Progress(done, len(stack), f"blending slice {done + 1} of {len(stack)}")
        yield Progress(done + 1, len(stack), f"blending slice {done + 1} of {len(stack)}")
    image = np.empty((*stack.shape, stack.channels) if stack.channels else stack.shape, dtype=stack.dtype)
    for rows in bands(stack.shape):
        image[rows] = mixer.image(rows)
        yield Progress(len(stack), len(stack), "fused image")
    if stack.dtype.kind == "f":
        yield from _iter_missing(stack, decision, image)
    return image
