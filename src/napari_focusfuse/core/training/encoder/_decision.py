"""What an encoder decides on small stacks, and how far that is from what is wanted."""

from collections.abc import Sequence

import torch
from torch import Tensor

from napari_focusfuse.core.encode.activity import squared_sf
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.training.encoder._stacks import SLICES, SmallStack

__all__ = ["found", "log_shares", "rank_loss"]

#: Weights are activity to this power (twice the slope of the logarithm of its square), as where fusion is sharp.
_SLOPE, _TINY = 3.0, 1e-6


def log_shares(encoder: Encoder, slices: Tensor, radius: int) -> Tensor:
    """Logarithm of each slice's share in the activity of a pixel.

    Parameters
    ----------
    encoder : Encoder
    slices : Tensor, (B N, 1, Y, X)
        Of B small stacks, one after the other.
    radius : int
        r of Eq. 5-7.

    Returns
    -------
    Tensor, (B, N, Y, X)
    """
    device = next(encoder.parameters()).device
    images = slices.to(device).contiguous(memory_format=torch.channels_last)
    squared = squared_sf(encoder(images, _shared_means(encoder, images)), radius)[:, 0]
    squared = squared.view(-1, SLICES, *squared.shape[1:])
    return torch.log_softmax(_SLOPE * torch.log(squared + _TINY), dim=1)


def rank_loss(shares: Tensor, batch: Sequence[SmallStack]) -> Tensor:
    """Cross entropy between the wanted share of each slice and the actual one (B, N, Y, X), a logarithm."""
    wanted = torch.stack([stack.wanted for stack in batch]).to(shares.device)
    return -(wanted[:, :, None, None] * shares).sum(dim=1).mean()


def found(shares: Tensor) -> float:
    """Share of pixels whose sharpest slice is the one with the largest activity or next to it."""
    return (shares.argmax(dim=1) <= 1).float().mean().item()


def _shared_means(encoder: Encoder, images: Tensor) -> list[Tensor] | None:
    """Channel means over all slices of each stack, which freeze the gates as fusion does; None without such gates."""
    if not encoder.pools:
        return None
    means: list[Tensor] = []
    for _ in range(encoder.depth):
        own = encoder.ungated(images, means).mean(dim=(2, 3))
        means.append(own.view(-1, SLICES, own.shape[1]).mean(dim=1).repeat_interleave(SLICES, dim=0))
    return means
