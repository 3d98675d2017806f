"""Where light goes through the objective: points of the aperture, each with its own view of the scene."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import PSF, Wave
from napari_focusfuse.core.simulate.optics import RING

__all__ = ["Aperture", "aperture_named", "wave_aperture"]

Points = NDArray[np.float64]
#: How many points: one for this many square pixels of the widest blur, within limits.
_SHARE, _FEWEST, _MOST = 8.0, 128, 256
#: Waves need as many in focus, too.
_FEWEST_WAVES = 160
#: The Gaussian aperture ends here, in its standard deviations.
_GAUSSIAN_END = 3.3
_GOLDEN = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True, eq=False)
class Aperture:
    """Points of an aperture.

    Attributes
    ----------
    points : (N, 2) float64
        (y, x): how far a ray moves sideways for each step towards the objective, px.
    weights : (N,) float64
        Shares of the light; they sum to 1.
    cells : (N,) float64
        Square root of the area that each point stands for, px a step.
    places : (N, 2) float64
        Where they are in the pupil of a `Wave`, 1 at its rim.
    """

    points: Points
    weights: Points
    cells: Points
    places: Points


def aperture_named(family: PSF, blur: float, depth: float) -> Aperture:
    """An aperture that blurs by `blur` px of standard deviation for each step out of focus.

    Parameters
    ----------
    family : {"gaussian", "disc", "ring", "wave"}
    blur : float
    depth : float
        How far from focus the scene gets, in steps: the wider the blur, the more points.
    """
    u = _shares(_number(2 * blur * depth))
    if family == "gaussian":
        # Drawn twice as wide in variance and weighted down to the right one: tails are sampled well.
        u = u * -math.expm1(-(_GAUSSIAN_END**2) / 4)
        radius = np.sqrt(-4 * np.log1p(-u))
        weights = np.exp(-(radius**2) / 4)
        area = 4 * math.pi / len(u) / (1 - u)
    else:
        inner = RING if family == "ring" else 0.0
        radius = np.sqrt(inner**2 + (1 - inner**2) * u)
        weights, area = np.ones_like(u), np.full_like(u, math.pi * (1 - inner**2) / len(u))
    return _scaled(radius, weights, area, blur)


def wave_aperture(optics: Wave, pixel: float, step: float, depth: float) -> Aperture:
    """The rays of an objective: evenly over its pupil.

    Parameters
    ----------
    optics : Wave
    pixel, step : float
        Of pixels and of slices, um.
    depth : float
        See `aperture_named`.
    """
    u = _shares(max(_number(optics.slope * step / pixel * depth), _FEWEST_WAVES))
    rho = _neighbours(np.sqrt(u)[:, None] * _directions(len(u)))
    slope = optics.na / np.sqrt(optics.index**2 - optics.na**2 * (rho**2).sum(axis=1, keepdims=True))
    cell = np.full_like(u, math.sqrt(math.pi / len(u)) * optics.slope * step / pixel)
    return Aperture(rho * slope * step / pixel, np.full_like(u, 1 / len(u)), cell, rho)


def _number(radius: float) -> int:
    return int(np.clip(math.pi * radius**2 / _SHARE, _FEWEST, _MOST))


def _shares(count: int) -> Points:
    """How much of the light goes through nearer to the axis than each point."""
    return (np.arange(count) + 0.5) / count


def _directions(count: int) -> Points:
    """Points of a sunflower: each turned against the last by the golden angle."""
    angle = np.arange(count) * _GOLDEN
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def _neighbours(points: Points) -> Points:
    """Points of a disc in an order in which those that follow each other are near each other: ring after ring."""
    rings = np.floor(np.hypot(*points.T) * math.sqrt(len(points) / (4 * math.pi)))
    return points[np.lexsort((np.arctan2(*points.T), rings))]


def _scaled(radius: Points, weights: Points, area: Points, blur: float) -> Aperture:
    """Centred, of the right standard deviation along both axes."""
    weights = weights / weights.sum()
    points = radius[:, None] * _directions(len(radius))
    points = points - weights @ points
    spread = weights @ points**2
    scale = blur / np.sqrt(spread)
    return Aperture(points * scale, weights, np.sqrt(area) * math.sqrt(scale.prod()), points)
