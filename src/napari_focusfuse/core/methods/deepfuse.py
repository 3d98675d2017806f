"""DeepFuse: K. R. Prabhakar, V. S. Srikar, R. V. Babu, ICCV 2017, 4714-4722.

Made for exposures: a network fuses the luminance, and each colour difference is the mean of those of the slices,
weighted by their magnitude (Sect. 3.3). The features of the slices are added; of more than two, their mean is doubled.
"""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.encode.compared import DeepFuse, filled_with
from napari_focusfuse.core.methods.densefuse import as_batch
from napari_focusfuse.core.methods.shared import Planes, iter_limits
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import GREY
from napari_focusfuse.core.stack.tiles import tiles

__all__ = ["iter_deepfuse"]

_TILE = 512
_TINY = 1e-9
_WEIGHTS = np.array(GREY, np.float32)


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
    limits = yield from staged(iter_limits(stack), 0, 0.02)
    planes = Planes(stack)
    fused = np.zeros(planes.shape, np.float32)
    cut = list(tiles(stack.shape, _TILE, network.halo))
    for number, tile in enumerate(cut):
        features, count = torch.zeros(1), 0
        colours = np.zeros((2, 2, *fused[0][tile.core].shape), np.float32)
        for done, k in enumerate(int(k) for k in stack.order):
            at = 20 + 980 * (number * len(stack) + done) // (len(cut) * len(stack))
            yield Progress(at, 1000, f"features of slice {done + 1} of {len(stack)}")
            unit = planes.take_unit(k, limits)
            if unit is None:
                continue
            part = unit[:, *tile.outer]
            grey = np.tensordot(_WEIGHTS, part, 1) if len(part) == 3 else part[0]
            features = features.to(device) + network.encoder(as_batch(grey[None], device))
            count += 1
            if len(part) == 3:
                difference = (part[[0, 2]] - grey)[:, *tile.inner]
                colours += np.stack([np.abs(difference) * difference, np.abs(difference)])
        if count:
            grey = network.decoder(2 * features / count)[0, 0].cpu().numpy()[tile.inner]
            fused[:, *tile.core] = grey if len(fused) == 1 else _coloured(grey, colours[0] / (colours[1] + _TINY))
    yield Progress(1000, 1000, "fused image")
    return planes.image_of_unit(fused, limits)


def _coloured(grey: NDArray[np.float32], difference: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red, green and blue (3, Y, X) from luminance and its differences (2, Y, X) to red and to blue."""
    red, blue = grey + difference
    green = (grey - _WEIGHTS[0] * red - _WEIGHTS[2] * blue) / _WEIGHTS[1]
    return np.stack([red, green, blue])
