"""The slices that compete for a pixel: those around the best one, and those around a rival elsewhere in depth.

At an edge in depth the sharp foreground and the sharp background both have a claim. Between neighbours in focus the
weights can be sharp, since either is nearly right; between rivals, of which one is wrong, they follow the odds.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["FEW", "NEAR", "TRUST", "Contest", "Rivals", "mixed", "rivals"]

#: Slices that are this near to the best one go with it; of so few slices each stands for itself.
NEAR, FEW = 2, 3
#: Power of the odds between rivals where nothing was learned about it: set on simulated scenes and on pairs with truth.
TRUST = 2.5


class Contest(NamedTuple):
    """What is known of the K best slices of each pixel.

    Attributes
    ----------
    scores : Tensor (K, Y, X)
        Logarithms of the odds, best first.
    ranks : Tensor (K, Y, X) int64
        Places of the slices in the order of z.
    greys : Tensor (K, Y, X)
        Grey values there, the range of the stack brought to 0 and 1.
    energies : Tensor (K, Y, X)
        Squared differences of the features at full size, of the pixel alone.
    slices : int
        Number of slices of the stack.
    noise : float
        Standard deviation, share of the range.
    floor : float
        Energy that noise alone has.
    """

    scores: Tensor
    ranks: Tensor
    greys: Tensor
    energies: Tensor
    slices: int
    noise: float
    floor: float


class Rivals(NamedTuple):
    """The best slice's rival at each pixel.

    Attributes
    ----------
    own : Tensor (K, Y, X) bool
        Slices that go with the best one.
    second : Tensor (1, Y, X) int64
        The best of the others, as one of the K; 0 where there is none.
    there : Tensor (1, Y, X) bool
        Whether there is one.
    """

    own: Tensor
    second: Tensor
    there: Tensor


def rivals(scores: Tensor, ranks: Tensor, slices: int) -> Rivals:
    """Who competes with the best slice; see `Contest`."""
    own = (ranks - ranks[:1]).abs() <= (NEAR if slices > FEW else 0)
    best, second = scores.masked_fill(own, -torch.inf).max(dim=0, keepdim=True)
    there = torch.isfinite(best)
    return Rivals(own, second.masked_fill(~there, 0), there)


def mixed(
    scores: Tensor,
    found: Rivals,
    lead: Tensor,
    sharpness: float,
    trust: Tensor | float,
    with_best: Tensor | None = None,
) -> Tensor:
    """Weights (K, Y, X) that sum to 1.

    Parameters
    ----------
    scores : Tensor (K, Y, X)
        Logarithms of the odds, best first.
    found : Rivals
    lead : Tensor (1, Y, X)
        Logarithm of the odds of the best slice against its rival.
    sharpness : float
        Power of the odds among slices that go together.
    trust : float or Tensor
        Power of the odds between rivals.
    with_best : Tensor (K, Y, X), optional
        Weights of the slices that go with the best one, in place of their odds to the power `sharpness`.
    """
    if with_best is None:
        with_best = torch.softmax(sharpness * scores.masked_fill(~found.own, -torch.inf), dim=0)
    # Where there is no rival, one is made up that gets nothing.
    others = scores.masked_fill(found.own & found.there, -torch.inf)
    with_rival = torch.softmax(sharpness * others, dim=0)
    share = torch.sigmoid(trust * lead).masked_fill(~found.there, 1)
    # Not 1 - share, which would round small shares.
    rest = torch.sigmoid(-trust * lead).masked_fill(~found.there, 0)
    return share * with_best + rest * with_rival
