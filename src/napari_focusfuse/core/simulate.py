"""Simulated focus stacks with exact truth.

A scene is a set of opaque layers, painted from back to front. The alpha of a layer covers everything at its depth *or
nearer*, so that a defocused layer never lets what lies in front of it shine through, and what lies behind nearer
objects has a texture of its own. Each layer is blurred by a Gaussian whose standard deviation grows with the distance
from the slice's plane of focus. Larger z is nearer to the objective.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_focusfuse.errors import FocusFuseError

__all__ = ["Scene", "Surface", "sample_scene", "simulate"]

Surface = Literal["smooth", "steps", "plane"]
Image = NDArray[np.float32]
_LAYERS_PER_SLICE = 2
#: A surface that rises by no more than this (slices) goes on beneath itself instead of hiding something else.
_CONTINUES = 1.0
_MAXIMUM = 65535


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated focus stack and its truth.

    Attributes
    ----------
    stack : (Z, Y, X) uint16
        Slices, farthest plane of focus first.
    truth : (Y, X) uint16
        All-in-focus image, without noise.
    depth : (Y, X) float32
        Plane of best focus, in slices.
    z : (Z,) float64
        Position of each slice, um.
    z_step, pixel_size : float
        Distance of slices and of pixels, um.
    """

    stack: NDArray[np.uint16]
    truth: NDArray[np.uint16]
    depth: NDArray[np.float32]
    z: NDArray[np.float64]
    z_step: float
    pixel_size: float


def simulate(
    shape: tuple[int, int] = (256, 320),
    slices: int = 12,
    *,
    surface: Surface = "smooth",
    blur: float = 1.0,
    noise: float = 0.0,
    texture: NDArray[np.floating[Any]] | None = None,
    z_step: float = 1.0,
    pixel_size: float = 1.0,
    seed: int = 0,
) -> Scene:
    """Simulate a focus stack.

    Parameters
    ----------
    shape : (int, int)
        Height and width, px.
    slices : int
        Number of slices, at least 2.
    surface : {"smooth", "steps", "plane"}
        Shape of the scene: rolling hills, separate plateaus, or a plane tilted along x.
    blur : float
        Growth of the Gaussian blur, px of standard deviation for each slice out of focus.
    noise : float
        Standard deviation of additive Gaussian noise, as a share of full scale.
    texture : (Y, X) float array in [0, 1], optional
        Brightness of the surface, at least as large as `shape`; procedural if left out.
    z_step, pixel_size : float
        Distance of slices and of pixels, um. They scale nothing else.
    seed : int
        Seed of everything random; the same seed gives the same scene.

    Returns
    -------
    Scene
    """
    if surface not in get_args(Surface):
        raise FocusFuseError(f"surface {surface!r} is unknown: choose one of {', '.join(get_args(Surface))}")
    if slices < 2 or min(shape) < 1:
        raise FocusFuseError(f"a focus stack needs at least 2 slices of 1 x 1 px, not {slices} of {shape}")
    rng = np.random.default_rng(seed)
    if texture is None:
        texture = _procedural(rng, shape)
    elif texture.shape[0] < shape[0] or texture.shape[1] < shape[1]:
        raise FocusFuseError(f"the texture {texture.shape} is smaller than the scene {shape}: give a larger one")
    truth = np.asarray(texture[: shape[0], : shape[1]], dtype=np.float32)
    hidden = truth[::-1, ::-1]
    depth = _surface(rng, shape, slices, surface)
    planes = np.round(depth * _LAYERS_PER_SLICE) / _LAYERS_PER_SLICE
    stack = np.empty((slices, *shape), dtype=np.uint16)
    for k in range(slices):
        image = _defocused(truth, hidden, planes, k, blur)
        stack[k] = _counts(image + noise * rng.standard_normal(shape, dtype=np.float32))
    z = np.arange(slices, dtype=np.float64) * z_step
    return Scene(stack, _counts(truth), planes.astype(np.float32), z, z_step, pixel_size)


def sample_scene() -> Scene:
    """The scene of the sample data: 12 slices, hills under an incident-light microscope, a little noise."""
    return simulate((320, 400), 12, blur=1.2, noise=0.004, z_step=1.5, pixel_size=0.65, seed=7)


def _counts(image: NDArray[np.floating[Any]]) -> NDArray[np.uint16]:
    return np.asarray(np.round(np.clip(image, 0, 1) * _MAXIMUM), dtype=np.uint16)


def _defocused(truth: Image, hidden: Image, planes: NDArray[np.floating[Any]], focus: float, blur: float) -> Image:
    """The scene as seen with the plane of focus at `focus` (in slices)."""
    out = np.zeros_like(truth)
    for plane in np.unique(planes):
        alpha = (planes >= plane).astype(np.float32)
        colour = np.where(planes <= plane + _CONTINUES, truth, hidden) * alpha
        sigma = blur * abs(focus - plane)
        if sigma > 0:
            alpha, colour = (ndimage.gaussian_filter(a, sigma, mode="nearest") for a in (alpha, colour))
        out = out * (1 - alpha) + colour
    return out


def _surface(
    rng: np.random.Generator, shape: tuple[int, int], slices: int, surface: Surface
) -> NDArray[np.floating[Any]]:
    """Depth map (Y, X) in slices, between the first and the last."""
    if surface == "plane":
        return np.broadcast_to(np.linspace(0, slices - 1, shape[1]), shape)
    hills = ndimage.gaussian_filter(rng.standard_normal(shape), min(shape) / 7, mode="reflect")
    rank = (hills - hills.min()) / max(float(np.ptp(hills)), 1e-12)
    depth = rank * (slices - 1)
    if surface == "steps":
        plateau = max((slices - 1) / 3, 1)
        depth = np.round(depth / plateau) * plateau
    return np.asarray(np.clip(depth, 0, slices - 1))


def _procedural(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """A polished section of lamellar grains: every grain has its own stripes, with dark boundaries, pores and grain."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    count = max(2, shape[0] * shape[1] // 1600)
    seeds = rng.uniform((0, 0), shape, (count, 2))
    (nearest, second), (grain, _) = (np.moveaxis(a, -1, 0) for a in KDTree(seeds).query(np.stack([y, x], axis=-1), k=2))
    angle, period = rng.uniform(0, np.pi, count)[grain], rng.uniform(4, 9, count)[grain]
    stripes = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    out = rng.uniform(0.35, 0.65, count)[grain] + 0.12 * stripes
    out += 0.06 * ndimage.gaussian_filter(rng.standard_normal(shape), 0.8, mode="reflect") / 0.35
    out[second - nearest < 2] *= 0.45
    out[nearest < rng.choice((0, 0, 0, 4), count)[grain]] = 0.08
    return np.asarray(np.clip(out, 0.02, 0.98), dtype=np.float32)
