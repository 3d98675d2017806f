"""Which value of an image is white, the 1 that metrics see: it has to be told where the type does not say it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.stack.intensity import full_range

__all__ = ["likely_white", "misfit"]

#: What cameras and file formats call white.
_USUAL = (1.0, 255.0, 4095.0, 65535.0)
#: Bytes from which on an integer type is wider than any camera.
_WIDE = 4
#: Floats may exceed 1 a little, as interpolation and noise make them do; integers should use a share of their range.
_EXCESS, _SHARE = 2.0, 0.01


def likely_white(dtype: np.dtype[Any], images: Iterable[NDArray[Any]]) -> float:
    """The value that is most likely white: the largest of a type of 8 or 16 bits, otherwise by what images hold.

    Parameters
    ----------
    dtype : numpy dtype
    images : iterable of array
        Looked at only where the type does not tell.

    Returns
    -------
    float
        The next of 1, 255, 4095 and 65535 above the images, or else their greatest finite value.
    """
    if not _tells_nothing(dtype):
        return full_range(dtype)[1]
    top = max((_top(image) for image in images), default=0.0)
    return next((white for white in _USUAL if top <= white), top)


def misfit(dtype: np.dtype[Any], top: float) -> bool:
    """Whether an image of this type that reaches `top` is not on the scale that its type has by default."""
    white = full_range(dtype)[1]
    return _tells_nothing(dtype) and (top > _EXCESS if dtype.kind == "f" else top < _SHARE * white)


def _tells_nothing(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or (dtype.kind in "iu" and dtype.itemsize >= _WIDE)


def _top(image: NDArray[Any]) -> float:
    values = np.asarray(image)
    return float(np.max(values, where=np.isfinite(values), initial=0))
