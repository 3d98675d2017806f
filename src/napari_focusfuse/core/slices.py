"""The activity level of whole slices, tile by tile, and what becomes of it over a stack."""

import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_focusfuse.core.activity import halo, scale_sf
from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.decision import Labels
from napari_focusfuse.core.gain import Leveller
from napari_focusfuse.core.intensity import filled, luminance, scaled
from napari_focusfuse.core.network import HALO, Encoder
from napari_focusfuse.core.peaks import Peaks
from napari_focusfuse.core.progress import Progress, repeated
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.survey import Survey, channel_sum
from napari_focusfuse.core.tiles import tiles
from napari_focusfuse.core.verify import iter_verified

__all__ = ["SliceActivity", "iter_guide", "iter_peaks", "iter_series"]

Grey = NDArray[np.float32]
#: What is added to the squared SF, relative to the noise floor and absolutely, so that its logarithm exists.
_FLOOR_SHARE, _TINY = 0.1, 1e-9


class SliceActivity:
    """The activity level of slices, tile by tile, on one device."""

    def __init__(self, encoder: Encoder, config: FusionConfig, survey: Survey, device: torch.device) -> None:
        self._encoder, self._config, self._survey, self._device = encoder, config, survey, device
        self._levels = [level for level, weight in enumerate(survey.level_weights) if weight]
        #: Activity where there is no signal.
        self.nothing = math.exp(
            0.5
            * sum(
                weight * math.log(_FLOOR_SHARE * floor + _TINY)
                for weight, floor in zip(survey.level_weights, survey.floors, strict=True)
            )
        )

    def iter_show(self, peaks: Peaks, label: int, previous: int, grey: Grey) -> Generator[None, None, None]:
        """Show a grey slice (Y, X) in [0, 1] to `peaks`, tile by tile; what is not finite has no activity."""
        grey, missing = filled(grey)
        if missing is not None:
            missing = ndimage.maximum_filter(missing, 2 * halo(0, self._config.radius) + 1)
        means = self._survey.means
        if means is None and self._encoder.pools:
            means = yield from self._iter_means(grey)
        size = -(-self._config.tile // 4) * 4
        shape = (grey.shape[0], grey.shape[1])
        per_level = [tiles(shape, size, halo(level, self._config.radius), 2**level) for level in self._levels]
        for of_tile in zip(*per_level, strict=True):
            maps = [
                self._squared_sf(grey[tile.outer], level, means)[tile.inner]
                for level, tile in zip(self._levels, of_tile, strict=True)
            ]
            activity, core = self._combined(maps), of_tile[0].core
            if missing is not None:
                activity[missing[core]] = 0
            peaks.show(core, label, previous, activity)
            yield

    def _iter_means(self, grey: Grey) -> Generator[None, None, list[Tensor]]:
        """The image's own channel means, exact over the whole image (the gates of the paper)."""
        means: list[Tensor] = []
        for _ in range(self._encoder.depth):
            total = torch.zeros(1, device=self._device)
            for tile in tiles((grey.shape[0], grey.shape[1]), self._config.tile, HALO):
                total = total + channel_sum(self._encoder, self._tensor(grey[tile.outer]), means, tile.inner)
                yield
            means.append(total / grey.size)
        return means

    def _tensor(self, grey: Grey) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(grey))[None, None].to(self._device)

    @torch.inference_mode()
    def _squared_sf(self, grey: Grey, level: int, means: list[Tensor] | None) -> Grey:
        out: Grey = scale_sf(self._encoder, self._tensor(grey), level, self._config.radius, means)[0, 0].cpu().numpy()
        return out

    def _combined(self, maps: list[Grey]) -> Grey:
        """Weighted geometric mean of the scales' spatial frequencies, above the floor of the noise."""
        total = np.zeros_like(maps[0])
        for level, squared in zip(self._levels, maps, strict=True):
            floor = self._survey.floors[level]
            signal = np.maximum(squared - floor, 0) + (_FLOOR_SHARE * floor + _TINY)
            total += self._survey.level_weights[level] * np.log(signal)
        return np.asarray(np.exp(0.5 * total), dtype=np.float32)


def _grey(stack: Stack, k: int, limits: tuple[float, float]) -> Grey:
    return scaled(luminance(stack[k]), limits)


def iter_peaks(
    stack: Stack, activity: SliceActivity, limits: tuple[float, float], leveller: Leveller | None
) -> Generator[Progress, None, Peaks]:
    """Encode every slice once, in the order of z (Eq. 5-8), its gain removed by `leveller`."""
    peaks = Peaks(stack.shape, len(stack))
    previous = -1
    for done, k in enumerate(int(k) for k in stack.order):
        progress = Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        yield progress
        grey = _grey(stack, k, limits)
        for _ in activity.iter_show(peaks, k, previous, leveller.level(grey) if leveller else grey):
            yield progress
        previous = k
    return peaks


def iter_guide(stack: Stack, index: Labels, limits: tuple[float, float]) -> Generator[Progress, None, Grey]:
    """The initial fused image, grey, 0..255 (Sect. 3.3.2)."""
    guide = np.zeros(stack.shape, dtype=np.float32)
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), "initial fused image")
        here = index == k
        if here.any():
            np.copyto(guide, filled(_grey(stack, k, limits))[0] * 255, where=here)
    return guide


def iter_series(
    stack: Stack, activity: SliceActivity, config: FusionConfig, limits: tuple[float, float]
) -> Generator[Progress, None, Peaks]:
    """Fuse one by one: the first two, their result and the third, and so on (Sect. 3.1). Gives weights."""
    first, *others = (int(k) for k in stack.order)
    everywhere = (slice(0, stack.shape[0]), slice(0, stack.shape[1]))
    total = Peaks(stack.shape, len(stack))
    total.show(everywhere, first, -1, np.ones(stack.shape, dtype=np.float32))
    fused = filled(_grey(stack, first, limits))[0]
    for done, k in enumerate(others):
        progress = Progress(done, len(others), f"slices 1 to {done + 1} of {len(stack)} with the next")
        following = filled(_grey(stack, k, limits))[0]
        pair = Peaks(stack.shape, 2)
        for label, image in ((0, fused), (1, following)):
            for _ in activity.iter_show(pair, label, label - 1, image):
                yield progress
        guide = np.where(pair.labels[0] == 0, fused, following) * 255
        verified = yield from repeated(
            iter_verified(pair.labels[0], (0, 1), guide, config.radius, config.min_region), progress
        )
        share = np.where(verified.labels == 0, verified.activity, 0).sum(axis=0)
        np.multiply(total.activity, share, out=total.activity, where=np.isfinite(total.activity))
        total.show(everywhere, k, -1, 1 - share)
        fused = fused * share + following * (1 - share)
    return total
