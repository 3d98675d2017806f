"""Images given back by a network: the loss of the paper (Eq. 1-4), crops, one step of fitting, and how well it does."""

import math
import warnings
from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.stack.workers import memory_is_short
from napari_focusfuse.core.training import central, moments, restore
from napari_focusfuse.errors import FocusFuseWarning, TrainingError

__all__ = [
    "Example",
    "Fitting",
    "Losses",
    "Scores",
    "StepLosses",
    "crop_loss",
    "crops",
    "example_of",
    "fusion_loss",
    "iter_validate",
    "mean_losses",
    "reconstruction_scores",
    "ssim",
]

_C1, _C2 = 0.01**2, 0.03**2
Image = NDArray[np.float32]
StepLosses = tuple[float, float, float]
#: Side of the picture that shows how a network does, px.
_EXAMPLE = 160
#: Larger images are scored by their middle: all features of an image are in memory at once (px).
_LARGEST = 1024


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


def crops(images: Sequence[Image], config: TrainConfig, epoch: int) -> Generator[Tensor, None, None]:
    """Batches (B, 1, crop, crop) of native, randomly flipped and turned crops; the same for the same seed and epoch."""
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(np.repeat(np.arange(len(images)), config.crops_of(len(images))))
    for start in range(0, len(order), config.batch):
        batch = []
        for i in order[start : start + config.batch]:
            image, size = images[i], config.crop
            y, x = (rng.integers(0, side - size + 1) for side in image.shape)
            crop = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
            batch.append(crop[:, ::-1] if rng.integers(2) else crop)
        yield torch.from_numpy(np.stack(batch)[:, None].astype(np.float32))


class Fitting:
    """Fits a network to batches of crops with Adam.

    Parameters
    ----------
    network : SESFNet
        Moved to `device`.
    config : TrainConfig
    device : torch device
        On CUDA the network runs in half precision where that is safe; loss and weights stay in single precision.

    Attributes
    ----------
    largest : int
        Crops that a step takes at most; halved whenever memory runs out.
    """

    def __init__(self, network: SESFNet, config: TrainConfig, device: torch.device) -> None:
        self._network, self._config, self._device = network, config, device
        network.to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = torch.optim.Adam(network.parameters())
        self._mixed = device.type == "cuda"
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._mixed)
        self.largest = config.batch

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        self._optimizer.param_groups[0]["lr"] = rate

    def fit(self, batch: Tensor) -> Generator[tuple[int, tuple[float, float, float]], None, None]:
        """Fit to a batch, in parts where it does not fit into memory; yields the crops and L, L_p, L_ssim of each."""
        start = 0
        while start < len(batch):
            part = batch[start : start + self.largest]
            losses = self._try(part)
            if losses is None:
                self._halve(len(part))
                continue
            start += len(part)
            yield len(part), losses

    def moments(self) -> dict[str, Tensor]:
        """State of the optimiser; valid until the next step."""
        return moments(self._optimizer)

    def restore(self, flat: dict[str, Tensor]) -> None:
        """Go on with a state that `moments` gave."""
        restore(self._optimizer, flat)

    def _try(self, part: Tensor) -> tuple[float, float, float] | None:
        """One step; None if memory ran out. What it held is freed on return."""
        try:
            losses = self._losses(part.to(self._device).contiguous(memory_format=torch.channels_last))
            values = losses.total.item(), losses.pixel.item(), losses.ssim.item()
            if not math.isfinite(values[0]):
                rate = self._optimizer.param_groups[0]["lr"]
                raise TrainingError(f"the loss is no longer a number: lower the learning rate ({rate:.2g})")
            self._step(losses.total)
        except RuntimeError as error:
            if not memory_is_short(error):
                raise
            return None
        return values

    def _losses(self, batch: Tensor) -> Losses:
        with torch.autocast(self._device.type, torch.float16, enabled=self._mixed):
            output = self._network(batch)
        return fusion_loss(output.float(), batch, self._config.ssim_weight)

    def _step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        if self._config.clip:
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._config.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise TrainingError("there is not enough memory for a single crop: choose a smaller crop, or the CPU")
        self.largest = tried // 2
        self._optimizer.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(
            f"{tried} crops at once do not fit into memory: training continues with batches of {self.largest}",
            FocusFuseWarning,
            stacklevel=2,
        )


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


def mean_losses(values: Sequence[StepLosses]) -> StepLosses:
    """Mean of L, L_p and L_ssim over batches."""
    total, pixel, dissimilarity = np.mean(values, axis=0)
    return float(total), float(pixel), float(dissimilarity)


def iter_validate(
    network: SESFNet, images: Sequence[Image], crop: int, batch: int, ssim_weight: float
) -> Generator[None, None, Scores]:
    """StepLosses and PSNR over the central crop of each image, batch by batch."""
    network.eval()
    losses: list[StepLosses] = []
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
def _score(network: SESFNet, crops: Image, ssim_weight: float) -> tuple[StepLosses, Tensor]:
    """StepLosses of a batch, and the mean squared error of each image."""
    target = torch.from_numpy(crops[:, None]).to(_device(network))
    output = network(target)
    loss = fusion_loss(output, target, ssim_weight)
    errors = ((output - target) ** 2).mean(dim=(1, 2, 3)).cpu()
    return (loss.total.item(), loss.pixel.item(), loss.ssim.item()), errors


def example_of(network: SESFNet, images: Sequence[Image]) -> Example:
    """The middle of the image with most contrast, and what the network makes of it."""
    parts = [central(image, _EXAMPLE) for image in images]
    original = max(parts, key=lambda part: float(part.std()))
    return Example(original, _reconstructed(network.eval(), original))


@torch.inference_mode()
def _reconstructed(network: SESFNet, image: Image) -> Image:
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
        output = _reconstructed(network, part)
        psnr = peak_signal_noise_ratio(part, output, data_range=1.0)
        scores.append((psnr, structural_similarity(part, output, data_range=1.0)))
    psnr, similarity = np.mean(scores, axis=0)
    return float(psnr), float(similarity)


def _device(network: SESFNet) -> torch.device:
    return next(network.parameters()).device
