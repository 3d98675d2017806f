"""Fusion of the deep features themselves, brought back to an image by the decoder (Sect. 4.3 and Table 1 of the paper).

For comparison only: the decoder does not bring back every detail, and so fused pixels are none of the sources'. The
images are not cut into tiles.
"""

from collections.abc import Generator, Iterable
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.encode import squared_sf
from napari_focusfuse.core.encode.measures import box_mean
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import filled, full_range, scaled
from napari_focusfuse.errors import FocusFuseError

__all__ = ["MODES", "FeatureMode", "fused_features", "iter_decoded"]

FeatureMode = Literal["absmax", "average", "l1_norm", "max", "sf"]
MODES: tuple[FeatureMode, ...] = get_args(FeatureMode)
#: r of the spatial frequency (the published code), and of the box over the l1-norm (Li and Wu 2019).
_SF_RADIUS, _L1_RADIUS = 5, 1
_TINY = 1e-12


def fused_features(features: Iterable[Tensor], mode: FeatureMode) -> Tensor:
    """Fuse the features of slices, one after the other.

    Parameters
    ----------
    features : iterable of Tensors (B, C, H, W)
    mode : {"absmax", "average", "l1_norm", "max", "sf"}
        "max" takes the larger value, "absmax" the one of larger magnitude, "average" the mean. "l1_norm" is a mean
        weighted by the l1-norm over the channels, averaged over 3 x 3 px (DenseFuse). "sf" takes all channels of a
        pixel from the slice of larger spatial frequency (r = 5). Ties go to the first.

    Returns
    -------
    Tensor, (B, C, H, W)

    Raises
    ------
    FocusFuseError
        The mode is unknown, or there are no slices.
    """
    if mode not in MODES:
        raise FocusFuseError(f"there is no fusion mode {mode!r}: choose one of {', '.join(MODES)}")
    each = iter(features)
    total = next(each, None)
    if total is None:
        raise FocusFuseError("there are no features to fuse: give those of at least one slice")
    weights = _weight(total, mode)
    if mode in ("average", "l1_norm"):
        total = total * weights
        for following in each:
            weight = _weight(following, mode)
            total, weights = total + following * weight, weights + weight
        return total / weights
    for following in each:
        weight = _weight(following, mode)
        total = torch.where(weight > weights, following, total)
        weights = torch.maximum(weight, weights)
    return total


def _weight(features: Tensor, mode: FeatureMode) -> Tensor:
    """What features count by: a weight of the mean, or what is compared."""
    if mode == "average":
        return torch.ones_like(features[:, :1])
    if mode == "l1_norm":
        return box_mean(features.abs().sum(1, keepdim=True), _L1_RADIUS) + _TINY
    if mode == "sf":
        return squared_sf(features, _SF_RADIUS)
    return features.abs() if mode == "absmax" else features


def iter_decoded(stack: Stack, network: SESFNet, mode: FeatureMode) -> Generator[Progress, None, NDArray[Any]]:
    """Fuse the features of all slices and decode them; colours one by one, alpha is the largest of all slices.

    Parameters
    ----------
    stack : Stack
        Its full range of values is 0 to 1 for the network, as in the preset "paper".
    network : SESFNet
        In evaluation mode, on the CPU.
    mode : {"absmax", "average", "l1_norm", "max", "sf"}
        See `fused_features`.

    Returns
    -------
    array (Y, X[, C])
        Of the type of the stack; integers are rounded and clipped.
    """
    planes = range(stack.channels or 1)
    out = []
    for done, channel in enumerate(planes):
        yield Progress(done, len(planes), f"colour {done + 1} of {len(planes)}")
        slices = [stack[int(k)] if not stack.channels else stack[int(k)][..., channel] for k in stack.order]
        out.append(np.max(slices, axis=0) if channel == 3 else _decoded(slices, network, mode))
    return np.stack(out, axis=-1) if stack.channels else out[0]


@torch.inference_mode()
def _decoded(slices: list[NDArray[Any]], network: SESFNet, mode: FeatureMode) -> NDArray[Any]:
    """One plane (Y, X) of all slices, fused."""
    dtype = slices[0].dtype
    white = full_range(dtype)[1]
    features = (network.encoder(torch.from_numpy(_grey(image, white))[None, None]) for image in slices)
    image = network.decode(fused_features(features, mode))[0, 0].numpy().astype(np.float64) * white
    return image.astype(dtype) if dtype.kind == "f" else np.rint(np.clip(image, 0, white)).astype(dtype)


def _grey(image: NDArray[Any], white: float) -> NDArray[np.float32]:
    return np.ascontiguousarray(filled(scaled(image.astype(np.float64), (0.0, white)))[0], dtype=np.float32)
