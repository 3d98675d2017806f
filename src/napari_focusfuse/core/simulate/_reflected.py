"""Reflected light through any objective: the views through the points of its aperture, put together.

Rays add up as they are. Light waves do as well, if each view passes the detail that waves through its point can make: a
frequency comes from pairs of points of the pupil that lie as far apart, and the ray is the middle of the pair (the
pupil's Wigner distribution). In focus that is the optical transfer function, aberrations and all.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import PSF, Wave
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.simulate._aperture import Aperture, aperture_named, wave_aperture
from napari_focusfuse.core.simulate._field import Field, Spectrum
from napari_focusfuse.core.simulate._optics import best_focus, pupil, wave
from napari_focusfuse.core.simulate._rays import iter_views
from napari_focusfuse.core.simulate._relief import Relief

__all__ = ["Lens", "reflected"]

#: Neighbouring views that pass the same detail.
_TOGETHER = 2
Point = NDArray[np.float64]


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
