"""The activity level of whole slices, tile by tile, and what becomes of it over a stack."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.statistics import Statistics, channel_sum
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.verification import iter_verified
from napari_focusfuse.core.encode import doubled, halo, scale_sf
from napari_focusfuse.core.encode.measures import FINE_HALO, FocusMeasure, fine_energy
from napari_focusfuse.core.encode.network import HALO
from napari_focusfuse.core.progress import Progress, repeated
from napari_focusfuse.core.result import Labels
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import continued, filled, luminance, scaled, without_void
from napari_focusfuse.core.stack.tiles import fitted, grown, tiles, within
from napari_focusfuse.core.stack.workers import iter_ahead

__all__ = ["SliceActivity", "iter_guide", "iter_series", "iter_top_k"]

Grey = NDArray[np.float32]
Where = tuple[slice, slice]


class Taker(Protocol):
    """Takes the activity of slices tile by tile, as `TopK` does."""

    def show(self, where: tuple[slice, slice], label: int, previous: int, activity: Grey, /, *further: Grey) -> None:
        """Take in the activity of a part of slice `label` and what comes with it; `previous` came just before it."""


class SliceActivity:
    """The activity level of slices, tile by tile, on one device."""

    def __init__(self, encoder: FocusMeasure, config: FusionConfig, stats: Statistics, device: torch.device) -> None:
        self._encoder, self._config, self._stats, self._device = encoder, config, stats, device
        self._half = stats.combine.half
        self._radii: dict[int, list[int]] = {}
        for level, radius in stats.combine.scales:
            self._radii.setdefault(level, []).append(radius)
        self._halos = {level: halo(encoder, level, max(radii)) for level, radii in self._radii.items()}

    @property
    def reach(self) -> int:
        """Pixels around a pixel of a slice that its activity depends on."""
        return self._stats.combine.reach + max(self._halos.values())

    @torch.inference_mode()
    def part(self, greys: Grey, where: Where, means: list[Tensor] | None, origin: tuple[int, int] = (0, 0)) -> Grey:
        """Activity (B, y, x) of a part of grey images (B, Y, X) in [0, 1], each scale in as small a window as it needs.

        The images may be windows of larger ones, if they begin at multiples of 4 px there, `origin`, and reach far
        enough.
        """
        shape = (greys.shape[1], greys.shape[2])
        align = 2 if self._half else 1
        seen = grown(where, self._stats.combine.reach, shape, align)
        squared = []
        for level, radii in self._radii.items():
            outer = grown(seen, self._halos[level], shape, max(align, 2**level))
            maps = scale_sf(self._encoder, self._tensor(greys[:, *outer]), level, radii, means, half=self._half)
            inner = within(seen, outer)
            squared.append(maps[..., *(map(_halved, inner) if self._half else inner)])
        noise = self._stats.noise.part(_moved(seen, origin), align).to(self._device)
        activity = self._stats.combine(torch.cat(squared, dim=1), noise)
        if self._half:
            full = (seen[0].stop - seen[0].start, seen[1].stop - seen[1].start)
            activity = doubled(activity.log(), full).exp()
        part: Grey = activity[:, 0, *within(where, seen)].cpu().numpy()
        return part

    @property
    def minds_void(self) -> bool:
        """Whether a border without values is told from black: the paper takes values as they are."""
        return self._config.preset != "paper"

    @property
    def frozen(self) -> bool:
        """Whether a pixel depends on its neighbourhood only, not on means over its slice."""
        return self._stats.means is not None or not self._encoder.pools

    def iter_parts(self, grey: Grey, means: list[Tensor] | None) -> Iterator[tuple[Where, Callable[[], list[Grey]]]]:
        """The tiles of a grey slice (Y, X) in [0, 1], and what makes the activity of each, with what comes with it.

        What is not finite has no activity; around it, it takes its own part of each window and no more.
        """
        grey, missing = continued(grey)
        shape = (grey.shape[0], grey.shape[1])
        height, width = (fitted(length, self._config.tile) for length in shape)
        for tile in tiles(shape, (height, width), 0, align=4):
            yield tile.core, partial(self._tile, grey, missing, tile.core, means)

    def iter_show(self, peaks: Taker, label: int, previous: int, grey: Grey) -> Generator[None, None, None]:
        """Show a grey slice (Y, X) in [0, 1] to `peaks`, tile by tile."""
        means = self._stats.means if self.frozen else (yield from self._iter_means(filled(grey)[0]))
        for where, make in self.iter_parts(grey, means):
            peaks.show(where, label, previous, *make())
            yield

    def _tile(
        self, grey: Grey, missing: NDArray[np.bool_] | None, where: Where, means: list[Tensor] | None
    ) -> list[Grey]:
        activity = self.part(grey[None], where, means)[0]
        made = [activity, grey[where], self._energy(grey, where)] if self._stats.candidates else [activity]
        if missing is not None:
            for unknown in (activity, made[-1]):
                unknown[missing[where]] = 0
        return made

    @torch.inference_mode()
    def _energy(self, grey: Grey, where: Where) -> Grey:
        """Energy (y, x) of the grey values in a part of a slice, which a candidate head looks at."""
        outer = grown(where, FINE_HALO, (grey.shape[0], grey.shape[1]))
        energy: Grey = fine_energy(self._tensor(grey[None, *outer]))[0, 0, *within(where, outer)].cpu().numpy()
        return energy

    def _iter_means(self, grey: Grey) -> Generator[None, None, list[Tensor]]:
        """The image's own channel means, exact over the whole image (the gates of the paper)."""
        means: list[Tensor] = []
        for _ in range(self._encoder.depth):
            total = torch.zeros(1, device=self._device)
            for tile in tiles((grey.shape[0], grey.shape[1]), self._config.tile, HALO):
                total = total + channel_sum(self._encoder, self._tensor(grey[None, *tile.outer]), means, tile.inner)
                yield
            means.append(total / grey.size)
        return means

    def _tensor(self, grey: Grey) -> Tensor:
        """Images (B, 1, Y, X) from (B, Y, X)."""
        return torch.from_numpy(np.ascontiguousarray(grey))[:, None].to(self._device)


