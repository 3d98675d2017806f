"""A convolutional network compares patches: Y. Liu, X. Chen, H. Peng, Z. Wang, Information Fusion 36 (2017) 191-207.

Each pixel gets the mean of what the classifier says of the patches of 16 x 16 pixels that it lies in, one at every
second pixel. The map is cut at .5, small regions are reversed, and a guided filter makes the seams soft.

More than two slices are fused one by one in series, as the authors do. A comparison of two says nothing of the depth
between slices, which is not measured.
"""

from collections.abc import Generator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import CNNConfig
from napari_focusfuse.core._types import Grey, Mask
from napari_focusfuse.core.decide.confidence import hard_weights
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.verification import guided_filter, without_small_regions
from napari_focusfuse.core.encode.compared import PATCH, STEP, FocusClassifier, filled_with
from napari_focusfuse.core.methods.shared import NOTHING, grey_slice, iter_limits
from napari_focusfuse.core.methods.windows import spatial_frequency
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.result import Decision, Flag, Labels
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["focus_map", "iter_cnn"]

Map = NDArray[np.float32]
_TILE = 512
#: Pixels around a pixel that its value in the focus map depends on.
_HALO = PATCH + FocusClassifier.margin
#: Radius of the window in which there is any signal, px.
_WINDOW = 5


def focus_map(network: FocusClassifier, first: Grey, second: Grey, device: torch.device) -> Map:
    """How surely a pixel (Y, X) of the first slice is sharper than that of the second, 0 to 1.

    Both orders are asked, so that .5 means no difference and exchanging the slices gives 1 minus the map.
    """
    # Pairs of a side's pixels are pooled, and a patch has to fit in.
    fill = [max(PATCH, side + side % STEP) - side for side in first.shape]
    margin = network.margin
    pad = [(margin, margin + more) for more in fill]
    a, b = (torch.from_numpy(np.pad(grey, pad, mode="edge"))[None, None].to(device) for grey in (first, second))
    sure = torch.sigmoid((network(a, b) - network(b, a)) / 2)
    patch = torch.ones(1, 1, PATCH, PATCH, device=device)
    total, count = (functional.conv_transpose2d(each, patch, stride=STEP) for each in (sure, torch.ones_like(sure)))
    found: Map = (total / count)[0, 0].cpu().numpy()
    return found[: first.shape[0], : first.shape[1]]


def iter_cnn(
    stack: Stack, config: CNNConfig, *, weights: Mapping[str, Tensor], device: torch.device
) -> Generator[Progress, None, Decision]:
    """Compare the slices one after the other with the best so far, and verify the decision.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="cnn", config=ff.CNNConfig(radius=2)).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 28
    True
    """
    network = FocusClassifier()
    filled_with(network, weights, device)
    limits = yield from staged(iter_limits(stack), 0, 0.05)
    first, *others = (int(k) for k in stack.order)
    best = _Best(stack, first, limits)
    for done, k in enumerate(others):
        grey, missing = grey_slice(stack, k, limits)
        sure = np.empty(stack.shape, np.float32)
        cut = list(tiles(stack.shape, _TILE, _HALO, STEP))
        for number, tile in enumerate(cut):
            at = 50 + 700 * (done * len(cut) + number) // (len(others) * len(cut))
            yield Progress(at, 1000, f"comparing slice {done + 2} of {len(stack)}")
            here = focus_map(network, best.grey[tile.outer], grey[tile.outer], device)
            sure[tile.core] = here[tile.inner]
        best.show(k, grey, missing, sure, config.min_region)
    labels, shares = yield from staged(_iter_smooth(stack, best, limits, config), 0.75, 0.25)
    silent = best.signal <= NOTHING
    ends = np.isin(best.index, (first, others[-1])) & (len(stack) > 2) & ~silent
    flags = (Flag.NO_SIGNAL * silent + Flag.NOT_BRACKETED * ends).astype(np.uint16)
    confidence = np.where(silent, 0, best.confidence).astype(np.float32)
    return Decision(labels, shares, np.full(stack.shape, np.nan, np.float32), confidence, flags, stack.z, {})


class _Best:
    """The best slice of each pixel so far, and the slice (Y, X) that is put together of them."""

    def __init__(self, stack: Stack, first: int, limits: tuple[float, float]) -> None:
        self.grey, self._missing = grey_slice(stack, first, limits)
        self.index: Labels = np.full(stack.shape, first, dtype=np.int32)
        self.confidence = np.ones(stack.shape, np.float32)
        self.signal = spatial_frequency(self.grey, _WINDOW)

    def show(self, k: int, grey: Grey, missing: Mask | None, sure: Map, min_region: float) -> None:
        """Take in a slice, with how surely the best so far is sharper."""
        self.signal = np.maximum(self.signal, spatial_frequency(grey, _WINDOW))
        area = min_region * sure.size
        stays = without_small_regions(sure >= 0.5, area)
        stays = ~without_small_regions(~stays, area)
        if self._missing is not None:
            stays &= ~self._missing
        if missing is not None:
            stays |= missing
        self._missing = None if missing is None or self._missing is None else self._missing & missing
        margin = np.abs(2 * sure - 1)
        self.confidence = np.where(stays, np.minimum(self.confidence, margin), margin)
        self.index = np.where(stays, self.index, np.int32(k))
        self.grey = np.where(stays, self.grey, grey)


def _iter_smooth(
    stack: Stack, best: _Best, limits: tuple[float, float], config: CNNConfig
) -> Generator[Progress, None, tuple[Labels, Map]]:
    """Labels and weights (K, Y, X): the guided filter of each slice's map, made to sum to 1."""
    maps = TopK(stack.shape, len(stack), beside=False)
    whole = (slice(None), slice(None))
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"seams of slice {done + 1} of {len(stack)}")
        chosen = (best.index == k).astype(np.float32)
        share = guided_filter(best.grey, chosen, config.radius, config.eps).clip(0, 1) if chosen.any() else chosen
        missing = grey_slice(stack, k, limits)[1] if chosen.any() else None
        maps.show(whole, k, -1, share if missing is None else np.where(missing, np.float32(0), share))
    return hard_weights(maps, best.index)
