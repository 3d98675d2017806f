"""From a surface and what is drawn on it to slices, as light puts them together.

The surface is cut into layers. In reflected light they are painted from back to front: the alpha of a layer covers
everything at its depth *or nearer*, so that a defocused layer never lets what lies in front of it shine through, and
what lies behind nearer objects has a texture of its own. On slopes, where the blurred outlines of many layers lie side
by side, that displaces what is out of focus downhill by about one standard deviation of its blur, which no microscope
does; it is left so for the sake of scenes made before (benchmarks/slopes.py measures it). Layers that transmit light
multiply, layers that emit it add up, and a phase object shows only out of focus (contrast of a weak phase object:
2 sin(pi wavelength z f^2)).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.config import Mode
from napari_focusfuse.core.simulate._field import Field, Spectrum
from napari_focusfuse.core.simulate._optics import Optics

__all__ = ["in_focus", "rendered"]

Image = NDArray[np.float32]
Depth = NDArray[np.float64]
#: Layers for each step of the stack.
_LAYERS = 4
#: A surface that rises by no more than this (steps) goes on beneath itself instead of hiding something else.
_CONTINUES = 1.0
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
    mode : {"reflected", "brightfield", "phase", "fluorescence"}
    drawn : (Y, X) array
        Brightness, transmission or phase of the surface.
    depth : (Y, X) array
        Where the surface is, in steps of the stack.
    foci : sequence of float
        Where each slice is focused, in steps.
    optics : Optics
    """
    planes = np.round(depth * _LAYERS) / _LAYERS
    levels = np.unique(planes)
    ends = (min(foci) - levels[-1], max(foci) - levels[0])
    field = Field(drawn.shape, max(len(optics.kernel(float(end))) for end in ends) // 2)
    if mode == "reflected":
        return _covered(field, drawn, planes, foci, optics)
    transfer = _phase_contrast if mode == "phase" else _blur
    total = _summed(field, _substance(mode, drawn), planes, foci, lambda distance: transfer(field, optics, distance))
    return _light(mode, total)


def in_focus(mode: Mode, drawn: Image, optics: Optics) -> Image:
    """The scene (Y, X) with every layer in focus."""
    kernel = optics.kernel(0.0)
    field = Field(drawn.shape, len(kernel) // 2)
    if mode == "phase":
        return np.full_like(drawn, _GROUND)
    sharp = field.image(field.spectrum(_substance(mode, drawn)) * field.transfer(kernel))
    return sharp if mode == "reflected" else _light(mode, sharp)


def _covered(field: Field, drawn: Image, planes: Depth, foci: Sequence[float], optics: Optics) -> Image:
    out = np.zeros((len(foci), *drawn.shape), np.float32)
    hidden = drawn[::-1, ::-1]
    cached = _cached(lambda distance: _blur(field, optics, distance))
    for level in np.unique(planes):
        here = (planes >= level).astype(np.float32)
        alpha = field.spectrum(here)
        colour = field.spectrum(np.where(planes <= level + _CONTINUES, drawn, hidden) * here)
        for k, focus in enumerate(foci):
            blur = cached(focus - level)
            out[k] *= 1 - field.image(alpha * blur)
            out[k] += field.image(colour * blur)
    return out


def _summed(
    field: Field, drawn: Image, planes: Depth, foci: Sequence[float], transfer: Callable[[float], Spectrum]
) -> Image:
    spectra = [np.zeros_like(transfer(0.0)) for _ in foci]
    cached = _cached(transfer)
    for level in np.unique(planes):
        layer = field.spectrum(drawn * (planes == level))
        for k, focus in enumerate(foci):
            spectra[k] += layer * cached(focus - level)
    return np.stack([field.image(spectrum) for spectrum in spectra])


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
