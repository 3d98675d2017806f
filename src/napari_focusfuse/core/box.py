"""Means over square windows."""

from torch import Tensor
from torch.nn import functional

__all__ = ["box_mean"]


def box_mean(image: Tensor, radius: int, step: int = 1) -> Tensor:
    """Mean of (B, C, H, W) over 2 `radius` + 1 px a side, borders replicated; all pixels summed in the same order.

    Of every row and column from the first, or of every `step`-th.
    """
    if radius == 0:
        return image[..., ::step, ::step]
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    rows = functional.avg_pool2d(padded, (2 * radius + 1, 1), stride=(step, 1))
    return functional.avg_pool2d(rows, (1, 2 * radius + 1), stride=(1, step))
