"""Transparent scenes: from a surface and what is drawn on it to slices.

The surface is cut into thin layers; what is drawn on a point belongs to the two layers that it lies between, and what a
layer sends through the aperture is blurred by its distance to the plane of focus. Layers that transmit light add up as
optical densities, layers that emit it as light, and a phase object shows only out of focus (contrast of a weak phase
object: 2 sin(pi wavelength z f^2)).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from napari_focusfuse.config import Mode
from napari_focusfuse.core._types import Depth, Image
from napari_focusfuse.core.simulate._field import Field, Spectrum
from napari_focusfuse.core.simulate._optics import Optics

__all__ = ["in_focus", "rendered"]

#: Layers for each step of the stack.
_LAYERS = 4
#: Least transmission of a specimen in brightfield.
_DARKEST = 0.02
#: Brightness around a phase object, and the phase (rad) of one that is drawn in full contrast.
_GROUND, _PHASE = 0.5, 1.5
#: Bytes for the spectra of kernels.
_CACHE = 2**28


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
