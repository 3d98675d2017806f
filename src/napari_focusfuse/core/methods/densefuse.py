"""DenseFuse: H. Li, X.-J. Wu, IEEE Trans. Image Process. 28 (2019) 2614-2623.

An encoder gives features of each slice, these are fused, and a decoder makes an image of them. Both were trained to
give single images back. Colours are fused one by one, as in the paper.
"""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import DenseFuseConfig
from napari_focusfuse.core.encode.compared import DenseFuse, filled_with
from napari_focusfuse.core.methods.shared import Planes, iter_limits
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["iter_densefuse"]

_TILE = 512
#: Least side that the borders of the networks' convolutions can be reflected at, px.
_LEAST = 8
_TINY = 1e-9


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
    limits = yield from staged(iter_limits(stack), 0, 0.02)
    planes = Planes(stack)
    fused = np.zeros(planes.shape, np.float32)
    cut = list(tiles(stack.shape, _TILE, network.halo))
    for number, tile in enumerate(cut):
        total: Tensor | None = None
        mass: Tensor | float = 0.0
        for done, k in enumerate(int(k) for k in stack.order):
            at = 20 + 980 * (number * len(stack) + done) // (len(cut) * len(stack))
            yield Progress(at, 1000, f"features of slice {done + 1} of {len(stack)}")
            unit = planes.take_unit(k, limits)
            if unit is None:
                continue
            features = network.encode(as_batch(unit[:, *tile.outer], device))
            share = _activity(features) if config.strategy == "l1" else torch.ones_like(features[:, :1])
            total = share * features if total is None else total + share * features
            mass = mass + share
        if total is not None:
            image = network.decoder(total / mass)[:, 0].cpu().numpy()
            fused[:, *tile.core] = image[:, *tile.inner]
    yield Progress(1000, 1000, "fused image")
    return planes.image_of_unit(fused, limits)


def _activity(features: Tensor) -> Tensor:
    """Sum of magnitudes (B, 1, Y, X) of the features, mean over 3 x 3 pixels (Eq. 6 and 7)."""
    level = functional.pad(features.abs().sum(dim=1, keepdim=True), [1] * 4, mode="replicate")
    return functional.avg_pool2d(level, 3, stride=1) + _TINY


def as_batch(planes: NDArray[np.float32], device: torch.device) -> Tensor:
    """Planes (C, Y, X) as a batch (C, 1, Y, X), large enough for the convolutions."""
    pad = [(0, 0), *((0, max(_LEAST - side, 0)) for side in planes.shape[1:])]
    return torch.from_numpy(np.pad(planes, pad, mode="edge")[:, None]).to(device)
