"""From the energies on several scales to one activity: the decision head, and the fixed mean without one.

Which scale and which window to believe depends on the noise, on how much texture there is, and on whether an edge in
depth is near. A small network learns that from simulated scenes with known depth. It looks at one slice at a time, so
that a stack can still be streamed, and at a fixed neighbourhood, so that tiles come out as the whole.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["INPUTS", "SCALES", "SLOPE", "Combination", "FocusHead", "Learned", "Weighted", "odds"]

#: (level, radius): the pyramid levels and windows whose squared SF the head sees, at half size; 0 is full size, radii
#: are in the pixels of each level.
SCALES = ((0, 1), (0, 3), (0, 7), (1, 1), (1, 2), (1, 5), (2, 2), (2, 4), (2, 8))

#: What the head sees: for each of them the energy of the encoder and that of the Laplacian, a witness of its own.
INPUTS = 2 * len(SCALES)

_WIDTH, _DILATIONS = 16, (1, 1, 2, 4)
_TINY = 1e-9
#: What is taken for the logarithm of the noise floor at the least, and the excess over it that is told apart.
_LEAST_FLOOR, _LEAST_EXCESS, _MOST_EXCESS = -16.0, 1e-2, 8.0
#: Centre and spread of the logarithms, so that the network sees numbers around 0.
_CENTRE, _SPREAD = -9.0, 4.0
#: Score for each factor e of SF, at the start; softness is told in powers of SF.
SLOPE = 3.0


class FocusHead(nn.Module):
    """From squared spatial frequencies on several scales to an activity.

    The logarithm of the activity is a weighted sum of those of the scales, plus what dilated convolutions find. All at
    half size: focus changes slowly from pixel to pixel, but for depth edges, which another head judges at full size.
    """

    #: Pixels of the full image around a pixel that the head looks at, and those between which it interpolates.
    reach = 2 * sum(_DILATIONS) + 2

    def __init__(self) -> None:
        super().__init__()
        self.shares = nn.Parameter(torch.full((INPUTS,), SLOPE / 2 / INPUTS))
        self.mix = nn.Conv2d(2 * INPUTS, _WIDTH, 1)
        self.context = nn.ModuleList(
            nn.Conv2d(_WIDTH, _WIDTH, 3, dilation=d, padding=d, padding_mode="replicate") for d in _DILATIONS
        )
        self.out = nn.Conv2d(_WIDTH, 1, 1)

    def score(self, squared: Tensor, floors: Tensor, noise: Tensor) -> Tensor:
        """Logarithm (B, 1, H/2, W/2) of the odds that a slice is the sharpest one.

        Parameters
        ----------
        squared : Tensor, (B, INPUTS, H/2, W/2)
            Energies on each of `SCALES`, at half size.
        floors : Tensor, (INPUTS,)
            What noise of standard deviation 1 alone has there.
        noise : Tensor, (H/2, W/2)
            Standard deviation of the noise at each place.
        """
        logs = torch.log(squared + _TINY)
        floor = torch.log(floors.view(1, -1, 1, 1) * noise.square() + _TINY).clamp_min(_LEAST_FLOOR)
        excess = torch.log(torch.expm1((logs - floor).clamp(_LEAST_EXCESS, _MOST_EXCESS)))
        plain = (self.shares.view(1, -1, 1, 1) * logs).sum(dim=1, keepdim=True)
        seen = functional.relu(self.mix(torch.cat([(logs - _CENTRE) / _SPREAD, excess / _SPREAD], dim=1)))
        for convolution in self.context:
            seen = seen + functional.relu(convolution(seen))
        found: Tensor = plain + self.out(seen)
        return found

    def forward(self, squared: Tensor, floors: Tensor, noise: Tensor) -> Tensor:
        """Activity (B, 1, H/2, W/2), which grows as SF does; see `score`."""
        return torch.exp(self.score(squared, floors, noise) / SLOPE)


def odds(activity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Odds that go with an activity: its power `SLOPE`."""
    return activity * activity * activity


#: What is added to the squared SF, relative to the noise floor and absolutely, so that its logarithm exists.
_FLOOR_SHARE = 0.1
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
