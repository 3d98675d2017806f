"""Unsupervised training of the encoder-decoder (paper, Sect. 3.2 and 4.1): it learns to give images back.

A generator of `TrainReport`; the report that ends an epoch carries all that is needed to go on from there.
"""

import copy
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.loss import fusion_loss
from napari_focusfuse.core.network import SESFNet
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import TrainingError

__all__ = ["EpochLog", "TrainReport", "TrainState", "best_network", "iter_train", "reconstruction_scores"]

Image = NDArray[np.float32]


class EpochLog(NamedTuple):
    """Mean losses of one epoch (Eq. 1-3) on training and validation images, and the reconstruction's PSNR in dB."""

    epoch: int
    learning_rate: float
    train_total: float
    train_pixel: float
    train_ssim: float
    val_total: float
    val_pixel: float
    val_ssim: float
    val_psnr: float
    seconds: float


@dataclass
class TrainState:
    """Where training stands after a whole number of epochs.

    Attributes
    ----------
    network : SESFNet
        As it is now.
    best : dict of str to Tensor
        State of the network at the epoch with the smallest validation loss.
    moments : dict of str to Tensor
        State of the Adam optimiser, flat: "INDEX.exp_avg" and so on.
    log : list of EpochLog
        One entry for each finished epoch.
    config : TrainConfig
        The recipe it was trained with.
    """

    network: SESFNet
    config: TrainConfig
    best: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    log: list[EpochLog] = field(default_factory=list)


@dataclass(frozen=True)
class TrainReport(Progress):
    """One step of training.

    Attributes
    ----------
    loss : float
        Loss of the last batch (Eq. 1).
    state : TrainState or None
        Set on the last report of an epoch; valid until the next report.
    """

    loss: float = math.nan
    state: TrainState | None = None


def _crops(images: Sequence[Image], config: TrainConfig, epoch: int) -> Generator[Tensor, None, None]:
    """Batches of native, randomly flipped and turned crops; the same for the same seed and epoch."""
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(np.repeat(np.arange(len(images)), config.crops_per_image))
    for start in range(0, len(order), config.batch):
        batch = []
        for i in order[start : start + config.batch]:
            image, size = images[i], config.crop
            y, x = (rng.integers(0, side - size + 1) for side in image.shape)
            crop = np.rot90(image[y : y + size, x : x + size], int(rng.integers(4)))
            batch.append(crop[:, ::-1] if rng.integers(2) else crop)
        yield torch.from_numpy(np.stack(batch)[:, None].astype(np.float32))


def _usable(images: Sequence[Image], config: TrainConfig, purpose: str) -> list[Image]:
    usable = [image for image in images if min(image.shape) >= config.crop]
    if not usable:
        raise TrainingError(
            f"none of the {len(images)} {purpose} images is at least {config.crop} x {config.crop} px: "
            "give larger images or a smaller crop"
        )
    return usable


