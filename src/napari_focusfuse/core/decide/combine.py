"""From the squared spatial frequencies of several scales to one activity."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from napari_focusfuse.core.encode.head import INPUTS, SCALES, FocusHead

__all__ = ["Combination", "Learned", "Weighted"]

#: What is added to the squared SF, relative to the noise floor and absolutely, so that its logarithm exists.
_FLOOR_SHARE, _TINY = 0.1, 1e-9
#: Less than the rounding to 16 bits makes: there is nothing to see, and a head says nothing of it.
_NOTHING = 1e-8


class Combination(Protocol):
    """What the activity is made of, and how."""

    @property
    def scales(self) -> tuple[tuple[int, int], ...]:
        """(Pyramid level, radius) of each map; levels rise."""

    @property
    def reach(self) -> int:
        """Pixels of the full image around a pixel that its activity depends on, besides what the maps do."""

    @property
    def half(self) -> bool:
        """Whether maps and activity are at half size."""

    @property
    def inputs(self) -> int:
        """Number of maps."""

    def __call__(self, squared: Tensor, noise: Tensor) -> Tensor:
        """Activity (B, 1, H, W) from SF squared (B, S, H, W) on each scale, and the noise (H, W)."""


@dataclass(frozen=True)
class Weighted:
    """Weighted geometric mean of the spatial frequencies of the scales, above the floor of the noise.

    Attributes
    ----------
    radius : int
        r of Eq. 5-7, in the pixels of each level.
    weights : tuple of floats
        For each pyramid level its share; levels without any are left out.
    floors : tuple of floats
        For each level the squared SF that noise alone has there.
    """

    radius: int
    weights: tuple[float, ...]
    floors: tuple[float, ...]

    reach, half = 0, False

    @property
    def scales(self) -> tuple[tuple[int, int], ...]:
        """The levels that count."""
        return tuple((level, self.radius) for level, weight in enumerate(self.weights) if weight)

    @property
    def inputs(self) -> int:
        """One for each level."""
        return len(self.scales)

    def __call__(self, squared: Tensor, noise: Tensor) -> Tensor:  # noqa: ARG002
        """See `Combination`."""
        total = torch.zeros_like(squared[:, :1])
        for i, (level, _) in enumerate(self.scales):
            floor = self.floors[level]
            above = (squared[:, i : i + 1] - floor).clamp_min_(0).add_(_FLOOR_SHARE * floor + _TINY)
            total.add_(above.log_(), alpha=self.weights[level])
        return total.mul_(0.5).exp_()


@dataclass(frozen=True)
class Learned:
    """What the decision head of a model has learned.

    Attributes
    ----------
    head : FocusHead
    floors : Tensor (INPUTS,)
        For each map the energy that noise of standard deviation 1 alone has there.
    """

    head: FocusHead
    floors: Tensor

    scales, half, inputs = SCALES, True, INPUTS

    @property
    def reach(self) -> int:
        """That of the head."""
        return self.head.reach

    @torch.inference_mode()
    def __call__(self, squared: Tensor, noise: Tensor) -> Tensor:
        """See `Combination`."""
        nothing = squared.amax(dim=1, keepdim=True) < _NOTHING
        activity: Tensor = self.head(squared, self.floors, noise).masked_fill(nothing, 0)
        return activity
