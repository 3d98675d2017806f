"""The training loss of the paper (Eq. 1-4)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Losses", "crop_loss", "fusion_loss", "ssim"]

_C1, _C2 = 0.01**2, 0.03**2


class Losses(NamedTuple):
    """L = lambda L_ssim + L_p (Eq. 1), L_p (Eq. 2) and L_ssim (Eq. 3), each of one batch."""

    total: Tensor
    pixel: Tensor
    ssim: Tensor


def _window(size: int, sigma: float, like: Tensor) -> Tensor:
    x = torch.arange(size, dtype=like.dtype, device=like.device) - (size - 1) / 2
    line = torch.exp(-(x**2) / (2 * sigma**2))
    line = line / line.sum()
    return torch.outer(line, line)[None, None]


def ssim(output: Tensor, target: Tensor, size: int = 5, sigma: float = 1.5) -> Tensor:
    """Mean structural similarity of images in [0, 1] (Eq. 4; Wang et al. 2004), over windows inside the image.

    With C3 = C2 / 2 the contrast and structure factors merge into one, as in every common implementation. (The
    paper prints the last factor with squared deviations in the denominator; their product is meant.)

    Parameters
    ----------
    output, target : Tensor, (B, 1, H, W)
        Images, at least `size` pixels along each side.
    size : int
        Side of the Gaussian window, px.
    sigma : float
        Its standard deviation, px.
    """
    window = _window(size, sigma, output)
    stacked = torch.cat([output, target, output * output, target * target, output * target])
    mu_o, mu_t, oo, tt, ot = functional.conv2d(stacked, window).chunk(5)
    var_o, var_t, cov = oo - mu_o**2, tt - mu_t**2, ot - mu_o * mu_t
    luminance = (2 * mu_o * mu_t + _C1) / (mu_o**2 + mu_t**2 + _C1)
    structure = (2 * cov + _C2) / (var_o + var_t + _C2)
    return (luminance * structure).mean()


def fusion_loss(output: Tensor, target: Tensor, ssim_weight: float) -> Losses:
    """Loss of a batch of reconstructions, (B, 1, H, W) in [0, 1]; the norm of Eq. 2 runs over the whole batch."""
    pixel = torch.linalg.vector_norm(output - target)
    dissimilarity = 1 - ssim(output, target)
    return Losses(ssim_weight * dissimilarity + pixel, pixel, dissimilarity)


def crop_loss(total: float, pixel: float, crops: int) -> float:
    """L of a batch (Eq. 1) as if it held one crop: L_p (Eq. 2) is a norm over the batch and grows with its root."""
    return total - pixel + pixel / math.sqrt(crops)
