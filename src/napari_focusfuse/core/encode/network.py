"""The SESF-Fuse encoder-decoder (Ma et al. 2020, Sect. 3.2 and Fig. 1) and its squeeze-and-excitation blocks.

Each convolution block is conv 3x3 -> ReLU -> batch norm. The encoder is a first block (1 -> 16) and three densely
connected ones (16, 32, 48 -> 16), a squeeze-and-excitation (SE) block after each: 64 channels at full resolution.
The decoder (64 -> 64 -> 32 -> 16 -> 1) serves training only.

Where print and published code differ: the text speaks of five encoder convolutions, the code has four, and so have we.
Borders are replicated, where the code pads with zeros, so that the frame of an image is no false edge. The last
convolution is plain: batch norm there would tie every image to the statistics of the training batches.

For fusion everything affine is folded into the convolutions (`folded`). Batch norm, fixed channel gates and the
normalisation of the input are affine, and each is followed by a convolution or by a difference. So the encoder becomes
four convolutions with ReLU, and its energy the plain squared differences of what they give: the same numbers, several
times faster. On a processor, images are cut into pieces that stay in its cache.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_focusfuse.config import SEVariant
from napari_focusfuse.core.encode.candidate_head import CandidateHead
from napari_focusfuse.core.encode.head import FocusHead
from napari_focusfuse.core.encode.measures import difference_energy
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["HALO", "IMAGE_MEAN", "IMAGE_STD", "Block", "Encoder", "Layers", "SESFNet", "folded", "folded_energy"]

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


#: Pixels around a tile that the encoder sees: four 3x3 convolutions.
HALO = 4
#: Mean and standard deviation of the training images in [0, 1], as in the published code.
IMAGE_MEAN, IMAGE_STD = 0.4500517361627943, 0.26465333914691797
_WIDTH = 16
_REDUCTION = 8


class _ConvBlock(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
        super().__init__(conv, nn.ReLU(), nn.BatchNorm2d(outputs))


class _SEBlock(nn.Module):
    """Recalibrate a feature map by channel (cSE), by pixel (sSE) or both (scSE); see Roy et al. 2018."""

    def __init__(self, channels: int, variant: SEVariant) -> None:
        super().__init__()
        self.channel: nn.Module | None = None
        self.spatial: nn.Module | None = None
        if variant in ("cse", "scse"):
            squeezed = channels // _REDUCTION
            self.channel = nn.Sequential(
                nn.Linear(channels, squeezed, bias=False), nn.ReLU(), nn.Linear(squeezed, channels, bias=False)
            )
        if variant in ("sse", "scse"):
            self.spatial = nn.Conv2d(channels, 1, 1, bias=False)

    def opening(self, mean: Tensor) -> Tensor | None:
        """How far the gate of each channel is open (B, C), by the means (B, C) of the channels; None without gates."""
        return None if self.channel is None else torch.sigmoid(self.channel(mean))

    def forward(self, features: Tensor, mean: Tensor | None) -> Tensor:
        gates = []
        opening = self.opening(features.mean(dim=(2, 3)) if mean is None else mean)
        if opening is not None:
            gates.append(opening[:, :, None, None])
        if self.spatial is not None:
            gates.append(torch.sigmoid(self.spatial(features)))
        return sum((features * gate for gate in gates[1:]), features * gates[0]) if gates else features


class Encoder(nn.Module):
    """Deep features of grey images.

    Parameters
    ----------
    variant : {"cse", "sse", "scse", "none"}
        Squeeze-and-excitation after each block.
    decides : bool
        Whether it has a decision head, which combines the scales.
    judges : bool
        Whether it has a candidate head, which judges the best few slices of each pixel.
    """

    #: Number of blocks, and of channel means that freeze the gates.
    depth = 4
    #: Pixels around a pixel that its energy depends on: those of the encoder, and one for the difference.
    halo = HALO + 1

    def __init__(self, variant: SEVariant = "cse", *, decides: bool = False, judges: bool = False) -> None:
        super().__init__()
        if variant not in get_args(SEVariant):
            raise ValueError(f"unknown squeeze-and-excitation variant {variant!r}")
        self.variant: SEVariant = variant
        inputs = [1, *(_WIDTH * k for k in range(1, self.depth))]
        self.blocks = nn.ModuleList(_ConvBlock(n, _WIDTH) for n in inputs)
        self.gates = nn.ModuleList(_SEBlock(_WIDTH, variant) for _ in inputs)
        self.head: FocusHead | None = FocusHead() if decides else None
        self.candidates: CandidateHead | None = CandidateHead() if judges else None

    @property
    def pools(self) -> bool:
        """Whether a gate depends on the mean of the whole image (cSE, scSE)."""
        return self.variant in ("cse", "scse")

    def forward(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """Encode.

        Parameters
        ----------
        images : Tensor, (B, 1, H, W) float32
            Grey images in [0, 1].
        means : sequence of 4 Tensors (1, 16), optional
            Channel means for the gates of every block; given, a pixel depends on its neighbourhood only. Without, each
            image's own means are used.

        Returns
        -------
        Tensor, (B, 64, H, W) float32
        """
        features: list[Tensor] = []
        for k in range(self.depth):
            out = self._block(k, images, features)
            features.append(self.gates[k](out, None if means is None else means[k]))
        return torch.cat(features, dim=1)

    def energy(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """What the spatial frequency averages (Eq. 5-7): squared differences (B, 1, H, W), summed over the channels."""
        by_pixel = self.variant in ("sse", "scse")
        if torch.is_grad_enabled() or self.training or by_pixel or (self.pools and means is None):
            return difference_energy(self(images, means))
        return folded_energy(self._folded(means), images, self.halo)

    def shallow(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """The energy (B, 1, H, W) of the first block alone; see `energy`."""
        if (
            torch.is_grad_enabled()
            or self.training
            or self.variant in ("sse", "scse")
            or (self.pools and means is None)
        ):
            return difference_energy(self.gates[0](self._block(0, images, []), None if means is None else means[0]))
        return folded_energy(self._folded(means)[:1], images, 2)

    def _folded(self, means: Sequence[Tensor] | None) -> Layers:
        blocks = []
        for k, (block, gate) in enumerate(zip(cast("list[_ConvBlock]", self.blocks), self.gates, strict=True)):
            opening = None if means is None else cast("_SEBlock", gate).opening(means[k])
            opened = None if opening is None else opening[0]
            convolution, norm = cast("nn.Conv2d", block[0]), cast("nn.BatchNorm2d", block[2])
            blocks.append(Block(convolution, norm, opened))
        return folded(blocks, IMAGE_MEAN, IMAGE_STD)

    def ungated(self, images: Tensor, means: Sequence[Tensor]) -> Tensor:
        """Output (B, 16, H, W) of block number ``len(means)`` before its gate, the earlier gates fixed by `means`."""
        features: list[Tensor] = []
        for k, mean in enumerate(means):
            features.append(self.gates[k](self._block(k, images, features), mean))
        return self._block(len(means), images, features)

    def _block(self, k: int, images: Tensor, features: list[Tensor]) -> Tensor:
        inputs = torch.cat(features, dim=1) if features else (images - IMAGE_MEAN) / IMAGE_STD
        out: Tensor = self.blocks[k](inputs)
        return out


class SESFNet(nn.Module):
    """Encoder and decoder: what is trained to give its input back.

    Parameters
    ----------
    variant : {"cse", "sse", "scse", "none"}
        Squeeze-and-excitation after each block of the encoder.
    """

    def __init__(self, variant: SEVariant = "cse") -> None:
        super().__init__()
        self.encoder = Encoder(variant)
        self.decoder = nn.Sequential(
            _ConvBlock(64, 64),
            _ConvBlock(64, 32),
            _ConvBlock(32, 16),
            nn.Conv2d(16, 1, 3, padding=1, padding_mode="replicate"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct grey images, (B, 1, H, W) in [0, 1]."""
        return self.decode(self.encoder(images))

    def decode(self, features: Tensor) -> Tensor:
        """Grey images (B, 1, H, W) from features (B, 64, H, W)."""
        out: Tensor = self.decoder(features)
        return out * IMAGE_STD + IMAGE_MEAN
