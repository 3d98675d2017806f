"""Projections along z: what every image program has."""

import math
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack.intensity import typed
from napari_focusfuse.core.stack.stack import Stack

__all__ = ["iter_max", "iter_mean"]


def iter_max(stack: Stack, _config: None) -> Generator[Progress, None, NDArray[Any]]:
    """Largest finite value of each pixel and channel; NaN where there is none."""
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
    """Mean of the finite values of each pixel and channel, integers rounded; NaN where there is none."""
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
