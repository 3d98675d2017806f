"""Networks of the methods that ours is compared with, small versions of the published ones.

`FocusClassifier`: Y. Liu, X. Chen, H. Peng, Z. Wang, "Multi-focus image fusion with a deep convolutional neural
network", Information Fusion 36 (2017) 191-207. `DeepFuse`: K. R. Prabhakar, V. S. Srikar, R. V. Babu, "DeepFuse",
ICCV 2017, 4714-4722. `DenseFuse`: H. Li, X.-J. Wu, "DenseFuse: a fusion approach to infrared and visible images", IEEE
Trans. Image Process. 28 (2019) 2614-2623.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PATCH", "STEP", "DeepFuse", "DenseFuse", "FocusClassifier", "filled_with"]

#: Side of the patches that are classified, and their distance in a whole image, px (Sect. 3.3).
PATCH, STEP = 16, 2


def _conv(inputs: int, outputs: int, side: int) -> nn.Conv2d:
    """A convolution that keeps the size; borders are reflected."""
    return nn.Conv2d(inputs, outputs, side, padding=side // 2, padding_mode="reflect")


class FocusClassifier(nn.Module):
    """Which of two patches is sharp (Liu et al. 2017, Fig. 4): two branches of the same weights, then two full layers.

    A quarter of the published width, so that the weights are small. The convolutions see what is around a patch
    instead of zeros, so that a whole image is classified exactly as its patches are.
    """

    #: Pixels around a patch that are seen.
    margin = 4

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(1, 16, 3),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
        )
        self.full = nn.Sequential(nn.Conv2d(128, 32, PATCH // 2), nn.ReLU(), nn.Conv2d(32, 1, 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Log odds (B, 1, h, w) that the patches of the first images are the sharp ones.

        Parameters
        ----------
        first, second : Tensor, (B, 1, H, W) float32
            Grey images in [0, 1] with `margin` pixels around; h = (H - 24) / 2 + 1, likewise w.
        """
        out: Tensor = self.full(torch.cat([self.branch(first), self.branch(second)], dim=1))
        return out


class DeepFuse(nn.Module):
    """Features of each image, added, and an image from the sum (Prabhakar et al. 2017, Fig. 3)."""

    #: Pixels around a pixel that are seen.
    halo = 2 + 3 + 3 + 2 + 2

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(_conv(1, 16, 5), nn.LeakyReLU(), _conv(16, 32, 7), nn.LeakyReLU())
        self.decoder = nn.Sequential(
            _conv(32, 32, 7), nn.LeakyReLU(), _conv(32, 16, 5), nn.LeakyReLU(), _conv(16, 1, 5)
        )

    def forward(self, *images: Tensor) -> Tensor:
        """Fuse grey images (B, 1, H, W) in [0, 1]; of more than two, the sum of the features is that of two."""
        features = torch.stack([self.encoder(image) for image in images])
        out: Tensor = self.decoder(2 * features.mean(dim=0))
        return out


class DenseFuse(nn.Module):
    """An encoder with densely connected layers and a decoder (Li and Wu 2019, Fig. 2)."""

    #: Pixels around a pixel that are seen: four 3 x 3 convolutions each, and the mean of the l1 rule.
    halo = 4 + 4 + 1

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(_conv(inputs, 16, 3) for inputs in (1, 16, 32, 48))
        self.decoder = nn.Sequential(
            _conv(64, 64, 3), nn.ReLU(), _conv(64, 32, 3), nn.ReLU(), _conv(32, 16, 3), nn.ReLU(), _conv(16, 1, 3)
        )

    def encode(self, images: Tensor) -> Tensor:
        """Features (B, 64, H, W) of grey images (B, 1, H, W) in [0, 1]."""
        first, *dense = self.encoder
        features = functional.relu(first(images))
        for layer in dense:
            features = torch.cat([features, functional.relu(layer(features))], dim=1)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct grey images, (B, 1, H, W) in [0, 1]."""
        out: Tensor = self.decoder(self.encode(images))
        return out


def filled_with(network: nn.Module, weights: Mapping[str, Tensor], device: torch.device) -> None:
    """Set the weights of a network, on a device, for use and not for training."""
    network.load_state_dict(dict(weights))
    network.to(device).eval().requires_grad_(requires_grad=False)
