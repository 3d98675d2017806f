"""Phase congruency that the fused image keeps: Qp.

P. Kovesi, "Image features from phase congruency", Videre 1 (1999) 1-26, and "Phase congruency detects corners and
edges", Proc. DICTA 2003, 309-318. Constants, the noise threshold and the treatment of odd sides are those of the
toolbox that the metric's published values were made with; images are periodic.

J. Zhao, R. Laganiere, Z. Liu, "Performance assessment of combinative pixel-level image fusion based on an absolute
feature measurement", Int. J. Innov. Comput. Inf. Control 3 (2007) 1433-1447. Constants are those of the toolbox that
published values were made with.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_focusfuse.core.metrics.metric import Image, Metric, ratio

__all__ = ["QP", "Features", "features", "qp"]

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
_NO_ENERGY = 1e-4


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
    total, split = (xx + yy) / half, np.hypot(xy / (2 * half), (xx - yy) / half) + _NO_ENERGY
    return Features(energy / (amplitude + _NO_ENERGY), (total + split) / 2, (total - split) / 2)


def _energy(spectrum: Spectrum, filters: list[Image]) -> tuple[Image, Image]:
    """Energy that is in phase, above noise and at enough scales, and the amplitude, for one orientation.

    With responses r_s, amplitudes A_s = abs(r_s) and the unit vector u of their sum, that is
    W max(sum_s (r_s . u - abs(r_s x u)) - T, 0) and sum_s A_s.
    """
    responses = [fft.ifft2(spectrum * one) for one in filters]
    amplitudes = np.abs(responses)
    amplitude, largest = amplitudes.sum(axis=0), amplitudes.max(axis=0)
    mean = np.sum(responses, axis=0)
    mean /= np.abs(mean) + _NO_ENERGY
    energy = np.zeros(amplitude.shape)
    for response in responses:
        along = response * mean.conj()
        energy += along.real - np.abs(along.imag)
    spread = amplitude / (largest + _NO_ENERGY) / _SCALES
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


#: Phase congruency above which a pixel of a source belongs to a feature.
_FEATURE = 0.1
_STEADY = 1e-4
_SIGMA, _RADIUS = 1.5, 5


def qp(sources: Sequence[Image], fused: Image) -> float:
    """Phase congruency metric Qp = P_p P_M P_m, in [-1, 1].

    Each factor is of one map: phase congruency p, its largest moment M (edges) and its least moment m (corners). It is
    the mean, over the pixels where some source has p > 0.1, of the largest correlation

        (cov(s, f) + 0.0001) / (sqrt(var(s) var(f)) + 0.0001)

    of the fused map f, in a Gaussian window of 11 x 11 px with zeros around the image, with each source map s that is
    a feature there and with their selection. Source maps are 0 outside features and the fused one is not, as in the
    toolbox, so that a copy of equal sources scores a little less than 1.

    Parameters
    ----------
    sources : sequence of N (Y, X) float64
        The selection takes at each pixel the maps of the source with the largest p; that is defined for any N.
    fused : (Y, X) float64

    Returns
    -------
    float
        Where no source has a feature, or the fused image has none: 1 if that is so for both, else 0.

    Notes
    -----
    The constants make the correlation 1 where the fused map does not vary within a window, so that features that are
    lost without a trace do not lower the score. Only for an image without any is that put right here.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3, blur=2)
    >>> images = scene.truth, ff.fuse(scene.stack, method="mean").image
    >>> scores = [ff.measure(scene.stack, image, metrics=["qp"])["qp"] for image in images]
    >>> [round(score, 2) for score in scores]
    [0.65, 0.77]
    """
    target = _Windowed(features(fused))
    strongest: Image | None = None
    best = np.full((3, *fused.shape), -np.inf)
    for source in sources:
        found = np.asarray(features(source))
        strongest = found if strongest is None else np.where(found[0] > strongest[0], found, strongest)
        _keep_best(best, found, target)
    wanted = np.zeros(fused.shape, bool) if strongest is None else strongest[0] > _FEATURE
    anything = bool((target.maps[0] > _FEATURE).any())
    if strongest is None or not wanted.any() or not anything:
        return float(anything == wanted.any())
    _keep_best(best, strongest, target)
    return float(np.prod(best[:, wanted].mean(axis=1)))


class _Windowed:
    """The three maps of the fused image with their means and variances."""

    def __init__(self, found: Features) -> None:
        self.maps = np.asarray(found)
        self.mean = _mean(self.maps)
        self.variance = _mean(self.maps**2) - self.mean**2


def _keep_best(best: Image, found: Image, target: _Windowed) -> None:
    """Raise `best` (3, Y, X) to the correlations of these maps where they are features, and to 0 elsewhere.

    Where a source is no feature the toolbox takes 0, so that a negative correlation with the others does not count.
    """
    feature = found[0] > _FEATURE
    here = found * feature
    mean = _mean(here)
    variance = _mean(here**2) - mean**2
    covariance = _mean(here * target.maps) - mean * target.mean
    likeness = ratio(covariance + _STEADY, np.sqrt(np.abs(variance * target.variance)) + _STEADY, 0.0)
    np.maximum(best, np.where(feature, likeness, 0.0), out=best)


def _mean(maps: Image) -> Image:
    """Weighted mean around each pixel of maps (3, Y, X)."""
    return np.asarray(ndimage.gaussian_filter(maps, _SIGMA, axes=(-2, -1), mode="constant", radius=_RADIUS))


QP = Metric(
    name="qp",
    title="Qp",
    function=qp,
    needs="sources",
    better="high",
    low=-1,
    high=1,
    smallest=2 * _RADIUS + 1,
    measures="whether edges and corners of the sources, found by phase congruency, are in the fused image",
    blind_to="features lost without a trace, what is added where no source has a feature, and smooth areas",
    reference="Zhao, Laganiere, Liu 2007, Int. J. Innov. Comput. Inf. Control 3, 1433-1447",
)
