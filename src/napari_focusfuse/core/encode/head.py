"""The decision head: combines the features of all scales into one activity.

Which scale and which window to believe depends on the noise, on how much texture there is, and on whether an edge in
depth is near. A small network learns that from simulated scenes with known depth. It looks at one slice at a time, so
that a stack can still be streamed, and at a fixed neighbourhood, so that tiles come out as the whole.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["INPUTS", "SCALES", "SLOPE", "FocusHead", "odds"]

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
