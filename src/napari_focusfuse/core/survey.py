"""What is global to a stack: intensity range, noise, gates and the weight of each scale, from a few of its slices."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.activity import scale_sf
from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.intensity import filled, full_range, luminance, robust_range, scaled
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import tiles

__all__ = ["Survey", "channel_sum", "iter_survey", "noise_level"]

_SLICES, _PATCHES, _PATCH = 5, 4, 128
_BLOCK = 32
#: A scale is trusted by s^2 / (s^2 + 2^2), where s is its median peak of SF squared over that of the noise.
_TRUSTED_SNR = 2.0
#: Softness of the weights where the finest scale is not trusted at all, and where it is trusted fully.
_SOFT, _SHARP = 4.0, 8.0
_LEAST_WEIGHT = 0.02

Where = tuple[slice, slice]
_EVERYWHERE: Where = (slice(None), slice(None))


@dataclass(frozen=True)
class Survey:
    """What holds for all slices and tiles.

    Attributes
    ----------
    limits : (float, float)
        Intensities that become 0 and 1.
    noise : float
        Standard deviation of the noise, as a share of that range.
    means : list of Tensors or None
        Channel means that freeze the encoder's gates; None: each image has its own.
    level_weights, floors : tuple of floats
        For each scale its share in the activity, and the squared SF that noise alone has there.
    softness : float
        Power of the weights.
    """

    limits: tuple[float, float]
    noise: float
    means: list[Tensor] | None
    level_weights: tuple[float, ...]
    floors: tuple[float, ...]
    softness: float


def noise_level(images: Sequence[NDArray[np.float32]]) -> float:
    """Standard deviation of white noise, by the median absolute Haar detail of the calmest tenth of small blocks."""
    levels = []
    for image in images:
        even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        detail = (even[::2, ::2] - even[1::2, ::2] - even[::2, 1::2] + even[1::2, 1::2]) / 2
        for tile in tiles((detail.shape[0], detail.shape[1]), _BLOCK, 0):
            block = detail[tile.core]
            if min(block.shape) >= min(_BLOCK, *detail.shape):
                levels.append(float(np.median(np.abs(block))) / 0.6745)
    return float(np.quantile(levels, 0.1)) if levels else 0.0


@torch.inference_mode()
def channel_sum(encoder: Encoder, image: Tensor, means: list[Tensor], where: Where = _EVERYWHERE) -> Tensor:
    """Sum (1, 16) of block number ``len(means)`` before its gate, over a part of an image (1, 1, H, W)."""
    return encoder.ungated(image, means)[..., *where].sum(dim=(2, 3))


def _patches(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """A few patches, spread over the image on a grid that depends on its size only."""
    grid = [tile.core for tile in tiles((image.shape[0], image.shape[1]), _PATCH, 0)]
    whole = [core for core in grid if all(s.stop - s.start == _PATCH for s in core)] or grid
    chosen = np.unique(np.linspace(0, len(whole) - 1, _PATCHES).round().astype(int))
    return [image[whole[i]] for i in chosen]


@torch.inference_mode()
def _floor(encoder: Encoder, noise: float, grey: float, level: int, radius: int, means: list[Tensor]) -> float:
    """Mean squared SF, at one scale, of white noise on a flat field of brightness `grey`."""
    field = np.random.default_rng(0).standard_normal((_PATCH, _PATCH), dtype=np.float32) * noise + grey
    image = torch.from_numpy(field.astype(np.float32))[None, None].to(means[0].device)
    return float(scale_sf(encoder, image, level, radius, means).mean())


@torch.inference_mode()
def _peak(encoder: Encoder, patches: list[list[Tensor]], level: int, radius: int, means: list[Tensor]) -> float:
    """Median over the pixels of the largest squared SF among the slices, at one scale."""
    best: list[Tensor] = []
    for of_slice in patches:
        maps = [scale_sf(encoder, patch, level, radius, means) for patch in of_slice]
        best = [torch.maximum(a, b) for a, b in zip(best, maps, strict=True)] if best else maps
    return float(torch.cat([patch.flatten() for patch in best]).median())


def iter_survey(
    stack: Stack, encoder: Encoder, config: FusionConfig, device: torch.device
) -> Generator[Progress, None, Survey]:
    """Look at up to five slices, spread evenly over z.

    Parameters
    ----------
    stack : Stack
    encoder : Encoder
        On `device`.
    config : FusionConfig
    device : torch device

    Returns
    -------
    Survey
    """
    if config.preset == "paper":
        return Survey(full_range(stack.dtype), 0.0, None, (1.0,), (0.0,), config.softness)
    chosen = stack.order[np.unique(np.linspace(0, len(stack) - 1, _SLICES).round().astype(int))]
    samples, values = [], []
    for done, k in enumerate(chosen):
        grey = luminance(stack[k])
        samples.append(_patches(grey))
        step = max(1, int(np.sqrt(grey.size / 2**16)))
        values.append(grey[::step, ::step].ravel())
        yield Progress(done, len(chosen) + 2, "looking at the stack")
    limits = robust_range(np.concatenate(values))
    greys = [[filled(scaled(patch, limits))[0] for patch in of_slice] for of_slice in samples]
    noise = noise_level([patch for of_slice in greys for patch in of_slice])
    patches = [[torch.from_numpy(patch)[None, None].to(device) for patch in of_slice] for of_slice in greys]
    means: list[Tensor] = []
    for _ in range(encoder.depth):
        total = torch.stack([channel_sum(encoder, patch, means) for of_slice in patches for patch in of_slice]).sum(0)
        means.append(total / sum(patch.numel() for of_slice in patches for patch in of_slice))
        yield Progress(len(chosen), len(chosen) + 2, "looking at the stack")
    mean_grey = float(np.mean([patch.mean() for of_slice in greys for patch in of_slice]))
    levels, radius = range(config.levels), config.radius
    floors = [_floor(encoder, noise, mean_grey, level, radius, means) for level in levels]
    yield Progress(len(chosen) + 1, len(chosen) + 2, "looking at the stack")
    peaks = [_peak(encoder, patches, level, radius, means) for level in levels]
    weights, trust = _weights(peaks, floors)
    softness = config.softness or _SOFT + (_SHARP - _SOFT) * trust
    return Survey(limits, noise, means, weights, tuple(floors), softness)


def _weights(peaks: list[float], floors: list[float]) -> tuple[tuple[float, ...], float]:
    """Weights of the scales: each takes its trust of what the finer ones left; and the trust in the finest."""
    trusts = []
    for peak, floor in zip(peaks, floors, strict=True):
        ratio = max(peak - floor, 0) / floor if floor > 0 else np.inf
        trusts.append(1.0 if np.isinf(ratio) else ratio**2 / (ratio**2 + _TRUSTED_SNR**2))
    left, weights = 1.0, []
    for trust in trusts:
        weights.append(left * trust)
        left *= 1 - trust
    weights[-1] += left
    kept = [weight if weight >= _LEAST_WEIGHT else 0.0 for weight in weights]
    return tuple(weight / sum(kept) for weight in kept), trusts[0]
