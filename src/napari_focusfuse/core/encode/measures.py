"""Focus measures: the energy of each pixel, of which the activity level is the mean over a window.

The encoder of the network (`napari_focusfuse.core.encode.network`) is one; the two classical ones here put the same
question to the grey values themselves. The engine takes any of them.
"""

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    # The candidate head itself takes means over windows from here.
    from napari_focusfuse.core.encode.candidate_head import CandidateHead
    from napari_focusfuse.core.encode.head import FocusHead

__all__ = [
    "FINE_HALO",
    "FocusMeasure",
    "LoGEnergy",
    "PixelSF",
    "box_mean",
    "difference_energy",
    "fine_energy",
    "laplacian_energy",
]


def box_mean(image: Tensor, radius: int, step: int = 1) -> Tensor:
    """Mean of (B, C, H, W) over 2 `radius` + 1 px a side, borders replicated; all pixels summed in the same order.

    Of every row and column from the first, or of every `step`-th.
    """
    if radius == 0:
        return image[..., ::step, ::step]
    side = 2 * radius + 1
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    return _sums(_sums(padded, 2, side, step), 3, side, step).mul_(1 / side**2)


def _sums(image: Tensor, dim: int, width: int, step: int) -> Tensor:
    """Sums of `width` neighbours along a dimension, from sums of 1, 2, 4... of them, at every `step`-th place."""
    places = image.shape[dim] - width + 1
    parts, at, size = [], 0, 1
    while size <= width:
        if width & size:
            part = image.narrow(dim, at, places)
            parts.append(part[:, :, ::step] if dim == 2 else part[..., ::step])
            at += size
        size *= 2
        if size <= width:
            left = image.shape[dim] - size // 2
            image = image.narrow(dim, 0, left) + image.narrow(dim, size // 2, left)
    return reduce(torch.add, parts)


_TRUNCATE = 4.0
#: Make Laplacians, and those of a Gaussian of 1 px, about as large as deep features are where there is only noise.
_CURVED_LIKE_DEEP, _FINE_LIKE_DEEP = 14.0, 160.0


class FocusMeasure(Protocol):
    """What the engine asks of a focus measure."""

    @property
    def halo(self) -> int:
        """Pixels around a pixel that its energy depends on, if the means are given."""

    @property
    def depth(self) -> int:
        """Number of blocks whose channel means `energy` may be given; 0 for a measure without any."""

    @property
    def pools(self) -> bool:
        """Whether the energy depends on means over the whole image, unless they are given."""

    @property
    def head(self) -> "FocusHead | None":
        """What combines the scales, if the measure has learned that."""

    @property
    def candidates(self) -> "CandidateHead | None":
        """What judges the best few slices of each pixel, if the measure has learned that."""

    def energy(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """Energy (B, 1, H, W), 0 or more, of grey images (B, 1, H, W) in [0, 1]; borders replicated."""

    def shallow(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """The energy of the first block alone, for a fraction of the time."""

    def ungated(self, images: Tensor, means: Sequence[Tensor]) -> Tensor:
        """Channels (B, C, H, W) of block number ``len(means)``, of which the next means are taken."""


def difference_energy(features: Tensor) -> Tensor:
    """Squared differences to the left and upper neighbour, summed over the channels.

    Parameters
    ----------
    features : Tensor, (B, C, H, W)

    Returns
    -------
    Tensor, (B, 1, H, W)
        What Eq. 5-7 sum over the window.
    """
    padded = functional.pad(features, (1, 0, 1, 0), mode="replicate")
    across = features - padded[..., 1:, :-1]
    down = features - padded[..., :-1, 1:]
    return (across.square_().sum(1, keepdim=True)).add_(down.square_().sum(1, keepdim=True))


class _Plain:
    """A measure without means."""

    depth = 0
    pools = False
    head: "FocusHead | None" = None
    candidates: "CandidateHead | None" = None

    def shallow(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:
        """Never asked for: there is no head."""
        raise NotImplementedError

    def ungated(self, images: Tensor, means: Sequence[Tensor]) -> Tensor:
        """Never asked for: there are no blocks."""
        raise NotImplementedError


class PixelSF(_Plain):
    """The differences of the grey values: the classical spatial frequency (Eskicioglu and Fisher 1995)."""

    halo = 1

    def energy(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:  # noqa: ARG002
        """Squared differences (B, 1, H, W) to the left and upper neighbour."""
        return difference_energy(images)


def laplacian_energy(images: Tensor) -> Tensor:
    """Squared Laplacian (B, 1, H, W) of grey images, of the four neighbours, on the scale of deep features."""
    padded = functional.pad(images * _CURVED_LIKE_DEEP, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
    down = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    return across.add_(down).sub_(padded[..., 1:-1, 1:-1], alpha=4).square_()


class LoGEnergy(_Plain):
    """The squared Laplacian of Gaussian, times sigma^4 (energy of Laplacian, Huang and Jing 2007).

    Parameters
    ----------
    sigma : float
        Standard deviation of the Gaussian, px; it is cut off at 4 sigma, as scipy does.
    """

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma
        self.halo = int(_TRUNCATE * sigma + 0.5)
        self._smooth, self._curve = self._line(0), self._line(2)

    def energy(self, images: Tensor, means: Sequence[Tensor] | None = None) -> Tensor:  # noqa: ARG002
        """Squared response (B, 1, H, W)."""
        padded = functional.pad(images, (self.halo,) * 4, mode="replicate")
        response = _filtered(_filtered(padded, self._curve, -2), self._smooth, -1)
        response += _filtered(_filtered(padded, self._smooth, -2), self._curve, -1)
        return response.mul_(self.sigma**2).square_()

    def _line(self, order: int) -> list[float]:
        """The Gaussian, or a derivative of it, on a line."""
        impulse = np.zeros(2 * self.halo + 1)
        impulse[self.halo] = 1
        kernel = ndimage.gaussian_filter1d(impulse, self.sigma, order=order, mode="constant", truncate=_TRUNCATE)
        return [float(value) for value in kernel[self.halo :]]


_FINE = LoGEnergy(1.0)
#: Pixels around a pixel that `fine_energy` depends on.
FINE_HALO = _FINE.halo + 1


def fine_energy(images: Tensor) -> Tensor:
    """The energy of the Laplacian of a Gaussian of 1 px over 3 x 3 px, on the scale of that of deep features."""
    return box_mean(_FINE.energy(images * _FINE_LIKE_DEEP), 1)


def _filtered(image: Tensor, line: Sequence[float], axis: int) -> Tensor:
    """Filter an image by a symmetric line, given from its middle on; without borders.

    Sums of shifted images take an eighth of the time of `conv2d`.
    """
    reach = len(line) - 1
    length = image.shape[axis] - 2 * reach
    total = image.narrow(axis, reach, length) * line[0]
    for away, factor in enumerate(line[1:], 1):
        total.add_(image.narrow(axis, reach - away, length), alpha=factor)
        total.add_(image.narrow(axis, reach + away, length), alpha=factor)
    return total
