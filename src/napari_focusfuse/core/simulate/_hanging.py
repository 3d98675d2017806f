"""Sheets that float over a ground, rendered over it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.simulate._drawing import Drawing
from napari_focusfuse.core.simulate._relief import Sheet

__all__ = ["Hanging", "Ray"]

Image = NDArray[np.float32]
Point = NDArray[np.float64]
#: Pixels beyond the outline of a sheet that are looked at.
_RIM = 1.5
#: Where a sheet's slope spreads it by more than this share, its pixels are looked for at two places, px away.
_SPREADS, _NUDGE = 0.05, 0.3


class Ray(NamedTuple):
    """Rays through one point of the aperture; see `Aperture`."""

    point: Point
    cell: float
    focus: float


class _Pixels(NamedTuple):
    """Pixels where sheets are or nearly are, (N,) arrays: what there is to know of each.

    Attributes
    ----------
    y, x, height, inside
        Place, height in steps, and distance to the outline, px.
    rise_y, rise_x, slope_y, slope_x
        Gradients of height and of the distance.
    contrast, brightness
        Of the sheet.
    nudge_y, nudge_x
        Added to the place where it is looked for, px: where a slope spreads a sheet, no pixel is left out.
    """

    y: Image
    x: Image
    height: Image
    inside: Image
    rise_y: Image
    rise_x: Image
    slope_y: Image
    slope_x: Image
    contrast: Image
    brightness: Image
    nudge_y: Image
    nudge_x: Image


class Hanging:
    """Sheets in a field that goes on as its mirror image beyond its borders.

    Parameters
    ----------
    sheets : sequence of Sheet
        From back to front, as far as they do not cross.
    margin : int
        How far the field goes on, px.
    reach : float
        How far rays move sideways for each step at most, px.
    """

    def __init__(self, sheets: Sequence[Sheet], margin: int, reach: float) -> None:
        parts = [_pixels(sheet, margin, reach) for sheet in sheets]
        self._pixels = _Pixels(*(np.concatenate(values) for values in zip(*parts, strict=True)))
        self._ends, self._margin = np.cumsum([len(part.y) for part in parts]), np.float32(margin)

    def cover(self, light: Image, heights: Image, ray: Ray, drawing: Drawing) -> None:
        """Lay the sheets over `light` (Y, X) from `heights` above the plane of focus; both change."""
        a, b = (np.float32(n) for n in ray.point)
        away = self._pixels.height - np.float32(ray.focus)
        y: Image = np.rint(self._pixels.y - a * away + self._pixels.nudge_y)
        x: Image = np.rint(self._pixels.x - b * away + self._pixels.nudge_x)
        here = np.flatnonzero((y >= 0) & (y < light.shape[0]) & (x >= 0) & (x < light.shape[1]))
        y, x, near = y[here], x[here], _Pixels(*(values[here] for values in self._pixels))
        place = (y * light.shape[1] + x).astype(np.intp)
        # A sheet is taken as flat as far as the next pixel.
        met: Image = away[here] + near.rise_y * (y - near.y) + near.rise_x * (x - near.x)
        met /= 1 - a * near.rise_y - b * near.rise_x
        y += a * met
        x += b * met
        inside = near.inside + near.slope_y * (y - near.y) + near.slope_x * (x - near.x)
        cover = np.clip(inside + np.float32(0.5), 0, 1)
        drawn = near.contrast * drawing.behind(y + self._margin, x + self._margin, met, ray.cell) + near.brightness
        start = 0
        for end in np.searchsorted(here, self._ends):
            part = slice(start, end)
            _lay(light.ravel(), heights.ravel(), place[part], (met[part], cover[part], drawn[part]))
            start = end


def _pixels(sheet: Sheet, margin: int, reach: float) -> _Pixels:
    height, inside = (np.pad(a, margin, mode="symmetric") for a in (sheet.height, sheet.inside))
    y, x = np.nonzero(inside > -_RIM)
    gradients = [part[y, x] for part in (*np.gradient(height), *np.gradient(inside))]
    rise = np.hypot(*gradients[:2])
    spread = rise * reach > _SPREADS
    nudges = [_NUDGE * part / np.maximum(rise, 1e-12) * spread for part in gradients[:2]]
    looks = [np.full(len(y), look) for look in (sheet.contrast, sheet.brightness)]
    known = [np.r_[a, a[spread]] for a in (y - margin, x - margin, height[y, x], inside[y, x], *gradients, *looks)]
    nudged = [np.r_[nudge, -nudge[spread]] for nudge in nudges]
    return _Pixels(*(np.asarray(values, dtype=np.float32) for values in (*known, *nudged)))


def _lay(light: Image, heights: Image, place: NDArray[np.intp], sheet: tuple[Image, Image, Image]) -> None:
    """A sheet's heights, cover and brightness into flat `light` and `heights`, over what is lower."""
    met, cover, drawn = sheet
    covers = cover * (met > heights[place])
    behind = light[place]
    light[place] = behind + covers * (drawn - behind)
    solid = covers >= np.float32(0.5)
    heights[place[solid]] = met[solid]
