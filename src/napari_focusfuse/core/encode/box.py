"""Means over square windows."""

from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["box_mean"]


def box_mean(image: Tensor, radius: int, step: int = 1) -> Tensor:
    """Mean of (B, C, H, W) over 2 `radius` + 1 px a side, borders replicated; all pixels summed in the same order.

    Of every row and column from the first, or of every `step`-th.
    """
    if radius == 0:
        return image[..., ::step, ::step]
    side = 2 * radius + 1
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    return _sums(_sums(padded, 2, side, step), 3, side, step).mul_(1 / side**2)


def _sums(image: Tensor, dim: int, width: int, step: int) -> Tensor:
    """Sums of `width` neighbours along a dimension, from sums of 1, 2, 4... of them, at every `step`-th place."""
    places = image.shape[dim] - width + 1
    parts, at, size = [], 0, 1
    while size <= width:
        if width & size:
            part = image.narrow(dim, at, places)
            parts.append(part[:, :, ::step] if dim == 2 else part[..., ::step])
            at += size
        size *= 2
        if size <= width:
            left = image.shape[dim] - size // 2
            image = image.narrow(dim, 0, left) + image.narrow(dim, size // 2, left)
    return reduce(torch.add, parts)
