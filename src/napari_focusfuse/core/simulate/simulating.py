"""Simulate a focus stack, and the scenes of the sample data."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import PSF, Camera, Flaws, Mode, Surface, Texture, Wave
from napari_focusfuse.config.setting import whole, within
from napari_focusfuse.core.simulate.flaws import (
    glints,
    haze,
    movement,
    rows_missing,
    window,
    with_highlights,
    with_motion,
)
from napari_focusfuse.core.simulate.optics import Optics
from napari_focusfuse.core.simulate.rendering import Lens, in_focus, optics_of, reflected, rendered
from napari_focusfuse.core.simulate.scene import Scene, counted
from napari_focusfuse.core.simulate.surfaces import Relief, hanging, surface_named, texture_named
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Sample", "sample_scene", "simulate"]

#: Light of a glint that spoils a pixel.
_GLINTS = 0.002
Sample = Literal["surface", "fibres", "cells"]


def simulate(
    shape: tuple[int, int] = (256, 320),
    slices: int = 12,
    *,
    surface: Surface | NDArray[np.floating[Any]] = "smooth",
    sheets: Sequence[tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]] = (),
    texture: Texture | NDArray[np.floating[Any]] = "grains",
    mode: Mode = "reflected",
    psf: PSF | Wave = "gaussian",
    blur: float = 1.0,
    noise: float = 0.0,
    camera: Camera | None = None,
    flaws: Flaws | None = None,
    z: Sequence[float] | None = None,
    z_step: float | None = None,
    pixel_size: float | None = None,
    seed: int = 0,
) -> Scene:
    """Simulate a focus stack.

    Parameters
    ----------
    shape : (int, int)
        Height and width, px.
    slices : int
        Number of slices, at least 2.
    surface : {"smooth", "steps", "plane", "blocks", "spheres", "fibres", "rough", "beyond"} or (Y, X) float array
        Shape of the scene: rolling hills, separate plateaus, a plane tilted along x, turned rectangles at many heights,
        balls over hills, thin fibres that cross over a background, hills with bumps, or hills that reach beyond both
        ends of the stack. An array is a height map in slices, larger is nearer; there is a wall where it jumps.
    sheets : sequence of (height, mask)
        What floats over the surface without a wall beneath: a height map (Y, X) in slices, and its mask. Out of focus
        the surface is visible behind it.
    texture : {"grains", "cloud", "beads", "leaves"} or (Y, X) float array in [0, 1]
        What is drawn on the surface; an image must be at least as large as `shape`.
    mode : {"reflected", "brightfield", "phase", "fluorescence"}
        Opaque and lit from above; absorbing; a phase object, whose contrast is least in focus (its truth is an empty
        field, but its depth is known); or emitting, where out-of-focus light adds up.
    psf : {"gaussian", "disc", "ring", "wave"} or Wave
        Family of the blur: of a round aperture, soft or evenly lit, of a mirror objective, or of light waves. "wave" is
        ``Wave()``.
    blur : float
        Growth of the blur, px of standard deviation for each step out of focus. For a `Wave` it sets the step, by the
        outermost rays, where neither `z` nor `z_step` does, and means nothing else.
    noise : float
        Standard deviation of Gaussian noise, share of full scale: short for ``camera=Camera(noise=noise)``.
    camera : Camera, optional
        Noise and bit depth.
    flaws : Flaws, optional
        Dust, drift, flicker and other nuisances.
    z : sequence of float, optional
        Positions of the slices, um, rising, evenly spaced or not; by default ``z_step`` times 0, 1, 2...
    z_step, pixel_size : float, optional
        Distance of slices and of pixels, um. 1 by default; with a `Wave`, the pixel that its aperture needs and the
        step that gives `blur`. They change the image of a `Wave` only.
    seed : int
        Seed of everything random; the same seed gives the same scene (on other machines, at most 1 count apart).

    Returns
    -------
    Scene

    Raises
    ------
    FocusFuseError
        A setting is unknown or out of range, or the texture is too small.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 80), 5, surface="steps", camera=ff.Camera(full_well=2000, bits=12))
    >>> scene.stack.shape, scene.stack.dtype.name, int(scene.stack.max()) < 4096
    ((5, 64, 80), 'uint16', True)
    """
    _check(shape, slices, mode, blur, seed)
    if camera is not None and noise:
        raise FocusFuseError("noise is a shorthand for a camera with that noise: give one or the other")
    if z is not None and z_step is not None:
        raise FocusFuseError("z gives the positions of the slices: leave z_step out")
    camera, flaws = camera or Camera(noise=noise), flaws or Flaws()
    pixel_size, z_step = _sampling(psf, blur, pixel_size, z_step)
    positions = _positions(z, slices, z_step)
    lens = Lens(Wave() if psf == "wave" else psf, blur, pixel_size, float(np.mean(np.diff(positions))))
    taking = _Taking(mode, lens, optics_of(lens, slices), positions, camera, flaws, seed)
    rng = np.random.default_rng(seed)
    drawn = with_highlights(_drawn(texture, rng, shape), flaws.highlights, rng)
    relief = _relief(surface, sheets, rng, shape, slices)
    return _taken(taking, relief, drawn, rng)


class _Taking(NamedTuple):
    """How a stack is taken: the light, the optics, where the slices lie (um), the camera and what spoils them."""

    mode: Mode
    lens: Lens
    optics: Optics
    positions: NDArray[np.float64]
    camera: Camera
    flaws: Flaws
    seed: int


def _taken(taking: _Taking, relief: Relief, drawn: NDArray[np.float32], rng: np.random.Generator) -> Scene:
    """The stack of a scene, and its truth."""
    positions, flaws, slices, step = taking.positions, taking.flaws, len(taking.positions), taking.lens.step
    foci = (positions - positions[0]) / step
    shape = relief.ground.shape
    motion, light = movement(flaws, slices, rng), window(flaws, shape, rng)
    steps, seen = relief.seen_from_above(drawn)
    if taking.mode == "reflected":
        clean, sharp = reflected(relief, drawn, foci.tolist(), taking.lens)
    else:
        clean = rendered(taking.mode, seen, steps, foci.tolist(), taking.optics)
        sharp = in_focus(taking.mode, seen, taking.optics)
    veil = haze(sharp, flaws.haze)
    moving, missing = glints(flaws, clean.shape, rng), rows_missing(flaws, slices, shape[0], rng)
    for k in range(slices):
        clean[k] = (with_motion(clean[k] + veil, motion, k) + moving[k]) * light
    sharp = (sharp + veil) * light
    depth = _in_slices(steps, foci)
    stack, truth = counted(clean, sharp, missing, taking.camera, flaws, taking.seed)
    return Scene(
        stack=stack,
        truth=truth,
        depth=depth.astype(np.float32),
        height=(positions[0] + steps * step).astype(np.float32),
        index=np.clip(np.round(depth), 0, slices - 1).astype(np.int32),
        z=positions,
        z_step=step,
        pixel_size=taking.lens.pixel,
        clean=clean,
        sharp=sharp,
        motion=motion,
        missing=missing,
        spoiled=(moving.max(axis=0) > _GLINTS) | np.any(missing, axis=0)[:, None],
        camera=taking.camera,
        flaws=flaws,
        seed=taking.seed,
    )


def _check(shape: tuple[int, int], slices: int, mode: str, blur: float, seed: int) -> None:
    for what, number in (("height", shape[0]), ("width", shape[1]), ("number of slices", slices), ("seed", seed)):
        whole(f"the {what}", number)
    within("the seed", seed, 0)
    if mode not in get_args(Mode):
        raise FocusFuseError(f"mode {mode!r} is unknown: choose one of {', '.join(get_args(Mode))}")
    if slices < 2 or min(shape) < 1:
        raise FocusFuseError(f"a focus stack needs at least 2 slices of 1 x 1 px, not {slices} of {shape}")
    if not 0 < blur < math.inf:
        raise FocusFuseError(f"blur must be more than 0 px a slice, not {blur}")


def _sampling(psf: PSF | Wave, blur: float, pixel: float | None, step: float | None) -> tuple[float, float]:
    """Pixel size and step, um."""
    optics = Wave() if psf == "wave" else psf
    if not isinstance(optics, Wave):
        pixel, step = pixel or 1.0, step or 1.0
    else:
        pixel = pixel or optics.critical_pixel
        step = step or 2 * blur * pixel / optics.slope
    if not (pixel > 0 and step > 0):
        raise FocusFuseError(f"pixel_size and z_step must be more than 0 um, not {pixel} and {step}")
    return pixel, step


def _positions(z: Sequence[float] | None, slices: int, step: float) -> NDArray[np.float64]:
    if z is None:
        return np.arange(slices, dtype=np.float64) * step
    positions = np.asarray(z, dtype=np.float64)
    if positions.shape != (slices,) or not (np.isfinite(positions).all() and (np.diff(positions) > 0).all()):
        raise FocusFuseError(f"z must hold {slices} rising positions, one for each slice, not {z}")
    return positions


def _relief(
    surface: Surface | NDArray[np.floating[Any]],
    sheets: Sequence[tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]],
    rng: np.random.Generator,
    shape: tuple[int, int],
    slices: int,
) -> Relief:
    if isinstance(surface, str):
        if surface not in get_args(Surface):
            raise FocusFuseError(f"surface {surface!r} is unknown: choose one of {', '.join(get_args(Surface))}")
        relief = surface_named(surface, rng, shape, slices - 1)
    else:
        relief = Relief(_height_map("surface", surface, shape))
    above = [hanging(_height_map("sheet", height, shape), np.asarray(mask, dtype=bool)) for height, mask in sheets]
    return Relief(relief.ground, [*relief.sheets, *above])


def _height_map(name: str, heights: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float64]:
    checked = np.asarray(heights, dtype=np.float64)
    if checked.shape != shape or not np.isfinite(checked).all():
        raise FocusFuseError(f"a {name} must be a finite height map of {shape}, not {checked.shape}")
    return checked


def _drawn(
    texture: Texture | NDArray[np.floating[Any]], rng: np.random.Generator, shape: tuple[int, int]
) -> NDArray[np.float32]:
    if isinstance(texture, str):
        if texture not in get_args(Texture):
            raise FocusFuseError(f"texture {texture!r} is unknown: choose one of {', '.join(get_args(Texture))}")
        return texture_named(texture, rng, shape)
    image = np.asarray(texture)
    if image.ndim != 2 or image.shape[0] < shape[0] or image.shape[1] < shape[1]:
        raise FocusFuseError(
            f"the texture {image.shape} is smaller than the scene {shape}, or not grey: give a larger one"
        )
    if not (np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1):
        raise FocusFuseError("the texture has values outside of 0 to 1: divide it by its largest value")
    return np.asarray(image[: shape[0], : shape[1]], dtype=np.float32)


def _in_slices(steps: NDArray[np.float64], foci: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth in slices where slices are at `foci`; beyond the stack, as if its outermost steps went on."""
    k = np.clip(np.searchsorted(foci, steps, side="right") - 1, 0, len(foci) - 2)
    return np.asarray(k + (steps - foci[k]) / (foci[k + 1] - foci[k]))


