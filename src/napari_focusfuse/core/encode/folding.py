"""The encoder as fusion runs it: everything affine is folded into the convolutions.

Batch norm, fixed channel gates and the normalisation of the input are affine, and each is followed by a convolution or
by a difference. So the encoder becomes four convolutions with ReLU, and its energy the plain squared differences of
what they give: the same numbers, several times faster. On a processor, images are cut into pieces that stay in its
cache.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["Block", "Layers", "folded", "folded_energy"]

#: Side of the pieces, px.
_PIECE = 224

#: Weight and bias of each convolution.
Layers = list[tuple[Tensor, Tensor]]


class Block(NamedTuple):
    """A block of the encoder: convolution, ReLU, batch norm, and how far the gate of each channel is open, if any."""

    convolution: nn.Conv2d
    norm: nn.BatchNorm2d
    opening: Tensor | None


def folded(blocks: Sequence[Block], centre: float, spread: float) -> Layers:
    """The convolutions of densely connected blocks, in evaluation mode; the first sees (image - centre) / spread.

    Returns
    -------
    list of (weight, bias)
        Each gives the output of a block up to the sign and an offset of each channel.
    """
    layers: Layers = []
    signs: list[Tensor] = []
    shifts: list[Tensor] = []
    for k, (convolution, norm, opening) in enumerate(blocks):
        factors = torch.cat(signs) if k else convolution.weight.new_tensor([1 / spread])
        offsets = torch.cat(shifts) if k else convolution.weight.new_tensor([-centre / spread])
        weight = convolution.weight * factors.view(1, -1, 1, 1)
        bias = (convolution.weight * offsets.view(1, -1, 1, 1)).sum(dim=(1, 2, 3))
        if convolution.bias is not None:
            bias = bias + convolution.bias
        scale, shift = _affine(norm)
        if opening is not None:
            scale, shift = scale * opening, shift * opening
        size = scale.abs()
        layers.append(((weight * size.view(-1, 1, 1, 1)).contiguous(memory_format=torch.channels_last), bias * size))
        signs.append(scale.sign())
        shifts.append(shift)
    return layers


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Factor and offset of a batch norm in evaluation mode."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("the batch norm keeps no statistics")
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def folded_energy(layers: Layers, images: Tensor, halo: int) -> Tensor:
    """Squared differences (B, 1, H, W) of the features of images (B, 1, H, W), summed over the channels.

    `halo` px around a pixel matter to it.
    """
    if images.device.type != "cpu":
        return _energy(layers, images)
    out = torch.empty_like(images)
    for piece in tiles((images.shape[2], images.shape[3]), _PIECE, halo):
        out[..., *piece.core] = _energy(layers, images[..., *piece.outer])[..., *piece.inner]
    return out


def _energy(layers: Layers, images: Tensor) -> Tensor:
    seen = [_padded(images)]
    total = torch.zeros_like(images)
    for k, (weight, bias) in enumerate(layers):
        padded = _padded(functional.relu_(functional.conv2d(torch.cat(seen, dim=1), weight, bias)))
        total.add_(_differences(padded))
        if k + 1 < len(layers):
            seen = [*(seen if k else []), padded.contiguous(memory_format=torch.channels_last)]
    return total


def _padded(images: Tensor) -> Tensor:
    return functional.pad(images, (1, 1, 1, 1), mode="replicate")


def _differences(padded: Tensor) -> Tensor:
    """The energy of features with a frame of one pixel; see `difference_energy`."""
    middle = padded[..., 1:-1, 1:-1]
    across, down = middle - padded[..., 1:-1, :-2], middle - padded[..., :-2, 1:-1]
    return across.square_().addcmul_(down, down).sum(dim=1, keepdim=True)
