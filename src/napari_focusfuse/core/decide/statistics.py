"""What is global to a stack: intensity range, flicker, noise, gates of the encoder and the weight of each scale."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.survey import NoiseMap, iter_survey, spread
from napari_focusfuse.core.encode import scale_maps
from napari_focusfuse.core.encode.candidate_head import CandidateHead
from napari_focusfuse.core.encode.head import SCALES, Combination, FocusHead, Learned, Weighted
from napari_focusfuse.core.encode.measures import FocusMeasure
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import (
    filled,
    full_range,
    luminance,
    scaled,
)

__all__ = ["Statistics", "channel_sum", "iter_statistics", "noise_maps"]

#: Slices whose patches are sent through the encoder.
_SLICES = 5
#: Side of the field of pure noise, px.
_FIELD = 256
#: What counts as saturated, relative to where the camera saturates.
_ALMOST = 0.999
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
class Statistics:
    """What holds for all slices and tiles.

    Attributes
    ----------
    limits : (float, float)
        Intensities that become 0 and 1.
    gains : (N,) float64
        Factors that remove the flicker of the slices, indexed as the stack.
    noise : NoiseMap
        Standard deviation of the noise, as a share of the range.
    means : list of Tensors or None
        Channel means that freeze the encoder's gates; None: each image has its own.
    combine : Combination
        How the scales become one activity.
    silence : float
        An activity below this is no signal.
    softness : float
        Power of the weights.
    candidates : CandidateHead or None
        What judges the best few slices of each pixel.
    saturation : (N,) array or None
        Grey value at which each slice counts as saturated; None if none is.
    """

    limits: tuple[float, float]
    gains: NDArray[np.float64]
    noise: NoiseMap
    means: list[Tensor] | None
    combine: Combination
    silence: float
    softness: float
    candidates: CandidateHead | None = None
    saturation: NDArray[np.float64] | None = None

    @property
    def level_weights(self) -> tuple[float, ...]:
        """The share of each pyramid level in the activity; empty where a decision head combines them."""
        return self.combine.weights if isinstance(self.combine, Weighted) else ()


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


def iter_statistics(
    stack: Stack, encoder: FocusMeasure, config: FusionConfig, device: torch.device
) -> Generator[Progress, None, Statistics]:
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
    Statistics
    """
    if config.preset == "paper":
        plain = Weighted(config.radius, (1.0,), (0.0,))
        silence = _ABOVE_NOTHING * _of_nothing(plain, device)
        calm = NoiseMap(np.zeros((1, 1), np.float32))
        return Statistics(full_range(stack.dtype), np.ones(len(stack)), calm, None, plain, silence, config.softness)
    seen = yield from iter_survey(stack)
    progress = Progress(len(stack), len(stack), "measuring brightness and noise")
    patches: list[list[Grey]] = []
    for k in spread(len(stack), _SLICES):
        grey = filled(scaled(luminance(stack[int(stack.order[k])]), seen.limits))[0]
        patches.append([grey[place] for place in seen.places])
        yield progress
    flat = [patch for of_slice in patches for patch in of_slice]
    tensors = [torch.from_numpy(np.ascontiguousarray(patch))[None, None].to(device) for patch in flat]
    means = (yield from _iter_means(encoder, tensors, progress)) if encoder.pools else None
    brightness = float(np.mean([patch.mean() for patch in flat]))
    asked = _Asked(encoder, means, seen.noise.typical, brightness, device)
    learned = config.scales == "learned" and encoder.head is not None
    if encoder.head is not None and learned:
        (combine, of_noise), softness = _learned(asked, encoder.head), 0.0
    else:
        combine, of_noise, softness = _weighted(asked, tensors, len(seen.places), config)
    return Statistics(
        seen.limits,
        seen.gains,
        seen.noise,
        means,
        combine,
        max(_ABOVE_NOTHING * _of_nothing(combine, device), _ABOVE_NOISE * of_noise),
        config.softness or softness,
        candidates=encoder.candidates if learned and not config.hard else None,
        saturation=None if math.isinf(seen.saturation) else _ALMOST * seen.saturation * seen.gains,
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


class _Asked(NamedTuple):
    """What the combinations ask: how this encoder answers to noise alone."""

    encoder: FocusMeasure
    means: list[Tensor] | None
    noise: float
    brightness: float
    device: torch.device

    def maps(self, noise: float, scales: Scales, *, half: bool = False) -> Tensor:
        return noise_maps(self.encoder, noise, self.brightness, scales, self.means, self.device, half=half)


def _learned(asked: _Asked, head: FocusHead) -> tuple[Combination, float]:
    """The decision head with its floors, and its largest activity where there is noise alone."""
    noise = max(asked.noise, _HEARD)
    maps = asked.maps(noise, SCALES, half=True)
    combine = Learned(head, maps.mean(dim=(0, 2, 3)) / noise**2)
    return combine, float(combine(maps, maps.new_tensor(noise)).max())


def _weighted(
    asked: _Asked, patches: Sequence[Tensor], places: int, config: FusionConfig
) -> tuple[Combination, float, float]:
    """Scales weighed by how far the peaks of these patches rise above the noise; its activity; softness."""
    scales: Scales = [(level, config.radius) for level in range(config.levels)]
    noisy = asked.maps(asked.noise, scales)
    floors = noisy.mean(dim=(0, 2, 3)).tolist()
    maps = [_of_patch(asked.encoder, patch, scales, asked.means) for patch in patches]
    weights, trust = _weights(_peaks(maps, places, floors), floors)
    combine = Weighted(config.radius, weights, tuple(floors))
    of_noise = combine(noisy[:, [scales.index(scale) for scale in combine.scales]], noisy)
    return combine, float(of_noise.max()), _SOFT + (_SHARP - _SOFT) * trust


def _of_nothing(combine: Combination, device: torch.device) -> float:
    """Activity where there is nothing at all."""
    nothing = torch.zeros(1, combine.inputs, 1, 1, device=device)
    return float(combine(nothing, nothing[0, 0]).max())


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
