"""Shapes of scenes, in steps of the stack: a ground, and sheets that hang over it; and the textures drawn on them.

Textures are computed, and so free of anyone's rights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_focusfuse.config import Surface, Texture
from napari_focusfuse.core._types import Image
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Relief", "Sheet", "hanging", "surface_named", "texture_named"]

Depth = NDArray[np.float64]
Shape = tuple[int, int]
#: Fibres for each pixel of the shorter side, their widths (px), and the share that shows no texture.
_FIBRES, _WIDTHS, _PLAIN = 1 / 28, (1.0, 5.0), 0.4
#: Blocks and balls for each square of the shorter side, and their sizes as shares of it.
_BLOCKS, _BLOCK_SIZES = 14, (0.06, 0.25)
_BALLS, _BALL_SIZES = 12, (0.05, 0.16)
#: Size of bumps (px) on a rough surface, and how high they are, as shares of the stack.
_BUMPS = ((2.0, 0.04), (5.0, 0.08))


@dataclass(frozen=True, eq=False)
class Sheet:
    """Something thin over the ground, which is seen behind it where it is out of focus.

    Attributes
    ----------
    height : (Y, X) float64
        Where it is, in steps, smooth; anything where it is not.
    inside : (Y, X) float64
        Distance to its outline, px, negative outside.
    contrast, brightness : float
        How much of the texture it shows (turned by 180 degrees: another one than beneath), and what is added.
    """

    height: Depth
    inside: Depth
    contrast: float = 1.0
    brightness: float = 0.0

    @property
    def cover(self) -> Image:
        """(Y, X): share of each pixel that it covers."""
        return np.asarray(np.clip(self.inside + 0.5, 0, 1), dtype=np.float32)

    def drawn(self, texture: Image) -> Image:
        """(Y, X): what is drawn on it."""
        return np.float32(self.contrast) * texture[::-1, ::-1] + np.float32(self.brightness)


@dataclass(frozen=True, eq=False)
class Relief:
    """The shape of a scene.

    Attributes
    ----------
    ground : (Y, X) float64
        Height in steps; larger is nearer to the objective. It is solid: where it jumps stands a wall.
    sheets : sequence of Sheet
    """

    ground: Depth
    sheets: Sequence[Sheet] = field(default=())

    def seen_from_above(self, texture: Image) -> tuple[Depth, Image]:
        """Height of what is nearest, and brightness, (Y, X)."""
        height, drawn = self.ground.copy(), texture
        for sheet in self.sheets:
            cover = np.where(sheet.height > height, sheet.cover, np.float32(0))
            height = np.where(cover >= 0.5, sheet.height, height)
            drawn = drawn + cover * (sheet.drawn(texture) - drawn)
        return height, drawn

    def ends(self) -> tuple[float, float]:
        """Lowest and highest place."""
        parts = [self.ground, *(sheet.height[sheet.inside > -1] for sheet in self.sheets)]
        return min(float(part.min()) for part in parts if part.size), max(float(p.max()) for p in parts if p.size)


def hanging(height: Depth, mask: NDArray[np.bool_]) -> Sheet:
    """A sheet where a mask (Y, X) says."""
    if mask.shape != height.shape:
        raise FocusFuseError(f"the mask {mask.shape} of a sheet must be of the shape of its height map {height.shape}")
    within, beyond = (ndimage.distance_transform_edt(np.pad(m, 1, mode="edge")) for m in (mask, ~mask))
    inside = within - beyond - np.sign(within - beyond) / 2
    return Sheet(height, inside[1:-1, 1:-1])


def surface_named(name: Surface, rng: np.random.Generator, shape: Shape, last: int) -> Relief:
    """A shape in steps: 0 is the first slice's plane of focus and `last` the last one's."""
    if name == "fibres":
        return _fibres(rng, shape, float(last))
    return Relief(_SURFACES[name](rng, shape, float(last)))


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


_SURFACES: dict[Surface, Callable[[np.random.Generator, Shape, float], Depth]] = {
    "smooth": _smooth,
    "steps": _steps,
    "plane": _plane,
    "blocks": _blocks,
    "spheres": _spheres,
    "rough": _rough,
    "beyond": _beyond,
}


def texture_named(name: Texture, rng: np.random.Generator, shape: Shape) -> Image:
    """Brightness (Y, X) in [0, 1]."""
    return _TEXTURES[name](rng, shape)


def _grains(rng: np.random.Generator, shape: Shape) -> Image:
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


def _cloud(rng: np.random.Generator, shape: Shape) -> Image:
    """Detail of every size, as natural surfaces have it: amplitude falls as 1 / frequency."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) / frequency
    cloud = np.fft.irfft2(spectrum, shape)
    return np.asarray(np.clip(0.5 + 0.18 * cloud / max(float(cloud.std()), 1e-12), 0.02, 0.98), dtype=np.float32)


