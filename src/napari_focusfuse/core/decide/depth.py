"""Depth between the slices: from three activities to a place, and from the places of neighbours to a steadier one.

The logarithm of a focus curve is a parabola near its top, where defocus is small against the detail that it blurs; from
there on it falls more slowly, like a cusp. How far one slice is from the next shows in how much they differ.
"""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.encode import doubled
from napari_focusfuse.core.encode.head import SLOPE
from napari_focusfuse.core.result import Labels
from napari_focusfuse.core.stack.tiles import Tile, tiles

__all__ = ["KNEE", "Places", "iter_steady", "places", "vertex"]

#: Fall of log odds to both neighbours together at which the top of their curve is halfway from a parabola to a cusp.
#: Fitted to tilted planes, blur growing by .35 to 2 px a slice, of three families of optics.
KNEE = 2.0
#: Distances of the pairs of pixels that are asked for the depth between them, in pixels at half size.
_DISTANCES = (2, 4)
_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
#: Variance of a depth (slices^2): the least; for each doubt (1 - confidence) without noise, and how much more with much
#: of it; and the noise at which that is halfway. Fitted to the errors on simulated planes and hills.
_LEAST, _CALM, _NOISY, _HALFWAY = 0.05**2, 0.7, 5.3, 0.04
#: Half the difference of the two pixels of a pair at which it has little to say: they lie on either side of an edge.
_EDGE = 0.5
#: Standard deviations that a depth is moved by at most, about.
_FARTHEST = 3.0
_UNKNOWN = 1e12
_SIDE = 1024

Map = NDArray[np.float32]


class Places(NamedTuple):
    """Where the best slice of each pixel is, and how far its neighbours are.

    Attributes
    ----------
    at : array, float64
        Position of the slice.
    before, after : array, float32
        Distances to the slices before and after it in the order of z, more than 0.
    """

    at: NDArray[np.float64]
    before: Map
    after: Map


def places(z: NDArray[np.float64], rank: NDArray[np.intp]) -> Places:
    """Places of slices by their rank in rising positions `z`; beyond an end it goes on as before it."""
    gaps = np.diff(z).astype(np.float32) if len(z) > 1 else np.ones(1, np.float32)
    padded = np.concatenate([gaps[:1], gaps, gaps[-1:]])
    return Places(z[rank], padded[rank], padded[rank + 1])


def vertex(where: Places, activity: tuple[Map, Map, Map], *, odds: bool = False) -> Map:
    """Position of the peak of a focus curve through three activities.

    That is the vertex of a parabola through their logarithms, which is exact for a Gaussian. The log odds of a decision
    head have a sharper top, the more so the faster they fall: the vertex is then between those of a parabola and of a
    cusp, two lines of equal slopes. Halfway between two slices and at a slice (if they are even) all are the same.

    Parameters
    ----------
    where : Places
        Of the best slice.
    activity : three arrays
        Before, at and after it; the middle one is the largest.
    odds : bool
        Whether they are odds of a decision head, to the power 1 / `SLOPE`.

    Returns
    -------
    array, float32
        Nearer to the best slice than to any other; NaN where an activity is missing.
    """
    before, after = where.before, where.after
    with np.errstate(divide="ignore", invalid="ignore"):
        low, best, high = (np.log(values) for values in activity)
        rise, fall = (best - low) / before, (best - high) / after
        bent = rise + fall
        shift = (rise * after - fall * before) / (2 * bent)
        if odds:
            steeper = np.maximum(rise, fall)
            cusp = np.where(rise > fall, after, before) * (rise - fall) / (2 * steeper)
            sharp = (SLOPE / 2 * bent * (before + after)) ** 2
            shift += sharp / (sharp + KNEE**2) * (cusp - shift)
        shift[bent == 0] = 0
    return np.asarray(where.at + shift, dtype=np.float32)


