"""Fusion by curvelets.

The fast discrete curvelet transform by wrapping: E. Candes, L. Demanet, D. Donoho, L. Ying, "Fast discrete curvelet
transforms", Multiscale Modeling and Simulation 5 (2006) 861-899. For fusion of sharp parts: F. Nencini, A. Garzelli, S.
Baronti, L. Alparone, "Remote sensing image fusion using the curvelet transform", Information Fusion 8 (2007) 143-156.
"""

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_focusfuse.config import PyramidConfig
from napari_focusfuse.core.methods.transforms import MARGIN, Image, cut, halvings, iter_transformed, mirrored
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack

__all__ = ["Curvelets", "iter_cvt"]

#: Directions of the coarsest scale; twice as many at every second finer one, so that width ~ length^2.
_DIRECTIONS = 16
#: Where the windows of a scale end, in cycles per pixel; they begin to fall at half of this.
_EDGE = 2 / 3
#: Around the square of frequencies, from -1 to 1 along each side.
_AROUND = 8.0


class _Wedge(NamedTuple):
    """Frequencies of a direction at a scale: where they are in the spectrum and in a small rectangle."""

    there: NDArray[np.int32]
    here: NDArray[np.int32]
    window: NDArray[np.floating[Any]]
    shape: tuple[int, int]


class Curvelets:
    """Curvelets of planes (Y, X), mirrored at their borders: a tight frame.

    The windows' squares add to 1 at each frequency. Of two opposite directions of a real image one is kept, with the
    energy of both.

    Parameters
    ----------
    shape : (int, int)
    levels : int
        Scales, as far as the plane can be halved; what is coarser is the rest.
    margin : int
        Mirrored pixels on each side; without them the transform is periodic.
    """

    def __init__(self, shape: tuple[int, ...], levels: int, margin: int = MARGIN) -> None:
        self._shape, self._levels = shape, halvings(shape, levels)
        self._padded = tuple(fft.next_fast_len(side + 2 * margin) for side in shape) if margin else shape
        self._wedges = [wedge for level in range(self._levels) for wedge in self._scale(level)]
        self._coarse = _square([fft.fftfreq(side) for side in self._padded], self._levels) if self._levels else 1.0

    def forward(self, plane: Image) -> tuple[Image, list[Image]]:
        """The coarse image (Y, X), not decimated, and complex bands (y, x), finest scale first."""
        spectrum = fft.fft2(mirrored(plane, self._padded), norm="ortho")
        rest = fft.ifft2(spectrum * self._coarse, norm="ortho").real
        return rest, [_band(spectrum, wedge) for wedge in self._wedges]

    def inverse(self, rest: Image, bands: list[Image]) -> Image:
        """The plane (Y, X) of such coefficients: the adjoint."""
        spectrum = np.zeros(self._padded, dtype=np.complex128)
        flat = spectrum.reshape(-1)
        for wedge, band in zip(self._wedges, bands, strict=True):
            flat[wedge.there] += fft.fft2(band, norm="ortho").reshape(-1)[wedge.here] * wedge.window
        spectrum += fft.fft2(rest, norm="ortho") * self._coarse
        return cut(fft.ifft2(spectrum, norm="ortho").real, self._shape)

    def _scale(self, level: int) -> list[_Wedge]:
        """Wedges of half of the directions; frequencies beyond the largest wrap around."""
        index = [np.arange(-int(side * _EDGE / 2**level), int(side * _EDGE / 2**level) + 1) for side in self._padded]
        y, x = (axis / side for axis, side in zip(index, self._padded, strict=True))
        ring = np.sqrt(np.maximum(_square([y, x], level) ** 2 - _square([y, x], level + 1) ** 2, 0))
        around = _around(y[:, None], x)
        directions = _DIRECTIONS * 2 ** ((self._levels - level) // 2)
        wedges = []
        for direction in range(directions // 2):
            offset = around * directions / _AROUND - direction - 0.5
            offset = np.abs((offset + directions / 2) % directions - directions / 2)
            rows, columns = np.nonzero((offset < 1) & (ring > 0))
            if rows.size:
                window = _fall(offset[rows, columns]) * ring[rows, columns]
                wedges.append(self._wedge(index[0][rows], index[1][columns], window))
        return wedges

    def _wedge(self, y: NDArray[Any], x: NDArray[Any], window: Image) -> _Wedge:
        """The smallest rectangle, in which one line of frequencies after the other is wrapped without overlap."""
        if np.abs(y).mean() > np.abs(x).mean():
            shape = np.ptp(y) + 1, _longest(y, x)
        else:
            shape = _longest(x, y), np.ptp(x) + 1
        height, width = (fft.next_fast_len(int(side)) for side in shape)
        there = (y % self._padded[0]) * self._padded[1] + x % self._padded[1]
        here = (y % height) * width + x % width
        return _Wedge(there.astype(np.int32), here.astype(np.int32), np.sqrt(2) * window, (height, width))


def _band(spectrum: Image, wedge: _Wedge) -> Image:
    wrapped = np.zeros(wedge.shape, dtype=spectrum.dtype)
    wrapped.reshape(-1)[wedge.here] = spectrum.reshape(-1)[wedge.there] * wedge.window
    return np.asarray(fft.ifft2(wrapped, norm="ortho"))


def _longest(lines: NDArray[Any], along: NDArray[Any]) -> int:
    """The longest extent along any of the lines."""
    first = lines.min()
    least, most = np.full(np.ptp(lines) + 1, np.iinfo(along.dtype).max), np.full(np.ptp(lines) + 1, -1 << 40)
    np.minimum.at(least, lines - first, along)
    np.maximum.at(most, lines - first, along)
    return int((most - least).max()) + 1


def _fall(t: Image) -> Image:
    """Meyer's window, from 1 at 0 to 0 at 1; its square and that of 1 - t add to 1."""
    t = t.clip(0, 1)
    return np.asarray(np.cos(np.pi / 2 * t**4 * (35 - 84 * t + 70 * t**2 - 20 * t**3)))


def _square(frequencies: list[Image], level: int) -> Image:
    """Low-pass window of frequencies (y), (x) in cycles per pixel: a square with soft edges."""
    y, x = (_fall(2 * np.abs(axis) * 2**level / _EDGE - 1) for axis in frequencies)
    return np.asarray(y[:, None] * x)


def _around(y: Image, x: Image) -> Image:
    """Position (Y, X) of the direction of a frequency on the square around 0: from -1 to 7, 1 at the first diagonal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = np.where(np.abs(x) >= np.abs(y), np.where(x >= 0, 0, 4) + y / x, np.where(y >= 0, 2, 6) - x / y)
    return np.nan_to_num(beside)


def iter_cvt(stack: Stack, config: PyramidConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the curvelets of largest regional magnitude and the mean of the coarse images.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="cvt", config=ff.PyramidConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    return (yield from iter_transformed(stack, Curvelets(stack.shape, config.levels)))
