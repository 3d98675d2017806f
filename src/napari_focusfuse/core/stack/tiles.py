"""Tiles with a halo, so that results are those of the whole slice, to rounding; parts of a stack at reduced size."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack

__all__ = ["Tile", "bands", "fitted", "grown", "iter_binned", "tiles", "within"]

_BAND_PIXELS = 2**21


@dataclass(frozen=True)
class Tile:
    """A part of an image, and the larger part that has to be read for it.

    Attributes
    ----------
    core : (slice, slice)
        The part itself.
    outer : (slice, slice)
        With the halo, clipped to the image; it starts at multiples of the alignment.
    """

    core: tuple[slice, slice]
    outer: tuple[slice, slice]

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the core lies in the outer part."""
        return within(self.core, self.outer)


def grown(part: tuple[slice, slice], margin: int, shape: tuple[int, int], align: int = 1) -> tuple[slice, slice]:
    """A part of an image with at least `margin` px around it, within the image; it starts at multiples of `align`."""
    margin = -(-margin // align) * align
    y, x = (
        slice(max(side.start - margin, 0) // align * align, min(side.stop + margin, n))
        for side, n in zip(part, shape, strict=True)
    )
    return y, x


def within(part: tuple[slice, slice], whole: tuple[slice, slice]) -> tuple[slice, slice]:
    """Where a part of an image lies in a larger part."""
    y, x = (slice(p.start - w.start, p.stop - w.start) for p, w in zip(part, whole, strict=True))
    return y, x


def fitted(length: int, size: int) -> int:
    """Side of tiles that cut a length evenly: about `size`, less than 1.5 times as much, px."""
    return -(-length // max(1, round(length / size)))


def tiles(shape: tuple[int, int], size: int | tuple[int, int], halo: int, align: int = 1) -> Iterator[Tile]:
    """Cut an image into tiles of at most `size` px (a side, or height and width), with a halo of at least `halo` px.

    Tiles and their outer parts start at multiples of `align`, so that a pyramid of the tile samples the same pixels as
    one of the whole; their size is rounded up to one.
    """
    sides = (size, size) if isinstance(size, int) else size
    height, width = (-(-side // align) * align for side in sides)
    for y in range(0, shape[0], height):
        for x in range(0, shape[1], width):
            core = (slice(y, min(y + height, shape[0])), slice(x, min(x + width, shape[1])))
            yield Tile(core, grown(core, -(-halo // align) * align, shape, align))


def bands(shape: tuple[int, int]) -> Iterator[slice]:
    """Cut an image into bands of whole rows, a few megapixels each."""
    rows = max(1, _BAND_PIXELS // shape[1])
    for start in range(0, shape[0], rows):
        yield slice(start, min(start + rows, shape[0]))


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
