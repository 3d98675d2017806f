"""Shapes of scenes: depth maps, in steps of the stack."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.config import Surface

__all__ = ["surface_named"]

Depth = NDArray[np.float64]
Shape = tuple[int, int]
#: Fibres for each pixel of the shorter side.
_FIBRES = 1 / 28


def surface_named(name: Surface, rng: np.random.Generator, shape: Shape, last: int) -> Depth:
    """Depth map (Y, X) in steps: 0 is the first slice's plane of focus and `last` the last one's."""
    return _MAKERS[name](rng, shape, float(last))


def _hills(rng: np.random.Generator, shape: Shape) -> Depth:
    """Rolling hills from 0 to 1."""
    hills = ndimage.gaussian_filter(rng.standard_normal(shape), min(shape) / 7, mode="reflect")
    return np.asarray((hills - hills.min()) / max(float(np.ptp(hills)), 1e-12))


def _smooth(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    return _hills(rng, shape) * last


def _steps(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Four plateaus, from the first slice to the last."""
    plateau = max(last / 3, 1)
    return np.minimum(np.round(_smooth(rng, shape, last) / plateau) * plateau, last)


def _plane(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    del rng
    return np.tile(np.linspace(0, last, shape[1]), (shape[0], 1))


def _beyond(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Hills whose valleys and tops lie outside of the stack, by a third of its height at either end."""
    return (_hills(rng, shape) * 5 / 3 - 1 / 3) * last


def _fibres(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Thin fibres, each rising or falling along its length, over a ground in the lowest quarter."""
    depth = _hills(rng, shape) * last / 4
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    y, x = y - shape[0] / 2, x - shape[1] / 2
    size = max(shape)
    for _ in range(max(3, round(min(shape) * _FIBRES))):
        angle, offset, phase = rng.uniform(0, np.pi), rng.uniform(-size / 2, size / 2), rng.uniform(0, 2 * np.pi)
        width, low, high = rng.uniform(1.5, 4), *rng.uniform(last * 0.3, last, 2)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        bend = 0.05 * size * np.sin(2 * np.pi * along / size + phase)
        height = low + (high - low) * np.clip(along / size + 0.5, 0, 1)
        depth = np.where(np.abs(across - offset - bend) < width, np.maximum(depth, height), depth)
    return depth


_MAKERS: dict[Surface, Callable[[np.random.Generator, Shape, float], Depth]] = {
    "smooth": _smooth,
    "steps": _steps,
    "plane": _plane,
    "fibres": _fibres,
    "beyond": _beyond,
}
