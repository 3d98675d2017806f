"""What an objective makes of a scene, slice by slice: opaque scenes by rays or waves, transparent ones by layers.

Opaque scenes are seen through each point of the aperture. Rays add up as they are. Light waves do as well, if each view
passes the detail that waves through its point can make: a frequency comes from pairs of points of the pupil that lie as
far apart, and the ray is the middle of the pair (the pupil's Wigner distribution). In focus that is the optical
transfer function, aberrations and all.

The surface of transparent scenes is cut into thin layers; what is drawn on a point belongs to the two layers that it
lies between, and what a layer sends through the aperture is blurred by its distance to the plane of focus. Layers that
transmit light add up as optical densities, layers that emit it as light, and a phase object shows only out of focus
(contrast of a weak phase object: 2 sin(pi wavelength z f^2)).
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import PSF, Mode, Wave
from napari_focusfuse.core.simulate.aperture import Aperture, aperture_named, wave_aperture
from napari_focusfuse.core.simulate.optics import Field, Optics, Spectrum, best_focus, disc, gaussian, pupil, ring, wave
from napari_focusfuse.core.simulate.rays import iter_views
from napari_focusfuse.core.simulate.surfaces import Relief
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Lens", "in_focus", "optics_of", "reflected", "rendered"]

#: Widest blur, px of standard deviation.
_WIDEST = 250
#: Neighbouring views that pass the same detail.
_TOGETHER = 2
Image = NDArray[np.float32]
Point = NDArray[np.float64]
Depth = NDArray[np.float64]
#: Layers for each step of the stack.
_LAYERS = 4
#: Least transmission of a specimen in brightfield.
_DARKEST = 0.02
#: Brightness around a phase object, and the phase (rad) of one that is drawn in full contrast.
_GROUND, _PHASE = 0.5, 1.5
#: Bytes for the spectra of kernels.
_CACHE = 2**28


class Lens(NamedTuple):
    """An objective and how its picture is sampled.

    Attributes
    ----------
    psf : {"gaussian", "disc", "ring"} or Wave
    blur : float
        Growth of the blur, px of standard deviation a step; without meaning for a `Wave`.
    pixel, step : float
        Distance of pixels and of slices, um; of meaning for a `Wave`.
    """

    psf: PSF | Wave
    blur: float
    pixel: float
    step: float


def optics_of(lens: Lens, slices: int) -> Optics:
    """How defocus blurs through a lens, which must not be too wide for so many slices."""
    growth = lens.psf.slope * lens.step / (2 * lens.pixel) if isinstance(lens.psf, Wave) else lens.blur
    if growth * (slices - 1) > _WIDEST:
        raise FocusFuseError(
            f"the last slice would be blurred by {growth * (slices - 1):.0f} px where the first is in focus, and "
            f"{_WIDEST} px is possible: give less blur, a smaller step or fewer slices"
        )
    if isinstance(lens.psf, Wave):
        return wave(lens.psf, lens.pixel, lens.step)
    if lens.psf not in get_args(PSF):
        raise FocusFuseError(f"psf {lens.psf!r} is unknown: choose one of {', '.join(get_args(PSF))}, or give a Wave")
    return {"gaussian": gaussian, "disc": disc, "ring": ring}[lens.psf](lens.blur)


def reflected(relief: Relief, drawn: Image, foci: Sequence[float], lens: Lens) -> tuple[Image, Image]:
    """Slices (Z, Y, X) of an opaque scene, and the picture (Y, X) with everything in focus.

    Parameters
    ----------
    relief : Relief
    drawn : (Y, X) array
        Brightness of what is drawn on it.
    foci : sequence of float
        Where each slice is focused, in steps.
    lens : Lens
    """
    low, high = relief.ends()
    depth = max(high, *foci) - min(low, *foci)
    sharp = relief.seen_from_above(drawn)[1]
    if isinstance(lens.psf, Wave):
        aperture = wave_aperture(lens.psf, lens.pixel, lens.step, depth)
        return _by_waves(iter_views(relief, drawn, foci, aperture), sharp, len(foci), (lens, lens.psf, aperture))
    aperture = aperture_named(lens.psf, lens.blur, depth)
    slices = np.zeros((len(foci), *drawn.shape), np.float32)
    for number, k, light in iter_views(relief, drawn, foci, aperture):
        slices[k] += np.float32(aperture.weights[number]) * light
    return np.maximum(slices, 0), sharp


def _by_waves(
    views: Iterator[tuple[int, int, Image]], sharp: Image, count: int, through: tuple[Lens, Wave, Aperture]
) -> tuple[Image, Image]:
    lens, optics, aperture = through
    field = Field(sharp.shape, len(wave(optics, lens.pixel, lens.step).kernel(0.0)) // 2)
    spectra = np.zeros((count + 1, *field.frequency.shape), np.complex64)
    for numbers in np.array_split(np.arange(len(aperture.weights)), math.ceil(len(aperture.weights) / _TOGETHER)):
        gathered = np.zeros((count, *sharp.shape), np.float32)
        for _, k, light in itertools.islice(views, len(numbers) * count):
            gathered[k] += light
        places = aperture.places[numbers]
        passed = sum(_passed(field, optics, lens.pixel, place) for place in places) / np.float32(len(places))
        for k, light in enumerate([*gathered, np.float32(len(numbers)) * sharp]):
            spectra[k] += field.spectrum(light) * passed
    images = np.stack([field.image(spectrum / np.float32(len(aperture.weights))) for spectrum in spectra])
    images = np.maximum(images, 0)
    return images[:-1], images[-1]


def _passed(field: Field, optics: Wave, pixel: float, place: Point) -> Spectrum:
    """What a view through a place of the pupil keeps of each frequency, pixels being as large as their distance."""
    apart = [f * optics.wavelength / (optics.na * pixel) for f in field.frequencies]
    ends = (np.hypot(*(p + sign * a / 2 for p, a in zip(place, apart, strict=True))) for sign in (1, -1))
    one, other = (pupil(optics, best_focus(optics, pixel), rho) for rho in ends)
    area = np.sinc(field.frequencies[0]) * np.sinc(field.frequencies[1])
    return np.asarray(one * other.conj() * area, dtype=np.complex64)


def rendered(mode: Mode, drawn: Image, depth: Depth, foci: Sequence[float], optics: Optics) -> Image:
    """Slices (Z, Y, X) of a scene, as light falls on the camera.

    Parameters
    ----------
    mode : {"brightfield", "phase", "fluorescence"}
    drawn : (Y, X) array
        Transmission, phase or brightness of the surface.
    depth : (Y, X) array
        Where the surface is, in steps of the stack.
    foci : sequence of float
        Where each slice is focused, in steps.
    optics : Optics
    """
    ends = (min(foci) - depth.max() - 1, max(foci) - depth.min() + 1)
    field = Field(drawn.shape, max(len(optics.kernel(float(end))) for end in ends) // 2)
    transfer = _phase_contrast if mode == "phase" else _blur
    cached = _cached(lambda distance: transfer(field, optics, distance))
    return _light(mode, _summed(field, _substance(mode, drawn), depth, foci, cached))


def in_focus(mode: Mode, drawn: Image, optics: Optics) -> Image:
    """The scene (Y, X) with every layer in focus."""
    kernel = optics.kernel(0.0)
    field = Field(drawn.shape, len(kernel) // 2)
    if mode == "phase":
        return np.full_like(drawn, _GROUND)
    sharp = field.image(field.spectrum(_substance(mode, drawn)) * field.transfer(kernel))
    return _light(mode, sharp)


def _summed(
    field: Field, drawn: Image, depth: Depth, foci: Sequence[float], transfer: Callable[[float], Spectrum]
) -> Image:
    spectra = [np.zeros_like(transfer(0.0)) for _ in foci]
    for level, share in _iter_layers(depth):
        there = drawn * share
        if not there.any():
            continue
        layer = field.spectrum(there)
        for k, focus in enumerate(foci):
            spectra[k] += layer * transfer(focus - level)
    return np.stack([field.image(spectrum) for spectrum in spectra])


def _iter_layers(depth: Depth) -> Iterator[tuple[float, Image]]:
    """Where each layer lies, in steps, and how much of each point (Y, X) belongs to it."""
    steps = depth * _LAYERS
    for level in range(int(np.floor(steps.min())), int(np.ceil(steps.max())) + 1):
        share = np.maximum(1 - np.abs(steps - level), 0)
        if share.any():
            yield level / _LAYERS, share.astype(np.float32)


def _substance(mode: Mode, drawn: Image) -> Image:
    """What adds up along the light's way: optical density, phase, or light itself."""
    if mode == "brightfield":
        return -np.log(np.maximum(drawn, _DARKEST))
    return _PHASE * (drawn - np.float32(0.5)) if mode == "phase" else drawn


def _light(mode: Mode, total: Image) -> Image:
    if mode == "brightfield":
        return np.exp(-total)
    return _GROUND * (1 + total) if mode == "phase" else total


def _blur(field: Field, optics: Optics, distance: float) -> Spectrum:
    return field.transfer(optics.kernel(distance))


def _phase_contrast(field: Field, optics: Optics, distance: float) -> Spectrum:
    """Contrast by defocus under a condenser of half the aperture."""
    contrast = 2 * np.sin(np.pi * optics.diffraction * distance * field.frequency**2)
    return np.asarray(field.transfer(optics.kernel(distance / 2)) * contrast, dtype=np.complex64)


def _cached(transfer: Callable[[float], Spectrum]) -> Callable[[float], Spectrum]:
    """Even slices come back to the same distances, to a millionth of a step; as many are kept as there is room."""
    room = max(1, _CACHE // transfer(0.0).nbytes)
    kept = lru_cache(maxsize=room)(transfer)
    return lambda distance: kept(round(float(distance), 6))
