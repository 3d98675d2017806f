"""Blur by defocus: point spread functions of four families, each non-negative and of sum 1; convolution with them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, optimize, special

from napari_focusfuse.config import Wave
from napari_focusfuse.errors import FocusFuseError

__all__ = ["RING", "Field", "Optics", "Spectrum", "best_focus", "disc", "gaussian", "pupil", "ring", "wave"]

Kernel = NDArray[np.float32]
_SUBPIXELS = 8
#: How far the rings of diffraction are followed, in critical pixels.
_RINGS = 12
#: Share of its radius up to which a ring is dark.
RING = 0.7
Image = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Optics:
    """How defocus blurs.

    Attributes
    ----------
    kernel : callable
        From the signed distance to the plane of focus, in steps of the stack, to the kernel (K, K), K odd, of sum 1.
    diffraction : float
        Wavelength times step over the square of the pixel: what turns phase into contrast.
    """

    kernel: Callable[[float], Kernel]
    diffraction: float


def gaussian(growth: float) -> Optics:
    """Gaussian whose standard deviation grows by `growth` px a step."""
    return Optics(partial(_gaussian, growth), 8 * growth)


def disc(growth: float) -> Optics:
    """Evenly lit disc of geometric optics, of the same standard deviation (half its radius) as the Gaussian's.

    Its diffraction, as the Gaussian's, is that of a small aperture whose finest detail has two pixels.
    """
    return Optics(partial(_disc, growth), 8 * growth)


def ring(growth: float) -> Optics:
    """Ring, as through a mirror objective, of the same standard deviation; its diffraction is that of the disc."""
    return Optics(partial(_ring, growth), 8 * growth)


def wave(optics: Wave, pixel: float, step: float) -> Optics:
    """Diffraction by a round pupil (Born and Wolf, Sect. 8.8, with the exact path length of defocus).

    Parameters
    ----------
    optics : Wave
    pixel, step : float
        Of pixels and of slices, um.
    """
    if pixel > 8 * optics.critical_pixel:
        raise FocusFuseError(
            f"pixels of {pixel:g} um are more than 8 times too large for an aperture of {optics.na:g} "
            f"(at most {8 * optics.critical_pixel:.3g} um): give a smaller pixel_size or aperture"
        )
    centred = partial(_wave, optics, pixel, step, best_focus(optics, pixel))
    return Optics(centred, optics.wavelength * step / (optics.index * pixel**2))


def _gaussian(growth: float, distance: float) -> Kernel:
    """The discrete Gaussian (Lindeberg 1990); samples of a continuous one blur nothing below a third of a pixel."""
    variance = (growth * distance) ** 2
    radius = int(np.ceil(4 * np.sqrt(variance))) + 1 if variance else 0
    line = special.ive(np.abs(np.arange(-radius, radius + 1)), variance)
    return _normalised(np.outer(line, line))


def _disc(growth: float, distance: float) -> Kernel:
    """Each pixel weighs the share of its area that the disc covers.

    To have a pixel's light in its centre makes small discs wider or narrower than they are. A disc that is too wide is
    taken smaller, and three taps widen what is too narrow.
    """
    variance = (growth * distance) ** 2
    radius = 2 * np.sqrt(variance)
    half = int(np.ceil(radius + 0.5)) + 1
    kernel = _covered_area(radius, half)
    while _variance(kernel) > 1.01 * variance:
        radius *= np.sqrt(variance / _variance(kernel))
        kernel = _covered_area(radius, half)
    tap = max(variance - _variance(kernel), 0) / 2
    for axis in (0, 1):
        kernel = ndimage.convolve1d(kernel, [tap, 1 - 2 * tap, tap], axis, mode="constant")
    return _normalised(kernel)


def _ring(growth: float, distance: float) -> Kernel:
    """A disc less a smaller one, which has the share of its light that it has of its area."""
    outer = distance / math.sqrt(1 + RING**2)
    kernel = _disc(growth, outer)
    inner = RING**2 * _disc(growth, RING * outer)
    margin = (len(kernel) - len(inner)) // 2
    return _normalised(np.maximum(kernel - np.pad(inner, margin), 0))


def _covered_area(radius: float, half: int) -> NDArray[np.float64]:
    fine = (np.arange((2 * half + 1) * _SUBPIXELS) + 0.5) / _SUBPIXELS - half - 0.5
    inside = fine[:, None] ** 2 + fine**2 <= radius**2
    covered = inside.reshape(2 * half + 1, _SUBPIXELS, 2 * half + 1, _SUBPIXELS).mean((1, 3))
    if radius < 1 / _SUBPIXELS:
        covered[half, half] = 1
    return np.asarray(covered / covered.sum())


def _variance(kernel: NDArray[np.float64]) -> float:
    half = len(kernel) // 2
    return float(kernel.sum(0) @ np.arange(-half, half + 1.0) ** 2)


@lru_cache(maxsize=64)
def best_focus(optics: Wave, pixel: float) -> float:
    """Where the kernel is sharpest, um: spherical aberration moves that away from the paraxial focus."""
    if not optics.spherical:
        return 0.0

    def spread(defocus: float) -> float:
        return -float((_wave(optics, pixel, 1.0, defocus, 0.0) ** 2).sum())

    reach = (1 + 16 * abs(optics.spherical)) * optics.depth_of_field
    start = min(np.linspace(-reach, reach, 65), key=spread)
    near = (start - reach / 32, start + reach / 32)
    return float(optimize.minimize_scalar(spread, bounds=near, method="bounded").x)


def _wave(optics: Wave, pixel: float, step: float, focus: float, distance: float) -> Kernel:
    """Intensity of the pupil's Fourier transform, over the area of each pixel."""
    fine = 2 * int(np.ceil(pixel / optics.critical_pixel)) + 1
    defocus = distance * step + focus
    half = int(np.ceil((_spread(optics, defocus) + _RINGS * optics.critical_pixel) / pixel))
    size = fft.next_fast_len(int(2.5 * half * fine))
    frequency = fft.fftfreq(size, pixel / fine)
    # Beyond the aperture, which is most of the plane, the pupil is dark.
    lit = np.flatnonzero(np.abs(frequency) * optics.wavelength / optics.na <= 1)
    rho = np.hypot(*np.meshgrid(*2 * [frequency[lit]], indexing="ij")) * optics.wavelength / optics.na
    whole = np.zeros((size, size), np.complex128)
    whole[np.ix_(lit, lit)] = pupil(optics, defocus, rho)
    intensity = ndimage.uniform_filter(fft.fftshift(np.abs(fft.ifft2(whole)) ** 2), fine, mode="wrap")
    line = size // 2 + fine * np.arange(-half, half + 1)
    return _normalised(intensity[np.ix_(line, line)])


