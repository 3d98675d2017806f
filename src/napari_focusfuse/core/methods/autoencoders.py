"""DeepFuse and DenseFuse: features of the slices are merged, and a decoder makes an image of them.

- DeepFuse: K. R. Prabhakar, V. S. Srikar, R. V. Babu, ICCV 2017, 4714-4722. Made for exposures: the features of the
  luminance are added (of more than two slices, their mean is doubled), and each colour difference is the mean of those
  of the slices, weighted by their magnitude (Sect. 3.3).
- DenseFuse: H. Li, X.-J. Wu, IEEE Trans. Image Process. 28 (2019) 2614-2623. Trained to give single images back;
  colours are fused one by one, as in the paper.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import DenseFuseConfig
from napari_focusfuse.core.encode.compared import DeepFuse, DenseFuse, filled_with
from napari_focusfuse.core.methods.shared import Planes, iter_limits
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import GREY
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["iter_deepfuse", "iter_densefuse"]

_TILE = 512
#: Least side that the borders of the networks' convolutions can be reflected at, px.
_LEAST = 8
_TINY = 1e-9
_GREY = np.array(GREY, np.float32)


def iter_deepfuse(
    stack: Stack, _config: None, *, weights: Mapping[str, Tensor], device: torch.device
) -> Generator[Progress, None, NDArray[Any]]:
    """Fuse the luminance by the network, and colours by their strength.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="deepfuse").image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 20
    True
    """
    network = DeepFuse()
    filled_with(network, weights, device)
    return (yield from _iter_merged(stack, network.halo, lambda: _ByLuminance(network, device)))


def iter_densefuse(
    stack: Stack, config: DenseFuseConfig, *, weights: Mapping[str, Tensor], device: torch.device
) -> Generator[Progress, None, NDArray[Any]]:
    """Fuse features and decode them.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="densefuse", config=ff.DenseFuseConfig(strategy="add")).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 20
    True
    """
    network = DenseFuse()
    filled_with(network, weights, device)
    by_activity = config.strategy == "l1"
    return (yield from _iter_merged(stack, network.halo, lambda: _ByActivity(network, device, by_activity)))


class _Merged(Protocol):
    """What is kept of the slices of one tile."""

    def add(self, part: NDArray[np.float32]) -> None:
        """Take in the planes (C, Y, X) of a slice."""

    def image(self) -> NDArray[np.float32]:
        """The planes (C, Y, X), or larger ones, of the slices taken in."""


def _iter_merged(stack: Stack, halo: int, begin: Callable[[], _Merged]) -> Generator[Progress, None, NDArray[Any]]:
    """Fuse tile by tile, so that features of one slice and one tile alone are in memory."""
    limits = yield from staged(iter_limits(stack), 0, 0.02)
    planes = Planes(stack)
    fused = np.zeros(planes.shape, np.float32)
    cut = list(tiles(stack.shape, _TILE, halo))
    for number, tile in enumerate(cut):
        merged, empty = begin(), True
        for done, k in enumerate(int(k) for k in stack.order):
            at = 20 + 980 * (number * len(stack) + done) // (len(cut) * len(stack))
            yield Progress(at, 1000, f"features of slice {done + 1} of {len(stack)}")
            unit = planes.take_unit(k, limits)
            if unit is not None:
                merged.add(unit[:, *tile.outer])
                empty = False
        if not empty:
            fused[:, *tile.core] = merged.image()[:, *tile.inner]
    yield Progress(1000, 1000, "fused image")
    return planes.image_of_unit(fused, limits)


class _ByLuminance:
    """Features of the luminance added up, and the colour differences to red and to blue by their magnitude."""

    def __init__(self, network: DeepFuse, device: torch.device) -> None:
        self._network, self._device = network, device
        self._features: Tensor | float = 0.0
        self._count = 0
        self._colours: Any = None

    def add(self, part: NDArray[np.float32]) -> None:
        grey = np.tensordot(_GREY, part, 1) if len(part) == 3 else part[0]
        self._features = self._features + self._network.encoder(_as_batch(grey[None], self._device))
        self._count += 1
        if len(part) == 3:
            difference = part[[0, 2]] - grey
            seen = np.stack([np.abs(difference) * difference, np.abs(difference)])
            self._colours = seen if self._colours is None else self._colours + seen

    def image(self) -> NDArray[np.float32]:
        grey: NDArray[np.float32] = self._network.decoder(2 * self._features / self._count)[0].cpu().numpy()
        if self._colours is None:
            return grey
        weighted, magnitude = self._colours
        y, x = magnitude.shape[1:]
        return _coloured(grey[0, :y, :x], weighted / (magnitude + _TINY))


def _coloured(grey: NDArray[np.float32], difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red, green and blue (3, Y, X) from luminance and its differences (2, Y, X) to red and to blue."""
    red, blue = grey + difference
    green = (grey - _GREY[0] * red - _GREY[2] * blue) / _GREY[1]
    return np.stack([red, green, blue])


class _ByActivity:
    """The mean of the features of each channel, weighted by their activity or not at all."""

    def __init__(self, network: DenseFuse, device: torch.device, by_activity: bool) -> None:
        self._network, self._device, self._by_activity = network, device, by_activity
        self._total: Tensor | float = 0.0
        self._mass: Tensor | float = 0.0

    def add(self, part: NDArray[np.float32]) -> None:
        features = self._network.encode(_as_batch(part, self._device))
        share = _activity(features) if self._by_activity else torch.ones_like(features[:, :1])
        self._total = self._total + share * features
        self._mass = self._mass + share

    def image(self) -> NDArray[np.float32]:
        image: NDArray[np.float32] = self._network.decoder(self._total / self._mass)[:, 0].cpu().numpy()
        return image


def _activity(features: Tensor) -> Tensor:
    """Sum of magnitudes (B, 1, Y, X) of the features, mean over 3 x 3 pixels (Eq. 6 and 7)."""
    level = functional.pad(features.abs().sum(dim=1, keepdim=True), [1] * 4, mode="replicate")
    return functional.avg_pool2d(level, 3, stride=1) + _TINY


def _as_batch(planes: NDArray[np.float32], device: torch.device) -> Tensor:
    """Planes (C, Y, X) as a batch (C, 1, Y, X), large enough for the convolutions."""
    pad = [(0, 0), *((0, max(_LEAST - side, 0)) for side in planes.shape[1:])]
    return torch.from_numpy(np.pad(planes, pad, mode="edge")[:, None]).to(device)
