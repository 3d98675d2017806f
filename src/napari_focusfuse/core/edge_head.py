"""The edge head: who is in front where two depths compete for a pixel.

A decision by the energy in a window is blunt at an edge in depth: the sharp side reaches over to the other one by about
the window. This small network looks at both candidates of every pixel at once, at what they look like and at how the
decision goes around them, and corrects the odds between them; it is the learned counterpart of consistency verification
(paper, Sect. 3.3.2). It runs once for a stack, however many slices there are.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_focusfuse.core.box import box_mean
from napari_focusfuse.core.decide.rivals import TRUST, Contest, Rivals

__all__ = ["EdgeHead"]

_INPUTS, _WIDTH, _DILATIONS = 12, 24, (1, 1, 2, 4)
#: Radii of the means that depth and grey value are told against, px.
_DEPTH_RADIUS, _GREY_RADIUS = 7, 4
#: Log odds that the network's unit means.
_UNIT = 4.0
_LEAST_NOISE, _LEAST_SPREAD = 0.002, 1e-4


class EdgeHead(nn.Module):
    """Corrects the odds between the best slice of a pixel and its rival."""

    #: Pixels around a pixel that it looks at.
    reach = 1 + sum(_DILATIONS) + max(_DEPTH_RADIUS, _GREY_RADIUS)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(_INPUTS, _WIDTH, 3, padding=1, padding_mode="replicate")
        self.context = nn.ModuleList(
            nn.Conv2d(_WIDTH, _WIDTH, 3, dilation=d, padding=d, padding_mode="replicate") for d in _DILATIONS
        )
        self.out = nn.Conv2d(_WIDTH, 1, 1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)
        #: Logarithm of the power to which the odds between rivals are taken for the weights.
        self.log_trust = nn.Parameter(torch.tensor(math.log(TRUST)))

    @property
    def trust(self) -> Tensor:
        """Power of the odds between rivals."""
        return self.log_trust.exp()

    def forward(self, contest: Contest, found: Rivals) -> Tensor:
        """Logarithm (1, Y, X) of the odds of the best slice against its rival; the same for a stack in reverse."""
        return (self.one_way(contest, found, 1) + self.one_way(contest, found, -1)) / 2

    def one_way(self, contest: Contest, found: Rivals, sign: int) -> Tensor:
        """The same, with the z axis as it is (`sign` 1) or reversed (-1)."""
        higher = _at(contest.ranks, found.second) * sign <= contest.ranks[:1] * sign
        seen = functional.relu(self.first(_seen(contest, found, higher, sign)[None]))
        for convolution in self.context:
            seen = seen + functional.relu(convolution(seen))
        correction = _UNIT * self.out(seen)[0]
        plain = contest.scores[:1] - _at(contest.scores, found.second)
        return plain + torch.where(higher, correction, -correction)


def _at(values: Tensor, second: Tensor) -> Tensor:
    """What the rival (1, Y, X) has of something (K, Y, X)."""
    return values.gather(0, second)


def _seen(contest: Contest, found: Rivals, higher: Tensor, sign: int) -> Tensor:
    """What the network sees (12, Y, X): both candidates, the lower one first; `higher`: the best slice is the other."""

    def both(values: Tensor) -> tuple[Tensor, Tensor]:
        best, rival = values[:1], _at(values, found.second)
        return torch.where(higher, rival, best), torch.where(higher, best, rival)

    rank_low, rank_high = both(contest.ranks.to(contest.scores.dtype) * sign)
    grey_low, grey_high = both(contest.greys)
    energy_low, energy_high = both(torch.log(contest.energies + 0.3 * contest.floor + 1e-7))
    score_low, score_high = both(contest.scores)
    around = _mean(contest.ranks[:1].to(contest.scores.dtype) * sign, _DEPTH_RADIUS)
    middle = _mean((grey_low + grey_high) / 2, _GREY_RADIUS)
    spread = torch.sqrt(_mean((grey_high - grey_low) ** 2, _GREY_RADIUS) + contest.noise**2 + _LEAST_SPREAD)
    noise = (math.log(contest.noise + _LEAST_NOISE) + 4) / 2
    return torch.cat(
        [
            ((score_high - score_low) / 4).clamp(-3, 3) * found.there,
            found.there.to(spread.dtype),
            ((rank_high - rank_low) / 8).clamp(-1.5, 1.5),
            ((rank_low - around) / 4).clamp(-2, 2),
            ((rank_high - around) / 4).clamp(-2, 2),
            (contest.scores[:1] / 10).clamp(-3, 3),
            torch.full_like(spread, noise),
            ((grey_low - middle) / spread).clamp(-4, 4),
            ((grey_high - middle) / spread).clamp(-4, 4),
            ((grey_high - grey_low) / spread).clamp(-4, 4),
            ((energy_high - energy_low) / 4).clamp(-3, 3),
            (energy_low + energy_high) / 16 + 1,
        ]
    )


def _mean(image: Tensor, radius: int) -> Tensor:
    return box_mean(image[None], radius)[0]
