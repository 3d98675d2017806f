"""A texture that can be sampled anywhere, at several widths of blur."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Drawing"]

Image = NDArray[np.float32]
#: Places for each pixel along each axis.
_FINE = 4
#: Steps of blur, px, how many, and what a cell of the aperture blurs as a share of its side.
_BLUR, _LEVELS, _CELL = 0.4, 7, 0.35


class Drawing:
    """A texture (Y, X) by cubic splines, kept at a quarter of a pixel: exact at pixels, and fast.

    Parameters
    ----------
    texture : (Y, X) array
    widest : float
        Largest side of a cell, px.
    """

    def __init__(self, texture: Image, widest: float) -> None:
        levels = min(_LEVELS, int(_CELL * widest / _BLUR + 0.5) + 1)
        height, width = texture.shape
        self._shape = texture.shape
        kept = np.empty((levels, _FINE, _FINE, height, width), np.float32)
        for level, out in enumerate(kept):
            blurred = ndimage.gaussian_filter(texture, _BLUR * level, mode="reflect") if level else texture
            _refine(blurred, out)
        self._kept = kept.ravel()
        size = height * width
        rows, columns = np.arange(_FINE * height), np.arange(_FINE * width)
        self._rows = rows % _FINE * _FINE * size + rows // _FINE * width
        self._columns = columns % _FINE * size + columns // _FINE
        self._levels = np.arange(levels) * _FINE**2 * size

    def at(self, y: Image, x: Image, distance: Image, cell: float) -> Image:
        """Brightness at places, px, of what is `distance` steps from focus.

        Parameters
        ----------
        y, x, distance : arrays
        cell : float
            Side of the aperture's cell, px a step.
        """
        place = self._index(self._rows, y, _FINE, 0.5)
        place += self._index(self._columns, x, _FINE, 0.5)
        if len(self._levels) > 1:
            place += self._index(self._levels, np.abs(distance), _CELL * cell / _BLUR, 0.5)
        return np.take(self._kept, place, mode="clip")

    def behind(self, y: Image, x: Image, distance: Image, cell: float) -> Image:
        """The same of the texture turned by 180 degrees."""
        return self.at(self._shape[0] - 1 - y, self._shape[1] - 1 - x, distance, cell)

    def _index(self, table: NDArray[np.intp], at: Image, scale: float, half: float) -> NDArray[np.intp]:
        number = at * np.float32(scale)
        number += np.float32(half)
        return np.take(table, number.astype(np.intp), mode="clip")


def _refine(image: Image, out: Image) -> None:
    """Into (F, F, Y, X): values at F x F places of each pixel, starting with its centre."""
    coefficients = ndimage.spline_filter(image, 3, np.float32, mode="mirror")
    for i in range(_FINE):
        rows = ndimage.correlate1d(coefficients, _taps(i / _FINE), 0, mode="mirror", origin=-1)
        for j in range(_FINE):
            ndimage.correlate1d(rows, _taps(j / _FINE), 1, output=out[i, j], mode="mirror", origin=-1)


def _taps(share: float) -> NDArray[np.float64]:
    """Weights of the cubic B-spline a share of the way to the next coefficient, from the one before on."""
    t, s = share, 1 - share
    return np.array([s**3, 3 * t**3 - 6 * t**2 + 4, 3 * s**3 - 6 * s**2 + 4, t**3]) / 6
