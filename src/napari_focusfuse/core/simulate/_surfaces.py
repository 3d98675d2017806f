"""Shapes of scenes, in steps of the stack."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from napari_focusfuse.config import Surface
from napari_focusfuse.core._types import Depth
from napari_focusfuse.core.simulate._relief import Relief, Sheet

__all__ = ["surface_named"]

Shape = tuple[int, int]
#: Fibres for each pixel of the shorter side, their widths (px), and the share that shows no texture.
_FIBRES, _WIDTHS, _PLAIN = 1 / 28, (1.0, 5.0), 0.4
#: Blocks and balls for each square of the shorter side, and their sizes as shares of it.
_BLOCKS, _BLOCK_SIZES = 14, (0.06, 0.25)
_BALLS, _BALL_SIZES = 12, (0.05, 0.16)
#: Size of bumps (px) on a rough surface, and how high they are, as shares of the stack.
_BUMPS = ((2.0, 0.04), (5.0, 0.08))


def surface_named(name: Surface, rng: np.random.Generator, shape: Shape, last: int) -> Relief:
    """A shape in steps: 0 is the first slice's plane of focus and `last` the last one's."""
    if name == "fibres":
        return _fibres(rng, shape, float(last))
    return Relief(_MAKERS[name](rng, shape, float(last)))


def _hills(rng: np.random.Generator, shape: Shape) -> Depth:
    """Rolling hills from 0 to 1."""
    hills = ndimage.gaussian_filter(rng.standard_normal(shape), min(shape) / 7, mode="reflect")
    return _from_0_to_1(hills)


def _from_0_to_1(heights: Depth) -> Depth:
    return np.asarray((heights - heights.min()) / max(float(np.ptp(heights)), 1e-12))


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


def _rough(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Hills with bumps of a few pixels."""
    heights = _hills(rng, shape)
    for size, height in _BUMPS:
        bumps = ndimage.gaussian_filter(rng.standard_normal(shape), size, mode="reflect")
        heights = heights + height * bumps / max(float(bumps.std()), 1e-12)
    return np.asarray(_from_0_to_1(heights) * last)


def _blocks(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Rectangles turned any way, each a plateau of its own, over a ground that is slightly tilted."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    heights = 0.15 * last * (y / shape[0] + x / shape[1]) / 2
    for _ in range(round(_BLOCKS * max(shape) / min(shape))):
        across, along, _ = _turned(rng, y, x)
        width, length = rng.uniform(*_BLOCK_SIZES, 2) * min(shape)
        block = (np.abs(across) < width) & (np.abs(along) < length)
        heights = np.where(block, np.maximum(heights, rng.uniform(0.2, 1) * last), heights)
    return np.asarray(heights)


def _spheres(rng: np.random.Generator, shape: Shape, last: float) -> Depth:
    """Balls over low hills; below its middle a ball is a pillar."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    heights = _hills(rng, shape) * last / 3
    for _ in range(round(_BALLS * max(shape) / min(shape))):
        across, along, centre = _turned(rng, y, x)
        radius, foot = rng.uniform(*_BALL_SIZES) * min(shape), float(heights[centre])
        tall = rng.uniform(0.3, 1) * (last - foot) / 2
        bulge = np.sqrt(np.maximum(1 - (across**2 + along**2) / radius**2, 0))
        heights = np.where(bulge > 0, np.maximum(heights, foot + tall * (1 + bulge)), heights)
    return heights


def _turned(rng: np.random.Generator, y: Depth, x: Depth) -> tuple[Depth, Depth, tuple[int, int]]:
    """Distances across and along a direction from a place, and the place."""
    angle, centre = rng.uniform(0, np.pi), (int(rng.integers(y.shape[0])), int(rng.integers(y.shape[1])))
    y, x = y - centre[0], x - centre[1]
    return y * np.cos(angle) - x * np.sin(angle), x * np.cos(angle) + y * np.sin(angle), centre


def _fibres(rng: np.random.Generator, shape: Shape, last: float) -> Relief:
    """Thin fibres that cross, each rising or falling along its length, over a ground in the lowest quarter."""
    ground = _hills(rng, shape) * last / 4
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    y, x = y - shape[0] / 2, x - shape[1] / 2
    size, sheets = max(shape), []
    for _ in range(max(3, round(min(shape) * _FIBRES))):
        angle, offset, phase = rng.uniform(0, np.pi), rng.uniform(-size / 2, size / 2), rng.uniform(0, 2 * np.pi)
        width, low, high = rng.uniform(*_WIDTHS), *rng.uniform(last * 0.3, last, 2)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        turn = 2 * np.pi * along / size + phase
        aside = np.abs(across - offset - 0.05 * size * np.sin(turn))
        inside = width / 2 - aside / np.hypot(1, 0.1 * np.pi * np.cos(turn))
        height = low + (high - low) * np.clip(along / size + 0.5, 0, 1)
        plain = rng.random() < _PLAIN
        sheets.append(Sheet(height, inside, *((0.0, rng.uniform(0.1, 0.9)) if plain else (1.0, 0.0))))
    return Relief(ground, sorted(sheets, key=lambda sheet: float(sheet.height.mean())))


_MAKERS: dict[Surface, Callable[[np.random.Generator, Shape, float], Depth]] = {
    "smooth": _smooth,
    "steps": _steps,
    "plane": _plane,
    "blocks": _blocks,
    "spheres": _spheres,
    "rough": _rough,
    "beyond": _beyond,
}
