"""How sharp the grey values around single pixels are, without a look at the whole stack first.

For what follows a cursor: a small part of each slice is read, and kept for the pixels beside it.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.encode.activity import squared_sf
from napari_focusfuse.core.stack.intensity import filled, luminance
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import grown, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Glance"]

Where = tuple[slice, slice]
#: Side of the part that is read at once where reading is slow, px.
_BLOCK = 64


class Glance:
    """Focus curves of the grey values.

    Parameters
    ----------
    stack : Stack
    radius : int, optional
        Of the window, px; by default that of the default preset.
    keep : bool
        Keep what was read last for the pixels beside it: for stacks that are read from files. What changes in the
        stack meanwhile is not seen.
    """

    def __init__(self, stack: Stack, radius: int | None = None, *, keep: bool = False) -> None:
        self._stack, self._keep = stack, keep
        self._radius = FusionConfig().radius if radius is None else radius
        self._kept: tuple[Where, NDArray[np.float32]] | None = None

    @property
    def z(self) -> NDArray[np.float64]:
        """Positions of the slices, ascending."""
        return self._stack.z[self._stack.order]

    def curve(self, y: int, x: int) -> NDArray[np.float32]:
        """Spatial frequency (N,) of the grey values around a pixel, by ascending z, in the units of the stack.

        Parameters
        ----------
        y, x : int
            Where it is in the slices, px.

        Raises
        ------
        FocusFuseError
            There is no such pixel.
        """
        height, width = self._stack.shape
        if not (0 <= y < height and 0 <= x < width):
            raise FocusFuseError(f"there is no pixel ({y}, {x}) in slices of {height} x {width} px: choose one in them")
        pixel = slice(y, y + 1), slice(x, x + 1)
        around = grown(pixel, self._radius + 1, self._stack.shape)
        where, greys = self._read(around)
        window = np.ascontiguousarray(greys[:, *within(around, where)])
        return self._sf(window)[:, *within(pixel, around)][:, 0, 0]

    @torch.inference_mode()
    def _sf(self, greys: NDArray[np.float32]) -> NDArray[np.float32]:
        sf: NDArray[np.float32] = (
            squared_sf(torch.from_numpy(greys)[:, None], self._radius)[:, 0].clamp_(min=0).sqrt_().numpy()
        )
        return sf

    def _read(self, around: Where) -> tuple[Where, NDArray[np.float32]]:
        """Grey values (N, y, x) of a part of all slices that holds `around`, and which part it is."""
        if self._kept is not None and _inside(around, self._kept[0]):
            return self._kept
        where = grown(around, _BLOCK // 2, self._stack.shape) if self._keep else around
        parts = [filled(luminance(self._stack.part(int(k), where)))[0] for k in self._stack.order]
        read = where, np.stack(parts).astype(np.float32)
        if self._keep:
            self._kept = read
        return read


def _inside(part: Where, whole: Where) -> bool:
    return all(w.start <= p.start and p.stop <= w.stop for p, w in zip(part, whole, strict=True))
