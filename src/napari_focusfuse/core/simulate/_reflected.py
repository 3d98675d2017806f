"""Reflected light through any objective: the views through the points of its aperture, put together.

Rays add up as they are. Light waves do as well, if each view passes the detail that waves through its point can make: a
frequency comes from pairs of points of the pupil that lie as far apart, and the ray is the middle of the pair (the
pupil's Wigner distribution). In focus that is the optical transfer function, aberrations and all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.config import PSF, Wave
from napari_focusfuse.core.simulate._aperture import aperture_named, wave_aperture
from napari_focusfuse.core.simulate._field import Field, Spectrum
from napari_focusfuse.core.simulate._optics import best_focus, pupil, wave
from napari_focusfuse.core.simulate._rays import iter_views
from napari_focusfuse.core.simulate._relief import Relief

__all__ = ["reflected", "reflected_by_waves"]

Image = NDArray[np.float32]
Point = NDArray[np.float64]


def reflected(relief: Relief, drawn: Image, foci: Sequence[float], psf: PSF, blur: float) -> tuple[Image, Image]:
    """Slices (Z, Y, X) of an opaque scene, and the picture (Y, X) with everything in focus.

    Parameters
    ----------
    relief : Relief
    drawn : (Y, X) array
        Brightness of what is drawn on it.
    foci : sequence of float
        Where each slice is focused, in steps.
    psf : {"gaussian", "disc", "ring"}
    blur : float
        Its growth, px of standard deviation a step.
    """
    aperture = aperture_named(psf, blur, _depth(relief, foci))
    slices = np.zeros((len(foci), *drawn.shape), np.float32)
    for number, k, light in iter_views(relief, drawn, foci, aperture):
        slices[k] += np.float32(aperture.weights[number]) * light
    return np.maximum(slices, 0), relief.seen_from_above(drawn)[1]


def reflected_by_waves(
    relief: Relief, drawn: Image, foci: Sequence[float], optics: Wave, sampling: tuple[float, float]
) -> tuple[Image, Image]:
    """The same by wave optics.

    Parameters
    ----------
    relief, drawn, foci
        See `reflected`.
    optics : Wave
    sampling : (float, float)
        Distance of pixels and of slices, um.
    """
    pixel, step = sampling
    aperture = wave_aperture(optics, pixel, step, _depth(relief, foci))
    field = Field(drawn.shape, len(wave(optics, pixel, step).kernel(0.0)) // 2)
    spectra = np.zeros((len(foci), *field.frequency.shape), np.complex64)
    whole, passed, latest = np.zeros_like(spectra[0]), np.zeros_like(spectra[0]), -1
    for number, k, light in iter_views(relief, drawn, foci, aperture):
        if number != latest:
            latest, passed = number, _passed(field, optics, pixel, aperture.places[number])
            passed *= np.float32(aperture.weights[number])
            whole += passed
        spectra[k] += field.spectrum(light) * passed
    sharp = field.image(field.spectrum(relief.seen_from_above(drawn)[1]) * whole)
    return np.stack([np.maximum(field.image(spectrum), 0) for spectrum in spectra]), np.maximum(sharp, 0)


def _depth(relief: Relief, foci: Sequence[float]) -> float:
    """How far from focus a scene gets, in steps."""
    low, high = relief.ends()
    return max(high, *foci) - min(low, *foci)


def _passed(field: Field, optics: Wave, pixel: float, place: Point) -> Spectrum:
    """What a view through a place of the pupil keeps of each frequency, pixels being as large as their distance."""
    apart = [f * optics.wavelength / (optics.na * pixel) for f in field.frequencies]
    ends = (np.hypot(*(p + sign * a / 2 for p, a in zip(place, apart, strict=True))) for sign in (1, -1))
    one, other = (pupil(optics, best_focus(optics, pixel), rho) for rho in ends)
    area = np.sinc(field.frequencies[0]) * np.sinc(field.frequencies[1])
    return np.asarray(one * other.conj() * area, dtype=np.complex64)