def _mean(values: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    total, pixel, dissimilarity = np.mean(values, axis=0)
    return float(total), float(pixel), float(dissimilarity)


@torch.inference_mode()
def _validate(network: SESFNet, images: Sequence[Image], config: TrainConfig) -> tuple[float, float, float, float]:
    """Mean losses and PSNR over the central crop of each image, in batches of the training size."""
    network.eval()
    size, crops = config.crop, []
    for image in images:
        y, x = ((side - size) // 2 for side in image.shape)
        crops.append(image[y : y + size, x : x + size])
    losses, errors = [], []
    for start in range(0, len(crops), config.batch):
        batch = torch.from_numpy(np.stack(crops[start : start + config.batch])[:, None])
        output = network(batch)
        loss = fusion_loss(output, batch, config.ssim_weight)
        losses.append((loss.total.item(), loss.pixel.item(), loss.ssim.item()))
        errors.append(((output - batch) ** 2).mean(dim=(1, 2, 3)))
    psnr = float((-10 * torch.log10(torch.cat(errors).clamp_min(1e-12))).mean())
    return *_mean(losses), psnr


def best_network(state: TrainState) -> SESFNet:
    """The network of the epoch with the smallest validation loss, in evaluation mode."""
    network = SESFNet(state.network.encoder.variant)
    network.load_state_dict(state.best)
    return network.eval()


@torch.inference_mode()
def reconstruction_scores(network: SESFNet, images: Sequence[Image]) -> tuple[float, float]:
    """Mean PSNR (dB) and SSIM of the reconstruction of whole images (Y, X) in [0, 1]."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    network.eval()
    scores = []
    for image in images:
        output = network(torch.from_numpy(image)[None, None]).clamp(0, 1).numpy()[0, 0]
        scores.append(
            (
                peak_signal_noise_ratio(image, output, data_range=1.0),
                structural_similarity(image, output, data_range=1.0),
            )
        )
    psnr, similarity = np.mean(scores, axis=0)
    return float(psnr), float(similarity)


def _restore(optimizer: torch.optim.Adam, moments: dict[str, Tensor]) -> None:
    parameters = optimizer.param_groups[0]["params"]
    for key, value in moments.items():
        index, name = key.split(".")
        optimizer.state[parameters[int(index)]][name] = value.clone()


def _moments(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    parameters = optimizer.param_groups[0]["params"]
    return {f"{i}.{name}": value for i, p in enumerate(parameters) for name, value in optimizer.state[p].items()}


def iter_train(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: TrainConfig,
    state: TrainState | None = None,
) -> Generator[TrainReport, None, TrainState]:
    """Train the encoder-decoder on grey images, without labels.

    Parameters
    ----------
    images, validation : sequences of arrays (Y, X) float32
        Grey images in [0, 1], of any sizes; those smaller than the crop are left out.
    config : TrainConfig
        Recipe.
    state : TrainState, optional
        Where to go on; the same weights come out as without the interruption (same machine, CPU).

    Yields
    ------
    TrainReport

    Returns
    -------
    TrainState

    Raises
    ------
    TrainingError
        No image is large enough, `state` has another recipe, or the loss is no longer a number.
    """
    images, validation = _usable(images, config, "training"), _usable(validation, config, "validation")
    torch.manual_seed(config.seed)
    state = state or TrainState(SESFNet(config.variant), config)
    if replace(state.config, epochs=config.epochs) != config:
        raise TrainingError("the training was begun with another recipe: resume with the same one, or begin a new one")
    network = state.network
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters())
    _restore(optimizer, state.moments)
    steps = math.ceil(len(images) * config.crops_per_image / config.batch)
    total = steps * config.epochs
    for epoch in range(len(state.log), config.epochs):
        started = time.monotonic()
        rate = config.learning_rate * config.decay ** (epoch // config.decay_epochs)
        optimizer.param_groups[0]["lr"] = rate
        network.train()
        losses: list[tuple[float, float, float]] = []
        for batch in _crops(images, config, epoch):
            loss = fusion_loss(network(batch.contiguous(memory_format=torch.channels_last)), batch, config.ssim_weight)
            losses.append((loss.total.item(), loss.pixel.item(), loss.ssim.item()))
            if not math.isfinite(losses[-1][0]):
                raise TrainingError(
                    f"the loss is no longer a number in epoch {epoch + 1}: lower the learning rate ({rate:.2g})"
                )
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss.total)
            optimizer.step()
            done = epoch * steps + len(losses)
            yield TrainReport(done, total, f"epoch {epoch + 1} of {config.epochs}", losses[-1][0])
        log = EpochLog(
            epoch + 1, rate, *_mean(losses), *_validate(network, validation, config), time.monotonic() - started
        )
        if not state.log or log.val_total < min(entry.val_total for entry in state.log):
            state.best = copy.deepcopy(network.state_dict())
        state.log.append(log)
        state.moments = _moments(optimizer)
        yield TrainReport((epoch + 1) * steps, total, f"epoch {epoch + 1} of {config.epochs}", losses[-1][0], state)
    return state
