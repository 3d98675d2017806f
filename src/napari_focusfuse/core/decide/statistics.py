"""What is global to a stack: intensity range, flicker, noise, gates of the encoder and the weight of each scale."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.activity import scale_maps
from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.decide.combine import Combination, Learned, Weighted
from napari_focusfuse.core.decide.gain import block_means, gains
from napari_focusfuse.core.edge_head import EdgeHead
from napari_focusfuse.core.head import SCALES
from napari_focusfuse.core.head import softness as odds_softness
from napari_focusfuse.core.intensity import filled, full_range, luminance, robust_range, scaled, without_specks
from napari_focusfuse.core.measures import FocusMeasure, grey_floor
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import tiles

__all__ = ["Survey", "channel_sum", "iter_survey", "noise_level", "noise_maps"]

#: Slices, patches in each and side of a patch (px) that are sent through the encoder; and pixels for the range.
_SLICES, _PATCHES, _PATCH, _SAMPLE = 5, 4, 128, 2**20
#: Side of the field of pure noise, px.
_FIELD = 256
_BLOCK = 32
#: An integer camera saturates where more than this share of the values are the largest there is.
_SATURATED, _TINY = 1e-4, 1e-9
#: A scale is trusted by s^2 / (s^2 + 2^2), where s is its median peak of SF squared over that of the noise.
_TRUSTED_SNR = 2.0
#: Softness of the weights where the finest scale is not trusted at all, and where it is trusted fully.
_SOFT, _SHARP = 8.0, 20.0
#: A scale that weighs less is left out; the coarsest one is trusted this much at least.
_LEAST_WEIGHT, _LEAST_TRUST = 0.02, 0.05
#: No signal: below this multiple of the activity of nothing at all, or of the largest in a patch of pure noise.
_ABOVE_NOTHING, _ABOVE_NOISE = 2.0, 1.2
#: Noise that a decision head has been trained to tell from a signal, at the least.
_HEARD = 0.003

Grey = NDArray[np.float32]
Where = tuple[slice, slice]
Scales = Sequence[tuple[int, int]]
_EVERYWHERE: Where = (slice(None), slice(None))


@dataclass(frozen=True)
class Survey:
    """What holds for all slices and tiles.

    Attributes
    ----------
    limits : (float, float)
        Intensities that become 0 and 1.
    gains : (N,) float64
        Factors that remove the flicker of the slices, indexed as the stack.
    noise : float
        Standard deviation of the noise, as a share of the range.
    means : list of Tensors or None
        Channel means that freeze the encoder's gates; None: each image has its own.
    combine : Combination
        How the scales become one activity.
    silence : float
        An activity below this is no signal.
    softness : float
        Power of the weights.
    edges : EdgeHead or None
        What decides between two depths that compete for a pixel.
    floor : float
        Energy of grey values that noise alone has.
    saturation : float
        Where the camera saturates, as a share of the range; inf if it does not.
    follows_noise : bool
        Whether the softness is that which suits the noise.
    """

    limits: tuple[float, float]
    gains: NDArray[np.float64]
    noise: float
    means: list[Tensor] | None
    combine: Combination
    silence: float
    softness: float
    edges: EdgeHead | None = None
    floor: float = 0.0
    saturation: float = math.inf
    follows_noise: bool = False

    @property
    def level_weights(self) -> tuple[float, ...]:
        """The share of each pyramid level in the activity; empty where a decision head combines them."""
        return self.combine.weights if isinstance(self.combine, Weighted) else ()


def noise_level(images: Sequence[Grey]) -> float:
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
def channel_sum(encoder: FocusMeasure, image: Tensor, means: list[Tensor], where: Where = _EVERYWHERE) -> Tensor:
    """Sum (1, 16) of block number ``len(means)`` before its gate, over a part of an image (1, 1, H, W)."""
    return encoder.ungated(image, means)[..., *where].sum(dim=(2, 3))


@torch.inference_mode()
def noise_maps(
    measure: FocusMeasure,
    noise: float,
    grey: float,
    scales: Scales,
    means: list[Tensor] | None,
    device: torch.device,
    *,
    half: bool,
) -> Tensor:
    """Squared SF (1, len(scales), Y, X) of white noise of this standard deviation on a flat field; see `scale_sf`."""
    field = np.random.default_rng(0).standard_normal((_FIELD, _FIELD)) * noise + grey
    image = torch.from_numpy(field.astype(np.float32))[None, None].to(device)
    return scale_maps(measure, image, scales, means, half=half)


def _places(shape: tuple[int, int]) -> list[Where]:
    """The grid of patches: whole ones, or the parts of an image that is smaller."""
    grid = [tile.core for tile in tiles(shape, _PATCH, 0)]
    return [place for place in grid if all(side.stop - side.start == _PATCH for side in place)] or grid


def _iter_brightness(
    stack: Stack,
) -> Generator[Progress, None, tuple[tuple[float, float], NDArray[np.float64], list[Where], float]]:
    """Intensity range, gain of each slice, the places with most contrast, and the brightness at which it saturates."""
    places = _places(stack.shape)
    values, blocks, contrast = [], [], np.zeros(len(places))
    brightest = -math.inf
    step = max(1, math.isqrt(math.ceil(len(stack) * stack.shape[0] * stack.shape[1] / _SAMPLE)))
    for done, k in enumerate(stack.order):
        grey = luminance(stack[int(k)])
        grey = filled(without_specks(grey, robust_range(grey[::step, ::step])))[0]
        values.append(grey[::step, ::step].ravel())
        brightest = max(brightest, float(grey.max()))
        blocks.append(block_means(grey))
        contrast = np.maximum(contrast, [grey[place][::4, ::4].std(dtype=np.float64) for place in places])
        yield Progress(done, len(stack), "looking at the stack")
    factors = np.ones(len(stack))
    factors[stack.order] = gains(blocks)
    ranks = np.unique(np.linspace(0, (len(places) - 1) / 2, _PATCHES).round().astype(int))
    chosen = np.argsort(-contrast, kind="stable")[ranks]
    sample = np.concatenate(values)
    full = stack.dtype.kind in "iu" and np.isclose(brightest, _full_scales(stack.dtype), rtol=1e-6).any()
    saturates = full and (sample >= brightest).mean() > _SATURATED
    best_places = [places[i] for i in chosen]
    return robust_range(sample), factors, best_places, brightest if saturates else math.inf


def _full_scales(dtype: np.dtype[Any]) -> list[float]:
    """The largest counts of cameras whose images are kept in this integer type: of 8 bits and more."""
    return [float(2**bits - 1) for bits in range(8, 8 * dtype.itemsize + 1)]


def iter_survey(
    stack: Stack, encoder: FocusMeasure, config: FusionConfig, device: torch.device
) -> Generator[Progress, None, Survey]:
    """Look at all slices, and send a few patches of a few of them through the encoder.

    Parameters
    ----------
    stack : Stack
    encoder : FocusMeasure
        An `Encoder`, on `device`.
    config : FusionConfig
    device : torch device

    Returns
    -------
    Survey
    """
    if config.preset == "paper":
        plain = Weighted(config.radius, (1.0,), (0.0,))
        silence = _ABOVE_NOTHING * _of_nothing(plain, device)
        return Survey(full_range(stack.dtype), np.ones(len(stack)), 0.0, None, plain, silence, config.softness)
    limits, factors, places, saturation = yield from _iter_brightness(stack)
    progress = Progress(len(stack), len(stack), "looking at the stack")
    chosen = stack.order[np.unique(np.linspace(0, len(stack) - 1, _SLICES).round().astype(int))]
    patches: list[list[Grey]] = []
    for k in chosen:
        grey = filled(scaled(luminance(stack[int(k)]), limits))[0]
        patches.append([grey[place] for place in places])
        yield progress
    flat = [patch for of_slice in patches for patch in of_slice]
    tensors = [torch.from_numpy(np.ascontiguousarray(patch))[None, None].to(device) for patch in flat]
    means = (yield from _iter_means(encoder, tensors, progress)) if encoder.pools else None
    noise = noise_level(flat)
    head = encoder.head if config.own_scales else None
    scales: Scales = SCALES if head else [(level, config.radius) for level in range(config.levels)]
    brightness = float(np.mean([patch.mean() for patch in flat]))
    noisy = noise_maps(encoder, noise, brightness, scales, means, device, half=head is not None)
    floors = noisy.mean(dim=(0, 2, 3))
    if head is not None:
        combine: Combination = Learned(head, floors)
        softness, edges = odds_softness(noise), None if config.hard else encoder.edges
        heard = noisy
        if noise < _HEARD:
            heard = noise_maps(encoder, _HEARD, brightness, scales, means, device, half=True)
        of_noise = Learned(head, heard.mean(dim=(0, 2, 3)))(heard)
    else:
        maps = []
        for patch in tensors:
            maps.append(_of_patch(encoder, patch, scales, means))
            yield progress
        least = floors.tolist()
        weights, trust = _weights(_peaks(maps, len(places), least), least)
        combine, softness = Weighted(config.radius, weights, tuple(least)), _SOFT + (_SHARP - _SOFT) * trust
        edges = None
        of_noise = combine(noisy[:, [scales.index(scale) for scale in combine.scales]])
    silence = max(_ABOVE_NOTHING * _of_nothing(combine, device), _ABOVE_NOISE * float(of_noise.max()))
    wanted = config.softness or softness
    span = max(limits[1] - limits[0], _TINY)
    return Survey(
        limits,
        factors,
        noise,
        means,
        combine,
        silence,
        wanted,
        edges=edges,
        floor=grey_floor(noise),
        saturation=(saturation - limits[0]) / span,
        follows_noise=config.softness == 0,
    )


def _iter_means(
    encoder: FocusMeasure, patches: Sequence[Tensor], progress: Progress
) -> Generator[Progress, None, list[Tensor]]:
    """The channel means of all patches together."""
    means: list[Tensor] = []
    for _ in range(encoder.depth):
        total = torch.stack([channel_sum(encoder, patch, means) for patch in patches]).sum(0)
        means.append(total / sum(patch[0, 0].numel() for patch in patches))
        yield progress
    return means


def _of_nothing(combine: Combination, device: torch.device) -> float:
    """Activity where there is nothing at all."""
    return float(combine(torch.zeros(1, combine.inputs, 1, 1, device=device)).max())


@torch.inference_mode()
def _of_patch(encoder: FocusMeasure, patch: Tensor, scales: Scales, means: list[Tensor] | None) -> list[Grey]:
    return list(scale_maps(encoder, patch, scales, means)[0].cpu().numpy())


def _peaks(maps: Sequence[Sequence[Grey]], places: int, floors: Sequence[float]) -> list[float]:
    """Median, at each scale, of the largest squared SF among the slices; over the pixels that rise above the noise."""
    best = [
        np.concatenate([np.max([m[level] for m in maps[place::places]], axis=0).ravel() for place in range(places)])
        for level in range(len(floors))
    ]
    signal = best[-1] > 2 * floors[-1]
    where = signal if signal.any() else slice(None)
    return [float(np.median(level[where])) for level in best]


def _weights(peaks: Sequence[float], floors: Sequence[float]) -> tuple[tuple[float, ...], float]:
    """Weights of the scales, in proportion to the trust in each; and the trust in the finest."""
    trusts = []
    for peak, floor in zip(peaks, floors, strict=True):
        ratio = max(peak - floor, 0) / floor if floor > 0 else math.inf
        trusts.append(1.0 if math.isinf(ratio) else ratio**2 / (ratio**2 + _TRUSTED_SNR**2))
    weights = [*trusts[:-1], max(trusts[-1], _LEAST_TRUST)]
    kept = [weight if weight >= _LEAST_WEIGHT * sum(weights) else 0.0 for weight in weights]
    return tuple(weight / sum(kept) for weight in kept), trusts[0]
