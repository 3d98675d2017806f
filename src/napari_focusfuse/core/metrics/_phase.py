"""Phase congruency: how far the wave components of an image agree in phase at each pixel, by log-Gabor filters.

P. Kovesi, "Image features from phase congruency", Videre 1 (1999) 1-26, and "Phase congruency detects corners and
edges", Proc. DICTA 2003, 309-318. Constants, the noise threshold and the treatment of odd sides are those of the
toolbox that the metric's published values were made with; images are periodic.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_focusfuse.core.metrics._metric import Image
from napari_focusfuse.core.metrics._pool import ratio

__all__ = ["Features", "features"]

Spectrum = NDArray[np.complex128]
_SCALES, _ORIENTATIONS = 4, 6
#: Wavelength of the finest filter, px; factor to the next one; bandwidth as ratio of deviation to frequency.
_WAVELENGTH, _FACTOR, _BANDWIDTH = 3.0, 2.1, 0.55
#: Distance of orientations as a multiple of the filters' angular deviation.
_ANGULAR = 1.2
#: Low-pass filter (Butterworth) that takes off the corners of the spectrum.
_CUTOFF, _ORDER = 0.45, 15
#: Deviations above the mean noise that count, and by how much its energy is overestimated (Kovesi's estimate).
_DEVIATIONS, _OVERESTIMATE = 2.0, 1.7
#: Share of the scales that should respond, and how sharply fewer count less.
_SPREAD, _SHARPNESS = 0.5, 10.0
#: In units of intensity, so that an image in 0..255 has other features than the same one in 0..1.
_SMALL = 1e-4


class Features(NamedTuple):
    """Maps (Y, X) of an image: phase congruency in [0, 1], its largest and least moment (edges, corners)."""

    congruency: Image
    edges: Image
    corners: Image


def features(image: Image) -> Features:
    """Phase congruency over all orientations, and the moments of its covariance."""
    spectrum = fft.fft2(image)
    energy = amplitude = xx = yy = xy = np.zeros(image.shape)
    for angle, filters in _filters(image.shape):
        here, total = _energy(spectrum, filters)
        energy, amplitude = energy + here, amplitude + total
        congruency = ratio(here, total, 0.0)
        x, y = congruency * np.cos(angle), congruency * np.sin(angle)
        xx, yy, xy = xx + x * x, yy + y * y, xy + x * y
    half = _ORIENTATIONS / 2
    total, split = (xx + yy) / half, np.hypot(xy / (2 * half), (xx - yy) / half) + _SMALL
    return Features(energy / (amplitude + _SMALL), (total + split) / 2, (total - split) / 2)


def _energy(spectrum: Spectrum, filters: list[Image]) -> tuple[Image, Image]:
    """Energy that is in phase, above noise and at enough scales, and the amplitude, for one orientation.

    With responses r_s, amplitudes A_s = abs(r_s) and the unit vector u of their sum, that is
    W max(sum_s (r_s . u - abs(r_s x u)) - T, 0) and sum_s A_s.
    """
    responses = [fft.ifft2(spectrum * one) for one in filters]
    amplitudes = np.abs(responses)
    amplitude, largest = amplitudes.sum(axis=0), amplitudes.max(axis=0)
    mean = np.sum(responses, axis=0)
    mean /= np.abs(mean) + _SMALL
    energy = np.zeros(amplitude.shape)
    for response in responses:
        along = response * mean.conj()
        energy += along.real - np.abs(along.imag)
    spread = amplitude / (largest + _SMALL) / _SCALES
    weight = 1 / (1 + np.exp((_SPREAD - spread) * _SHARPNESS))
    return weight * np.maximum(energy - _threshold(amplitudes[0], filters), 0), amplitude


def _threshold(finest: Image, filters: list[Image]) -> float:
    """Energy that noise hardly exceeds.

    At the finest scale squared amplitudes of noise are exponential with the median ln 2 of the mean, which is the
    noise power times the energy of that filter. The energy over the scales is then Rayleigh with
    tau^2 = power sum (sum_s Re g_s)^2; g_s are the filters in space, whose real parts have an even spectrum.
    """
    power = np.median(finest**2) / np.log(2) / (filters[0] ** 2).sum()
    whole = np.sum(filters, axis=0)
    even = (whole + np.roll(whole[::-1, ::-1], 1, axis=(0, 1))) / 2
    tau = np.sqrt(power * (even**2).sum())
    return float(tau * (np.sqrt(np.pi / 2) + _DEVIATIONS * np.sqrt(2 - np.pi / 2)) / _OVERESTIMATE)


def _filters(shape: tuple[int, ...]) -> Iterator[tuple[float, list[Image]]]:
    """Each angle with its filters, finest first: real, one-sided in the frequency plane, 0 at frequency 0."""
    u, v = _frequencies(shape[1], ends=True)[None, :], -_frequencies(shape[0], ends=True)[:, None]
    radius, direction = np.hypot(u, v), np.arctan2(v, u)
    radius[0, 0] = 1
    distance = np.hypot(_frequencies(shape[1])[None, :], _frequencies(shape[0])[:, None])
    low_pass = 1 / (1 + (distance / _CUTOFF) ** (2 * _ORDER))
    low_pass[0, 0] = 0
    bands = [
        low_pass * np.exp(-((np.log(radius * _WAVELENGTH * _FACTOR**scale) / np.log(_BANDWIDTH)) ** 2) / 2)
        for scale in range(_SCALES)
    ]
    for angle in np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS:
        away = np.abs((direction - angle + np.pi) % (2 * np.pi) - np.pi)
        window = np.exp(-((away * _ORIENTATIONS * _ANGULAR / np.pi) ** 2) / 2)
        yield float(angle), [band * window for band in bands]


def _frequencies(length: int, *, ends: bool = False) -> NDArray[np.float64]:
    """Frequencies of a Fourier transform; with `ends` those of an odd length reach 0.5, as in the toolbox."""
    steps = np.round(fft.fftfreq(length) * length)
    return np.asarray(steps / (length - 1 if ends and length % 2 else length))
