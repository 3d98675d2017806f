"""A part of a stack at reduced size: every slice, and every pixel of the part, counts."""

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack.stack import Stack

__all__ = ["iter_binned"]


def iter_binned(stack: Stack, where: tuple[slice, slice], factor: int) -> Generator[Progress, None, NDArray[Any]]:
    """Average squares of `factor` x `factor` px, slice by slice.

    Parameters
    ----------
    stack : Stack
    where : (slice, slice)
        Rows and columns; what is left of them beside whole squares is left out.
    factor : int

    Yields
    ------
    Progress

    Returns
    -------
    array (N, Y // factor, X // factor[, C])
        Of the type of the stack, in the order it was given; integers rounded.
    """
    slices = []
    for k in range(len(stack)):
        slices.append(_binned(stack.part(k, where), factor))
        yield Progress(k + 1, len(stack), "reducing the slices")
    return np.stack(slices)


def _binned(image: NDArray[Any], factor: int) -> NDArray[Any]:
    if factor == 1:
        return image
    height, width = (n // factor for n in image.shape[:2])
    squares = image[: height * factor, : width * factor].reshape(height, factor, width, factor, *image.shape[2:])
    mean = squares.mean(axis=(1, 3), dtype=np.float64 if image.dtype.itemsize > 2 else np.float32)
    reduced: NDArray[Any] = (mean if image.dtype.kind == "f" else np.rint(mean)).astype(image.dtype)
    return reduced
