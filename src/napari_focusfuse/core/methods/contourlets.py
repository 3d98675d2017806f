"""Fusion by non-subsampled contourlets.

A. L. da Cunha, J. Zhou, M. N. Do, "The nonsubsampled contourlet transform: theory, design, and applications", IEEE
Trans. Image Process. 15 (2006) 3089-3101. For fusion: Q. Zhang, B. Guo, "Multifocus image fusion using the
nonsubsampled contourlet transform", Signal Processing 89 (2009) 1334-1346.
"""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_focusfuse.config import PyramidConfig
from napari_focusfuse.core.methods.transforms import MARGIN, Image, cut, halvings, iter_transformed, mirrored
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack

__all__ = ["Contourlets", "iter_nsct"]

#: Halvings of the directions at each scale, finest first: 16, 8, 8 and 4 directions; 4 at further ones.
_HALVINGS = (4, 3, 3)
_FURTHER = 2
#: Maximally flat odd polynomials from -1 to 1, by powers of the square: of the pyramid's mapping and of the fans'.
_FLAT, _FLAT_FAN = (3 / 2, -1 / 2), (35 / 16, -35 / 16, 21 / 16, -5 / 16)
_ROOT = 2**0.5


class _Wedge(NamedTuple):
    """Directions: x dominates where it is `flat`, otherwise y; the slopes of the other over that one."""

    flat: bool
    low: float
    high: float

    def halves(self) -> tuple["_Wedge", "_Wedge"]:
        """The wedges of the larger and of the smaller slopes."""
        middle = (self.low + self.high) / 2
        return self._replace(low=middle), self._replace(high=middle)


#: Of the first fan: where x dominates, and where y does.
_FIRST = _Wedge(True, -1, 1), _Wedge(False, -1, 1)


class Contourlets:
    """Non-subsampled contourlets of planes (Y, X), mirrored at their borders: a pyramid, then directions by fans.

    All filters are symmetric and applied to the spectrum, so that every band has the size of the plane, the inverse is
    exact, and a shifted plane has shifted bands. They are the paper's one-dimensional prototypes, mapped by maximally
    flat polynomials to a square for the pyramid and to fans for the directions; those of a coarser scale are dilated.

    Parameters
    ----------
    shape : (int, int)
    levels : int
        Scales, as far as the plane could be halved; what is coarser is the rest.
    margin : int
        Mirrored pixels on each side; without them the transform is periodic.
    """

    def __init__(self, shape: tuple[int, ...], levels: int, margin: int = MARGIN) -> None:
        self._shape = shape
        self._halvings = [*_HALVINGS, *[_FURTHER] * levels][: halvings(shape, levels)]
        self._padded = tuple(fft.next_fast_len(side + 2 * margin, real=True) for side in shape) if margin else shape
        self._y = 2 * np.pi * fft.fftfreq(self._padded[0])[:, None]
        self._x = 2 * np.pi * fft.rfftfreq(self._padded[1])

    def forward(self, plane: Image) -> tuple[Image, list[Image]]:
        """The coarse image and the bands, all (Y, X), finest scale first."""
        spectrum = fft.rfft2(mirrored(plane, self._padded))
        bands: list[Image] = []
        for level, depth in enumerate(self._halvings):
            low, high = _analysis(self._square(level))
            bands += map(self._plane, self._parted(spectrum * high, level, depth))
            spectrum = spectrum * low
        return self._plane(spectrum), bands

    def inverse(self, rest: Image, bands: list[Image]) -> Image:
        """The plane (Y, X) of such coefficients."""
        spectrum, end = fft.rfft2(rest), len(bands)
        for level, depth in reversed(list(enumerate(self._halvings))):
            low, high = _synthesis(self._square(level))
            start = end - 2**depth
            spectrum = spectrum * low + self._joined(iter(bands[start:end]), level, depth) * high
            end = start
        return cut(self._plane(spectrum), self._shape)

    def _plane(self, spectrum: Image) -> Image:
        return np.asarray(fft.irfft2(spectrum, self._padded))

    def _parted(self, spectrum: Image, level: int, depth: int, wedge: _Wedge | None = None) -> Iterator[Image]:
        """The spectrum halved by directions so many times; larger slopes first."""
        if not depth:
            yield spectrum
            return
        for part, half in zip(_analysis(self._fan(level, wedge)), wedge.halves() if wedge else _FIRST, strict=True):
            yield from self._parted(spectrum * part, level, depth - 1, half)

    def _joined(self, bands: Iterator[Image], level: int, depth: int, wedge: _Wedge | None = None) -> Image:
        """The spectrum of which these are the parts."""
        if not depth:
            return np.asarray(fft.rfft2(next(bands)))
        halves = zip(_synthesis(self._fan(level, wedge)), wedge.halves() if wedge else _FIRST, strict=True)
        one, other = (self._joined(bands, level, depth - 1, half) * part for part, half in halves)
        return np.asarray(one + other)

    def _square(self, level: int) -> Image:
        """Mapping of the pyramid, 1 on the square of frequencies below a half, -1 beyond."""
        y, x = (1 + _flat(np.cos(2**level * axis), _FLAT) for axis in (self._y, self._x))
        return np.asarray(y * x / 2 - 1)

    def _fan(self, level: int, wedge: _Wedge | None) -> Image:
        """Mapping of a fan that halves a wedge, 1 at the larger slopes, -1 at the smaller; without one, at large x.

        Fans are sheared so that they fill the wedge: whole multiples of the frequencies, of which the filters are.
        """
        x, y = 2**level * self._x, 2**level * self._y
        if wedge is None:
            return _flat((np.cos(y) - np.cos(x)) / 2, _FLAT_FAN)
        main, other = (x, y) if wedge.flat else (y, x)
        step = max(1.0, 1 / (wedge.high - wedge.low))
        # The cosine of the difference of two frequencies, made of functions of one of them.
        far, near = (np.exp(1j * step * slope * main) for slope in (wedge.low, wedge.high))
        axis = np.exp(1j * step * other)
        return _flat(((near - far) * axis.conj()).real / 2, _FLAT_FAN)


def _flat(x: Image, powers: tuple[float, ...]) -> Image:
    square = x * x
    total = powers[-1] * np.ones_like(x)
    for factor in powers[-2::-1]:
        total *= square
        total += factor
    return np.asarray(total * x)


def _analysis(x: Image) -> tuple[Image, Image]:
    """Responses of the analysis filters to a mapping: of the paper's prototypes, H0(x) and H1(x) = G0(-x)."""
    return (1 + x) / 2 * (_ROOT + (1 - _ROOT) * x), _synthesis(-x)[0]


def _synthesis(x: Image) -> tuple[Image, Image]:
    """Responses of the synthesis filters, G0(x) and G1(x) = H0(-x): H0 G0 + H1 G1 = 1."""
    low = (1 + x) / 2 * (_ROOT + (4 - 3 * _ROOT) * x + (2 * _ROOT - 3) * x**2)
    return low, (1 - x) / 2 * (_ROOT - (1 - _ROOT) * x)


def iter_nsct(stack: Stack, config: PyramidConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the contourlets of largest regional magnitude and the mean of the coarse images.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="nsct", config=ff.PyramidConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    38
    """
    return (yield from iter_transformed(stack, Contourlets(stack.shape, config.levels)))
