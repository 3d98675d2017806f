"""Reflected light through any objective: rays, and what diffraction adds to them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.config import PSF, Wave
from napari_focusfuse.core.simulate._aperture import Aperture, aperture_named, wave_aperture
from napari_focusfuse.core.simulate._field import Field
from napari_focusfuse.core.simulate._optics import wave
from napari_focusfuse.core.simulate._rays import focused, photographed
from napari_focusfuse.core.simulate._relief import Relief

__all__ = ["Lens", "reflected"]

Image = NDArray[np.float32]


class Lens:
    """How an objective sees an opaque scene.

    Geometric optics; for a `Wave`, the disc of diffraction in focus is laid over slices and truth alike. That matches
    wave optics in focus and far from it; in between, the fine rings of a defocused point are missing.

    Parameters
    ----------
    psf : {"gaussian", "disc", "ring"} or Wave
    blur : float
        Growth of the blur, px a step; without meaning for a `Wave`.
    pixel, step : float
        Of pixels and of slices, um.
    """

    def __init__(self, psf: PSF | Wave, blur: float, pixel: float, step: float) -> None:
        self._psf, self._blur, self._pixel, self._step = psf, blur, pixel, step

    def aperture(self, depth: float) -> Aperture:
        """Points enough for a scene that gets `depth` steps out of focus."""
        if isinstance(self._psf, Wave):
            return wave_aperture(self._psf, self._pixel, self._step, depth)
        return aperture_named(self._psf, self._blur, depth)

    def diffracted(self, images: Image) -> Image:
        """Images (N, Y, X) of rays as waves show them."""
        if not isinstance(self._psf, Wave):
            return images
        kernel = wave(replace(self._psf, spherical=0.0), self._pixel, self._step).kernel(0.0)
        field = Field(images.shape[1:], len(kernel) // 2)
        transfer = field.transfer(kernel)
        return np.stack([np.maximum(field.image(field.spectrum(image) * transfer), 0) for image in images])


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
    aperture = lens.aperture(max(high, *foci) - min(low, *foci))
    sharp = focused(relief.seen_from_above(drawn)[1], aperture)
    return lens.diffracted(photographed(relief, drawn, foci, aperture)), lens.diffracted(sharp[None])[0]
