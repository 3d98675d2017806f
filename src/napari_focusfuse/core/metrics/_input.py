"""From images as they are given to grey images in [0, 1], or one sentence that says why not."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.intensity import GREY, full_range
from napari_focusfuse.core.metrics._metric import Image
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Greys", "grey_like"]


class Greys(Sequence[Image]):
    """Sources as grey images (Y, X) float64; made when asked for, so that a long stack need not fit into memory.

    Parameters
    ----------
    sources : array-like (N, Y, X) or (N, Y, X, 3|4), or a sequence of images
        At least two, of one size and type.
    data_range : float, optional
        Value that becomes 1; by default the largest one of an integer type, and 1 for floats.

    Raises
    ------
    FocusFuseError
        The sources differ, or are no images.
    """

    def __init__(self, sources: Any, data_range: float | None = None) -> None:
        if data_range is not None and not 0 < data_range < float("inf"):
            raise FocusFuseError(f"the data range must be greater than 0, not {data_range}: give the value of white")
        self._stack = Stack(sources)
        self.shape, self.dtype, self.colour = self._stack.shape, self._stack.dtype, self._stack.channels > 0
        self.white = full_range(self.dtype)[1] if data_range is None else float(data_range)

    def __len__(self) -> int:
        return len(self._stack)

    @overload
    def __getitem__(self, k: int) -> Image: ...
    @overload
    def __getitem__(self, k: slice) -> list[Image]: ...
    def __getitem__(self, k: int | slice) -> Image | list[Image]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(k)
        return _grey(self._stack[k % len(self)], self.white, f"source {k % len(self)}")


def grey_like(image: Any, greys: Greys, what: str) -> Image:
    """Image `what` as grey (Y, X) float64 on the scale of the sources.

    Raises
    ------
    FocusFuseError
        Its size, colour or type is not that of the sources, or pixels are no numbers.
    """
    image = np.asarray(image)
    colour = image.ndim == 3 and image.shape[-1] in (3, 4)
    if image.ndim != 2 and not colour:
        raise FocusFuseError(f"{what} has the shape {image.shape}: give one image, grey or RGB")
    if colour != greys.colour:
        kinds = {True: "RGB", False: "grey"}
        raise FocusFuseError(
            f"{what} is {kinds[colour]} and the sources are {kinds[greys.colour]}: convert one of them"
        )
    if image.shape[:2] != greys.shape:
        raise FocusFuseError(
            f"{what} is {image.shape[0]} x {image.shape[1]} px and the sources are "
            f"{greys.shape[0]} x {greys.shape[1]} px (height x width): they must be of one size"
        )
    if image.dtype != greys.dtype:
        raise FocusFuseError(f"{what} is {image.dtype} and the sources are {greys.dtype}: convert them to one type")
    return _grey(image, greys.white, what)


def _grey(image: NDArray[Any], white: float, what: str) -> Image:
    """Grey as `napari_focusfuse.core.intensity.luminance`, but in double precision, divided by `white`."""
    values = image.astype(np.float64) if image.ndim == 2 else image[..., :3].astype(np.float64) @ np.array(GREY)
    if not np.isfinite(values).all():
        raise FocusFuseError(f"{what} holds pixels that are no numbers (NaN or infinite): fill them or cut them off")
    return np.asarray(values / white)
