"""Weights among slices that go together: sharp where they differ, even where they differ by noise alone.

Averaging slices lowers the noise; where the picture is flat it costs no sharpness. So weights are made in steps, from
even ones to sharp ones, and each step is taken as far as what it changes in the picture stands above the noise around
the pixel (a Wiener filter across the slices). Every result is a convex combination of the same few source pixels.
"""

import torch
from torch import Tensor

from napari_focusfuse.core.box import box_mean

__all__ = ["REACH", "averaged"]

#: Powers of the odds, as shares of the sharpness that the noise asks for; set on simulated development scenes.
_STEPS = (0.15, 0.6, 2.0)
#: Radii over which a change is compared with the noise, and over which the shares of steps are smoothed.
_COMPARED, _SMOOTHED = 2, 1
_TINY = 1e-12
#: Pixels around a pixel that matter.
REACH = _COMPARED + _SMOOTHED


def averaged(scores: Tensor, greys: Tensor, noise: float, sharpness: float) -> Tensor:
    """Weights (K, Y, X) that sum to 1.

    Parameters
    ----------
    scores : Tensor (K, Y, X)
        Logarithms of the odds; -inf for slices that do not take part.
    greys : Tensor (K, Y, X)
        Grey values of the slices.
    noise : float
        Standard deviation of the noise of each grey value.
    sharpness : float
        Power of the odds that suits this noise.
    """
    weights, *sharper = (torch.softmax(step * sharpness * scores, dim=0) for step in _STEPS)
    before = weights
    for following in sharper:
        change = following - before
        seen = _mean(((change * greys).sum(dim=0, keepdim=True)) ** 2, _COMPARED)
        of_noise = noise**2 * _mean((change**2).sum(dim=0, keepdim=True), _COMPARED)
        share = _mean((1 - of_noise / (seen + _TINY)).clamp(0, 1), _SMOOTHED)
        weights, before = weights + share * change, following
    weights = weights.clamp_min(0)
    return weights / weights.sum(dim=0)


def _mean(image: Tensor, radius: int) -> Tensor:
    return box_mean(image[None], radius)[0]