@torch.inference_mode()
def iter_steady(
    depth: Map, confidence: Map, labels: Labels, z: NDArray[np.float64], noise: float
) -> Generator[None, None, None]:
    """Bring depths into line with those around them, in place, as far as they are in doubt.

    Each pixel asks pairs of pixels that lie opposite each other: the mean of a pair is the depth in between on a plane
    of any slope, up to the border of the image. A pair has a say as far as its depth is sure, could be the same as the
    pixel's own, and does not lie across an edge, so that steps stay. What is not known (NaN) stays so.

    Parameters
    ----------
    depth : (Y, X) float32
        In the units of `z`, NaN where it is not known; changed in place.
    confidence : (Y, X) float32
        Probability that the label is right to within one slice.
    labels : (Y, X) int
        The best slices, indices into `z`.
    z : (N,) float64
        Positions of the slices.
    noise : float
        Standard deviation, as a share of the range.
    """
    told, gaps = depth.copy(), _spacing(z)
    for tile in tiles((depth.shape[0], depth.shape[1]), _SIDE, 2 * sum(_DISTANCES) + 2, align=2):
        depth[tile.core] = _smoothed(told, confidence, gaps[labels[tile.outer]], tile, noise)
        yield


def _spacing(z: NDArray[np.float64]) -> Map:
    """Mean distance (N,) of each slice at `z` to those before and after it."""
    order, gaps = np.argsort(z), np.diff(np.sort(z))
    out = np.empty(len(z), np.float32)
    out[order] = (np.append(gaps[0], gaps) + np.append(gaps, gaps[-1])) / 2
    return out


def _smoothed(depth: Map, confidence: Map, gaps: Map, tile: Tile, noise: float) -> Map:
    own = torch.from_numpy(depth[tile.outer])
    doubt = 1 - torch.from_numpy(confidence[tile.outer])
    variance = doubt.mul_(_CALM + _NOISY * noise / (noise + _HALFWAY)).add_(_LEAST)
    squared = torch.from_numpy(gaps).square_()
    variance.mul_(squared)
    known = own.isfinite()
    half = own[::2, ::2].nan_to_num(0)
    steady = half.clone()
    half_variance = torch.where(known, variance, _UNKNOWN * squared)[::2, ::2].contiguous()
    edge = _EDGE**2 * squared[::2, ::2]
    for distance in _DISTANCES:
        steady, half_variance = _averaged(steady, half_variance, edge, distance)
    moved = (steady - half).mul_(known[::2, ::2])
    moved = doubled(moved[None, None], (own.shape[0], own.shape[1]))[0, 0][tile.inner]
    likely = moved.square().div_(variance[tile.inner]).mul_(-0.5 / _FARTHEST**2).exp_()
    out: Map = own[tile.inner].addcmul(moved, likely).numpy()
    return out


def _averaged(depth: Tensor, variance: Tensor, edge: Tensor, distance: int) -> tuple[Tensor, Tensor]:
    """Mean of a depth and those between all pairs at a distance, by their precision; and its variance."""
    precision, moved = 1 / variance, torch.zeros_like(depth)
    for down, across in _DIRECTIONS:
        step = (down * distance, across * distance)
        if depth.shape[0] <= 2 * abs(step[0]) or depth.shape[1] <= 2 * abs(step[1]):
            continue
        first, here, second = (_view(depth, step, k) for k in (-1, 0, 1))
        off = (first + second).mul_(0.5).sub_(here)
        of_pair = (_view(variance, step, -1) + _view(variance, step, 1)).mul_(0.25)
        apart = (first - second).mul_(0.5).square_().div_(of_pair + _view(edge, step, 0))
        unlike = off.square().div_(of_pair + _view(variance, step, 0)).add_(apart)
        weight = unlike.mul_(-0.5).exp_().div_(of_pair)
        _view(precision, step, 0).add_(weight)
        _view(moved, step, 0).add_(weight.mul_(off))
    return depth + moved / precision, 1 / precision


def _view(image: Tensor, step: tuple[int, int], k: int) -> Tensor:
    """The middle of an image, `k` steps on; as large for each k of -1, 0 and 1."""
    for axis, by in enumerate(step):
        margin = abs(by)
        image = image.narrow(axis, margin + k * by, image.shape[axis] - 2 * margin)
    return image
