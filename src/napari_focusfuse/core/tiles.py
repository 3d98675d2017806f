"""Tiles with a halo: what is computed in a tile is what is computed in the whole, to rounding."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Tile", "bands", "tiles"]

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
        y, x = (slice(c.start - o.start, c.stop - o.start) for c, o in zip(self.core, self.outer, strict=True))
        return y, x


def tiles(shape: tuple[int, int], size: int, halo: int, align: int = 1) -> Iterator[Tile]:
    """Cut an image into tiles of at most `size` px a side, with a halo of at least `halo` px.

    Tiles and their outer parts start at multiples of `align`, so that a pyramid of the tile samples the same pixels as
    one of the whole.
    """
    size, halo = -(-size // align) * align, -(-halo // align) * align
    for y in range(0, shape[0], size):
        for x in range(0, shape[1], size):
            core = tuple(slice(a, min(a + size, n)) for a, n in zip((y, x), shape, strict=True))
            outer = tuple(
                slice(max(part.start - halo, 0), min(part.stop + halo, n)) for part, n in zip(core, shape, strict=True)
            )
            yield Tile((core[0], core[1]), (outer[0], outer[1]))


def bands(shape: tuple[int, int]) -> Iterator[slice]:
    """Cut an image into bands of whole rows, a few megapixels each."""
    rows = max(1, _BAND_PIXELS // shape[1])
    for start in range(0, shape[0], rows):
        yield slice(start, min(start + rows, shape[0]))