def pupil(optics: Wave, defocus: float, rho: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Light of an objective that is `defocus` um from focus, at distances from the pupil's centre, 1 at its rim."""
    if not (defocus or optics.spherical):
        return np.asarray(rho <= 1, dtype=np.complex128)
    path = np.sqrt(np.maximum(optics.index**2 - (optics.na * rho) ** 2, 0)) * defocus / optics.wavelength
    aberration = optics.spherical * np.sqrt(5) * (6 * rho**4 - 6 * rho**2 + 1)
    return np.asarray((rho <= 1) * np.exp(2j * np.pi * (path + aberration)))


def _spread(optics: Wave, defocus: float) -> float:
    """How far rays land from the centre, um: those of the rim by defocus, and by the slope of the aberration there."""
    aberrated = 12 * math.sqrt(5) * abs(optics.spherical) * optics.wavelength / optics.na
    return 1.2 * optics.slope * abs(defocus) + aberrated


def _normalised(kernel: NDArray[np.floating]) -> Kernel:
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


class Field:
    """Convolution by the Fourier transform, on a field that goes on as its mirror image beyond its borders."""

    def __init__(self, shape: tuple[int, ...], margin: int) -> None:
        self._shape, self._margin = shape, margin
        self._size = [fft.next_fast_len(n + 2 * margin, real=True) for n in shape]
        #: Frequencies along y and x, cycles a pixel, and their distance from zero.
        self.frequencies = fft.fftfreq(self._size[0])[:, None], fft.rfftfreq(self._size[1])[None]
        self.frequency = np.hypot(*self.frequencies).astype(np.float32)

    def spectrum(self, image: NDArray[np.floating]) -> Spectrum:
        """Spectrum of an image with its margin."""
        around = [(self._margin, size - n - self._margin) for n, size in zip(image.shape, self._size, strict=True)]
        return np.asarray(fft.rfft2(np.pad(image.astype(np.float32), around, mode="symmetric")))

    def transfer(self, kernel: Image) -> Spectrum:
        """Spectrum of a kernel that is centred on the first pixel."""
        whole = np.zeros(self._size, np.float32)
        whole[: len(kernel), : len(kernel)] = kernel
        half = len(kernel) // 2
        return np.asarray(fft.rfft2(np.roll(whole, (-half, -half), (0, 1))))

    def image(self, spectrum: Spectrum) -> Image:
        """Back to an image, without the margin."""
        y, x = self._shape
        whole = fft.irfft2(spectrum, self._size)
        return np.asarray(whole[self._margin : self._margin + y, self._margin : self._margin + x])
