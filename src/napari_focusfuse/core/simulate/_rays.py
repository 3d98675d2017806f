"""Reflected light off an opaque scene, ray by ray.

The ray through aperture point a of pixel x focused at z0 passes x + a (z - z0). Seen through one point, the slices of a
stack are therefore one oblique view of the scene, moved by a z0. Each view is followed from below up, a pixel sideways
at a time, so that the highest crossing stays: what the light met first. A slice is the mean of all views; what is drawn
where a ray ends is looked up for each slice anew, so that what is in focus is exactly what is drawn there.

A point of the aperture stands for a small area, whose blur is applied to the texture beforehand: no copies of fine
detail show, however far from focus.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core._types import Image, Mask
from napari_focusfuse.core.simulate._aperture import Aperture
from napari_focusfuse.core.simulate._drawing import Drawing
from napari_focusfuse.core.simulate._hanging import Hanging, Ray
from napari_focusfuse.core.simulate._relief import Relief

__all__ = ["iter_views"]

Point = NDArray[np.float64]
#: A ground that rises by more than this between pixels (steps), and this many times as much as beside, has a wall.
_WALL, _BREAK = 0.9, 3.0
#: Heights of neighbouring rays that differ by more are looked at again, and how well they must agree with the ground.
_TORN, _AGREES = 0.4, 0.6
#: A slope rises by less from pixel to pixel, steps.
_STEEP = 1.0
#: Pixels that are looked at together: as many as stay in a processor's cache.
_STRIP = 2**20


def iter_views(
    relief: Relief, texture: Image, foci: Sequence[float], aperture: Aperture
) -> Iterator[tuple[int, int, Image]]:
    """What slices get through points of the aperture.

    Parameters
    ----------
    relief : Relief
    texture : (Y, X) array
        Brightness of what is drawn on it.
    foci : sequence of float
        Where each slice is focused, in steps.
    aperture : Aperture

    Yields
    ------
    point, slice : int
    light : (Y, X) array
    """
    scene = _Scene(relief, texture, foci, aperture)
    for number in range(len(aperture.weights)):
        view = scene.view(number)
        for k, focus in enumerate(foci):
            yield number, k, scene.seen(view, float(focus))


class _View(NamedTuple):
    """What is met through one point of the aperture: heights on a grid of rays, and where they are torn."""

    point: Point
    cell: float
    heights: Image
    torn: Mask | None


class _Scene:
    """A scene that goes on as its mirror image beyond its borders, to look at ray by ray."""

    def __init__(self, relief: Relief, texture: Image, foci: Sequence[float], aperture: Aperture) -> None:
        self._aperture, self._shape = aperture, texture.shape
        low, high = relief.ends()
        reach = float(np.abs(aperture.points).max())
        span = max(high, *foci) - min(low, *foci)
        #: Rays are counted where they pass the middle of the stack.
        self._middle = (min(foci) + max(foci)) / 2
        self._rays = math.ceil(reach * (max(foci) - min(foci)) / 2) + 2
        self._margin = math.ceil(reach * span) + self._rays + 4
        self._ground = np.pad(relief.ground, self._margin, mode="symmetric").astype(np.float32)
        self._walls = [_breaks(self._ground, axis) for axis in (0, 1)]
        self._walled = any(walls.any() for walls in self._walls)
        self._ends = (float(relief.ground.min()) - 0.01, float(relief.ground.max()) + 0.01)
        widest = float(aperture.cells.max()) * span
        self._drawing = Drawing(np.pad(texture, self._margin, mode="symmetric"), widest)
        self._hanging = Hanging(relief.sheets, self._margin, reach) if relief.sheets else None
        self._y, self._x = (np.arange(n, dtype=np.float32) + np.float32(self._margin) for n in self._shape)

    def view(self, number: int) -> _View:
        """What is met through point so and so."""
        point = self._aperture.points[number]
        heights, walls = self._met(point)
        torn = _of_four(np.maximum, heights) - _of_four(np.minimum, heights) > _TORN
        if self._walled:
            torn |= _of_four(np.maximum, walls)
        return _View(point, float(self._aperture.cells[number]), heights, torn if torn.any() else None)

    def _met(self, point: Point) -> tuple[Image, Mask]:
        """Height (Y, X) at which each ray of a view ends on the ground, and whether it does at a wall."""
        axis = int(np.abs(point[1]) > np.abs(point[0]))
        speed, low, high = float(point[axis]), *self._ends
        if abs(speed) * (high - low) < 1e-3:
            place = tuple(slice(self._margin - self._rays, self._margin + self._rays + n) for n in self._shape)
            return self._ground[place], np.zeros_like(self._ground[place], np.bool_)
        # Planes where rays have moved by whole pixels along the axis on which they move faster.
        ends = sorted(speed * (z - self._middle) for z in (low, high))
        moves = np.arange(math.floor(ends[0]), math.ceil(ends[1]) + 1)
        planes = self._middle + moves / speed
        planes = planes[:: 1 if speed > 0 else -1]
        step = np.float32(planes[1] - planes[0])
        below = self._depths(point, float(planes[0]), axis)
        met, walls = np.full_like(below, planes[0]), np.zeros(below.shape, np.bool_)
        for plane in planes[1:]:
            above = self._depths(point, float(plane), axis)
            crosses = below > 0
            if self._walled:
                # The edge of a top, between two planes.
                crosses |= (above > below + (_WALL - step)) & (above > -step / 2)
            here = np.flatnonzero(crosses & (above <= 0))
            crossing = self._crossing(below.ravel()[here], above.ravel()[here], step)
            met.ravel()[here] = np.float32(plane - step) + np.abs(crossing) * step
            walls.ravel()[here] = crossing < 0
            below = above
        return met, walls

    def _depths(self, point: Point, plane: float, axis: int) -> Image:
        """How deep beneath the ground rays are when they pass a plane, having moved whole pixels along an axis."""
        move = point * (plane - self._middle)
        move[axis] = round(move[axis])
        base = np.floor(move).astype(int) + self._margin
        place = tuple(slice(b - self._rays, b + self._rays + n) for b, n in zip(base, self._shape, strict=True))
        depths = self._between(place, 1 - axis, float((move - np.floor(move))[1 - axis]))
        depths -= np.float32(plane)
        return depths

    def _crossing(self, below: Image, above: Image, step: np.float32) -> Image:
        """Where between two planes rays cross the ground, as a share of the way, from their depths beneath it.

        Negative where they cross a wall, which stands half-way between pixels.
        """
        fall = below - above
        crossing = below / fall
        if not self._walled:
            return crossing
        ground, top, half = above / step + 1, below / step, np.float32(0.5)
        walled = np.where(ground > half, ground, np.where(top < half, top, -half))
        return np.where(np.abs(fall - step) > _WALL, walled, crossing)

    def _between(self, place: tuple[slice, ...], axis: int, share: float) -> Image:
        """Between neighbours along an axis: on the line that joins them, or where there is a wall, one of them."""
        here = self._ground[place]
        if not share:
            return here.copy()
        there = self._ground[tuple(slice(s.start + (axis == k), s.stop + (axis == k)) for k, s in enumerate(place))]
        mixed: Image = there - here
        mixed *= np.float32(share)
        mixed += here
        if self._walled:
            np.copyto(mixed, there if share >= 0.5 else here, where=self._walls[axis][place])
        return mixed

    def seen(self, view: _View, focus: float) -> Image:
        """What a slice (Y, X) gets through one point of the aperture."""
        light: Image = np.empty(self._shape, np.float32)
        heights = np.empty_like(light)
        rows = max(1, _STRIP // self._shape[1])
        for top in range(0, self._shape[0], rows):
            strip = slice(top, min(top + rows, self._shape[0]))
            above = heights[strip]
            above[:] = self._heights(view, focus, strip)
            above -= np.float32(focus)
            y = above * np.float32(view.point[0])
            y += self._y[strip, None]
            x = above * np.float32(view.point[1])
            x += self._x
            light[strip] = self._drawing.at(y, x, above, view.cell)
        if self._hanging is not None:
            self._hanging.cover(light, heights, Ray(view.point, view.cell, focus), self._drawing)
        return light

    def _heights(self, view: _View, focus: float, strip: slice) -> Image:
        """Heights where the rays of some rows of a slice end on the ground."""
        move = self._rays - view.point * (focus - self._middle)
        base = np.floor(move).astype(int)
        shares = (move - base).astype(np.float32)
        top, bottom, left, right = base[0] + strip.start, base[0] + strip.stop, base[1], base[1] + self._shape[1]
        part = view.heights[top : bottom + 1, left : right + 1]
        across = part[:, 1:] - part[:, :-1]
        across *= shares[1]
        across += part[:, :-1]
        mixed: Image = across[1:] - across[:-1]
        mixed *= shares[0]
        mixed += across[:-1]
        if view.torn is not None:
            places = np.flatnonzero(view.torn[top:bottom, left:right])
            y, x = np.divmod(places, self._shape[1])
            corners = np.stack([part[y, x], part[y, x + 1], part[y + 1, x], part[y + 1, x + 1]])
            mixed.ravel()[places] = self._mended(view, focus, y + strip.start, x, mixed.ravel()[places], corners)
        return mixed

    def _mended(
        self, view: _View, focus: float, y: NDArray[np.intp], x: NDArray[np.intp], mixed: Image, corners: Image
    ) -> Image:
        """Heights where neighbouring rays end far from each other: the nearest of theirs at which there is ground.

        On a steep slope that is the mean of theirs; at a wall there is none, and it stays as it is.
        """
        high, low = corners.max(axis=0), corners.min(axis=0)
        out: Image = mixed.copy()
        for height, slope in ((low, False), (high, False), (mixed, True)):
            there = [
                np.rint(n + np.float32(self._margin) + (height - np.float32(focus)) * np.float32(p)).astype(int)
                for n, p in zip((y, x), view.point, strict=True)
            ]
            ground = self._ground[there[0], there[1]]
            agrees = np.abs(ground - height) < _AGREES
            np.copyto(out, mixed if slope else ground, where=agrees & (high - low < _STEEP) if slope else agrees)
        return out


def _of_four(choose: np.ufunc, image: NDArray[Any]) -> NDArray[Any]:
    """The largest or smallest of each four that lie in a square."""
    rows = choose(image[1:], image[:-1])
    return np.asarray(choose(rows[:, 1:], rows[:, :-1]))


def _breaks(ground: Image, axis: int) -> Mask:
    """Where a wall stands between a pixel and the next along an axis."""
    rise: Image = np.abs(np.diff(ground, axis=axis, append=np.take(ground, [-1], axis)))
    beside = np.minimum(np.roll(rise, 1, axis), np.roll(rise, -1, axis))
    return np.asarray((rise > _WALL) & (rise > _BREAK * beside))