def sample_scene(name: Sample = "surface") -> Scene:
    """A scene of the sample data.

    Parameters
    ----------
    name : {"surface", "fibres", "cells"}
        Hills under an incident-light microscope, 10 slices with a little noise; fibres over a ground, seen by a 12-bit
        camera with photon noise; or labelled cells in fluorescence, in haze and few photons.

    Returns
    -------
    Scene

    Raises
    ------
    FocusFuseError
        There is no such sample.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> ff.sample_scene("surface").stack.shape  # doctest: +SKIP
    (10, 256, 320)
    """
    if name == "surface":
        return simulate((256, 320), 10, noise=0.004, z_step=1.5, pixel_size=0.65, seed=7)
    if name == "fibres":
        camera, flaws = Camera(bits=12, full_well=12000, read_noise=6), Flaws(shading=0.2, dust=4)
        look = partial(simulate, (256, 320), 12, surface="fibres", psf="disc", blur=0.9, z_step=2.0, pixel_size=0.35)
        return look(camera=camera, flaws=flaws, seed=4)
    if name == "cells":
        camera = Camera(full_well=600, read_noise=2, black=0.02)
        optics, flaws = Wave(na=0.75, wavelength=0.52), Flaws(haze=0.5)
        look = partial(simulate, (320, 400), 14, mode="fluorescence", texture="beads", psf=optics, blur=0.8)
        return look(camera=camera, flaws=flaws, seed=6)
    raise FocusFuseError(f"there is no sample {name!r}: choose one of {', '.join(get_args(Sample))}")
