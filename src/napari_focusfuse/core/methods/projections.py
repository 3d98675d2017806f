"""Projections along z: what every image program has."""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.intensity import typed
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack

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
    shape = (*stack.shape, stack.channels) if stack.channels else stack.shape
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        image = stack[k]
        finite = np.isfinite(image)
        total += np.where(finite, image, 0)
        count += finite
    yield Progress(len(stack), len(stack), "fused image")
    return typed(np.where(count > 0, total / np.maximum(count, 1), np.nan), stack.dtype)