def _moved(part: Where, origin: tuple[int, int]) -> Where:
    """A part of a window as a part of the whole."""
    y, x = (slice(side.start + start, side.stop + start) for side, start in zip(part, origin, strict=True))
    return y, x


def _halved(side: slice) -> slice:
    """A part at half size; it begins at an even number."""
    return slice(side.start // 2, -(-side.stop // 2))


def _grey(stack: Stack, k: int, limits: tuple[float, float]) -> Grey:
    return scaled(luminance(stack[k]), limits)


def _known(stack: Stack, k: int, limits: tuple[float, float]) -> Grey:
    """The same, with NaN where the slice shows nothing."""
    return scaled(without_void(luminance(stack[k]), limits), limits)


def iter_top_k(stack: Stack, activity: SliceActivity, stats: Statistics, count: int) -> Generator[Progress, None, TopK]:
    """Encode every slice once, in the order of z (Eq. 5-8); parts of slices in `count` threads."""
    peaks = TopK(stack.shape, len(stack), carried=stats.candidates is not None)
    order = [int(k) for k in stack.order]
    places = list(zip(range(len(order)), order, [-1, *order], strict=False))

    def progress(done: int) -> Progress:
        return Progress(done, len(order), f"slice {done + 1} of {len(order)}")

    look = _known if activity.minds_void else _grey

    def read(k: int) -> Grey:
        return look(stack, k, stats.limits) * np.float32(stats.gains[k])

    if not activity.frozen:
        for done, k, previous in places:
            yield from repeated(activity.iter_show(peaks, k, previous, read(k)), progress(done))
        peaks.finish()
        return peaks

    def jobs() -> Iterator[Callable[[], tuple[int, Where, list[Grey]]]]:
        for done, k, _ in places:
            for where, make in activity.iter_parts(read(k), stats.means):
                yield partial(_made, done, where, make)

    yield progress(0)
    for done, where, maps in iter_ahead(jobs(), count):
        peaks.show(where, *places[done][1:], *maps)
        yield progress(done)
    peaks.finish()
    return peaks


def _made(done: int, where: Where, make: Callable[[], list[Grey]]) -> tuple[int, Where, list[Grey]]:
    return done, where, make()


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
    stack: Stack, activity: SliceActivity, config: FusionConfig, stats: Statistics
) -> Generator[Progress, None, tuple[TopK, NDArray[np.bool_]]]:
    """Fuse one by one: the first two, their result and the third, and so on (Sect. 3.1).

    Returns
    -------
    TopK
        Its `activity` are the weights of its `labels`.
    array (Y, X) bool
        Where no pair had a signal.
    """
    first, *others = (int(k) for k in stack.order)
    everywhere = (slice(0, stack.shape[0]), slice(0, stack.shape[1]))
    total, silent = TopK(stack.shape, len(stack), beside=False), np.ones(stack.shape, dtype=bool)
    total.show(everywhere, first, -1, np.ones(stack.shape, dtype=np.float32))
    fused = _grey(stack, first, stats.limits)
    for done, k in enumerate(others):
        progress = Progress(done, len(others), f"slices 1 to {done + 1} of {len(stack)} with the next")
        following = _grey(stack, k, stats.limits)
        pair = TopK(stack.shape, 2, beside=False)
        for label, image in ((0, fused), (1, following)):
            for _ in activity.iter_show(pair, label, label - 1, image):
                yield progress
        silent &= pair.activity[0] < stats.silence
        guide = filled(np.where(pair.labels[0] == 0, fused, following))[0] * 255
        verifying = iter_verified(pair.labels[0], (0, 1), guide, config.radius, config.min_region)
        verified = yield from repeated(verifying, progress)
        share = np.where(verified.labels == 0, verified.activity, 0).sum(axis=0)
        np.multiply(total.activity, share, out=total.activity, where=np.isfinite(total.activity))
        total.show(everywhere, k, -1, 1 - share)
        mixed = fused * share + following * (1 - share)
        fused = np.where(np.isfinite(mixed), mixed, np.where(np.isfinite(fused), fused, following))
    return total, silent