def _beads(rng: np.random.Generator, shape: Shape) -> Image:
    """Bright spots of a few pixels on a dark ground, with much of the field empty: labelled cells."""
    crowd = ndimage.gaussian_filter(rng.standard_normal(shape), min(shape) / 12, mode="reflect")
    crowded = crowd > np.median(crowd)
    out = np.full(shape, 0.04)
    for sigma in (0.7, 1.2, 2.0):
        spots = rng.random(shape) * (rng.random(shape) < 0.02 / sigma**2) * crowded
        out += 5 * sigma**2 * ndimage.gaussian_filter(spots, sigma, mode="reflect")
    return np.asarray(np.clip(out, 0.02, 0.98), dtype=np.float32)


def _leaves(rng: np.random.Generator, shape: Shape) -> Image:
    """Shapes of all sizes that cover each other, flat, shaded, striped or rough: what photographs are made of.

    Radii fall off as those of dead leaves (Lee, Mumford and Huang 2001), so that there is detail next to nothing.
    """
    side = max(shape)
    rough = [_cloud(rng, shape) - 0.5, rng.standard_normal(shape) * 0.18]
    out = np.full(shape, rng.uniform(0.1, 0.9))
    radii = np.exp(rng.uniform(np.log(2), np.log(max(side / 3, 4)), rng.integers(60, 400)))
    for radius in np.sort(radii)[::-1] if rng.random() < 0.7 else radii:
        centre, angle, narrow = (
            rng.uniform(-radius / 2, np.add(shape, radius / 2)),
            rng.uniform(0, np.pi),
            rng.uniform(0.3, 1),
        )
        y, x = (slice(max(0, int(c - radius)), max(0, int(c + radius) + 1)) for c in centre)
        part = out[y, x]
        if not part.size:
            continue
        down, across = np.ogrid[y.start : y.start + part.shape[0], x.start : x.start + part.shape[1]]
        along = (across - centre[1]) * np.cos(angle) + (down - centre[0]) * np.sin(angle)
        over = ((down - centre[0]) * np.cos(angle) - (across - centre[1]) * np.sin(angle)) / narrow
        inside = (
            along**2 + over**2 < radius**2 if rng.random() < 0.6 else np.maximum(abs(along), abs(over)) < 0.7 * radius
        )
        kind, strength = rng.random(), np.exp(rng.uniform(np.log(0.03), np.log(1.5)))
        if kind < 0.35:
            drawn: NDArray[np.floating] | float = 0.0
        elif kind < 0.5:
            drawn = rng.uniform(-0.3, 0.3) * along / radius
        elif kind < 0.65:
            drawn = 0.2 * strength * np.sin(2 * np.pi * along / rng.uniform(2.5, 12))
        else:
            drawn = strength * rough[int(rng.integers(2))][y, x]
        out[y, x] = np.where(inside, rng.uniform(0.05, 0.95) + drawn, part)
    if rng.random() < 0.7:
        out = ndimage.gaussian_filter(out, rng.uniform(0.3, 0.8), mode="reflect")
    return np.asarray(np.clip(out, 0.02, 0.98), dtype=np.float32)


_TEXTURES: dict[Texture, Callable[[np.random.Generator, Shape], Image]] = {
    "grains": _grains,
    "cloud": _cloud,
    "beads": _beads,
    "leaves": _leaves,
}
