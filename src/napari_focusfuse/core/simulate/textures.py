"""What is drawn on a scene's surface: procedural textures, free of anyone's rights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_focusfuse.config import Texture
from napari_focusfuse.core._types import Image

__all__ = ["texture_named"]

Shape = tuple[int, int]


def texture_named(name: Texture, rng: np.random.Generator, shape: Shape) -> Image:
    """Brightness (Y, X) in [0, 1]."""
    return _MAKERS[name](rng, shape)


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


_MAKERS: dict[Texture, Callable[[np.random.Generator, Shape], Image]] = {
    "grains": _grains,
    "cloud": _cloud,
    "beads": _beads,
    "leaves": _leaves,
}
