"""How well a network reconstructs images that it was not trained on."""

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.training import central
from napari_focusfuse.core.training.loss import crop_loss, fusion_loss

__all__ = ["Example", "Scores", "example_of", "iter_validate", "mean_losses", "reconstruction_scores"]

Image = NDArray[np.float32]
Losses = tuple[float, float, float]

#: Side of the picture that shows how a network does, px.
_EXAMPLE = 160
#: Larger images are scored by their middle: all features of an image are in memory at once (px).
_LARGEST = 1024


class Example(NamedTuple):
    """A part (Y, X) of a validation image, and what the network makes of it; float32 in [0, 1]."""

    original: Image
    given_back: Image


class Scores(NamedTuple):
    """Mean losses over the validation images, PSNR in dB, and the mean loss for batches of one crop."""

    total: float
    pixel: float
    ssim: float
    psnr: float
    crop: float


def mean_losses(values: Sequence[Losses]) -> Losses:
    """Mean of L, L_p and L_ssim over batches."""
    total, pixel, dissimilarity = np.mean(values, axis=0)
    return float(total), float(pixel), float(dissimilarity)


def iter_validate(
    network: SESFNet, images: Sequence[Image], crop: int, batch: int, ssim_weight: float
) -> Generator[None, None, Scores]:
    """Losses and PSNR over the central crop of each image, batch by batch."""
    network.eval()
    losses: list[Losses] = []
    errors: list[Tensor] = []
    crop_losses: list[float] = []
    for start in range(0, len(images), batch):
        crops = np.stack([central(image, crop) for image in images[start : start + batch]])
        loss, error = _score(network, crops, ssim_weight)
        losses.append(loss)
        errors.append(error)
        crop_losses.append(crop_loss(loss[0], loss[1], len(crops)))
        yield
    psnr = float((-10 * torch.log10(torch.cat(errors).clamp_min(1e-12))).mean())
    return Scores(*mean_losses(losses), psnr, float(np.mean(crop_losses)))


@torch.inference_mode()
def _score(network: SESFNet, crops: Image, ssim_weight: float) -> tuple[Losses, Tensor]:
    """Losses of a batch, and the mean squared error of each image."""
    target = torch.from_numpy(crops[:, None]).to(_device(network))
    output = network(target)
    loss = fusion_loss(output, target, ssim_weight)
    errors = ((output - target) ** 2).mean(dim=(1, 2, 3)).cpu()
    return (loss.total.item(), loss.pixel.item(), loss.ssim.item()), errors


def example_of(network: SESFNet, images: Sequence[Image]) -> Example:
    """The middle of the image with most contrast, and what the network makes of it."""
    parts = [central(image, _EXAMPLE) for image in images]
    original = max(parts, key=lambda part: float(part.std()))
    return Example(original, _given_back(network.eval(), original))


@torch.inference_mode()
def _given_back(network: SESFNet, image: Image) -> Image:
    batch = torch.from_numpy(np.ascontiguousarray(image))[None, None].to(_device(network))
    output: Image = network(batch).clamp(0, 1).cpu().numpy()[0, 0]
    return output


def reconstruction_scores(network: SESFNet, images: Sequence[Image]) -> tuple[float, float]:
    """Mean PSNR (dB) and SSIM of the reconstruction of images (Y, X) in [0, 1]; of large ones, of their middle."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    network.eval()
    scores = []
    for image in images:
        part = central(image, _LARGEST)
        output = _given_back(network, part)
        psnr = peak_signal_noise_ratio(part, output, data_range=1.0)
        scores.append((psnr, structural_similarity(part, output, data_range=1.0)))
    psnr, similarity = np.mean(scores, axis=0)
    return float(psnr), float(similarity)


def _device(network: SESFNet) -> torch.device:
    return next(network.parameters()).device
