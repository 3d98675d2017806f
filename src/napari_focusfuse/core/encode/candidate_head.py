"""The candidate head: which of a pixel's few best slices is the right one, and how much of each makes the best picture.

These are two questions. The right slice follows from the neighbourhood: a surface goes on, and an island in the map of
slices needs evidence (the learned counterpart of consistency verification; paper, Sect. 3.3.2). The best picture may
mix slices: to average noise, and beside an edge in depth, where no slice shows the background untouched. This small
network looks at the candidates of every pixel, at what they look like and at what is chosen around, at four sizes; it
runs once for a stack, however many slices there are. It is the same for a stack in reverse.
"""

from functools import reduce
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_focusfuse.core.encode.measures import box_mean
from napari_focusfuse.core.encode.votes import DIRECTIONS, FEW, Votes

__all__ = ["KEPT", "MISSING", "SHARP", "CandidateHead", "Candidates", "Verdict"]

#: Slices that are kept for a pixel; the brightness around it is that of so many.
KEPT, _SEEN = 6, 4
_WIDTHS = (24, 32, 48, 48)
#: Distances at which neighbours are asked which slice they have, px.
_DISTANCES = (1, 3, 8)
#: What is known of each candidate, and of the pixel; what is made of a candidate by itself.
_OF_EACH, _OF_ALL, _ALONE = 7 + 2 * len(_DISTANCES), 4, 16
#: Points of a line through a pixel, and the lines, each by half of its points, px.
_ON_A_LINE = 4
_LINES = (
    ((0, 2), (0, 4)),
    ((1, 2), (2, 4)),
    ((1, 1), (3, 3)),
    ((2, 1), (4, 2)),
    ((2, 0), (4, 0)),
    ((2, -1), (4, -2)),
    ((1, -1), (3, -3)),
    ((1, -2), (2, -4)),
)
#: Radius of the means that grey values are compared with, px.
_GREY_RADIUS = 4
#: Of `FEW` slices there is no neighbour to average with, and weights are this power of the odds.
SHARP = 40.0
#: Power of the energy in the odds of so few, set on pairs of photographs.
_SAY_OF_FEW = 0.3
#: Log odds that the network's unit means.
_UNIT = 4.0
#: Logarithms of the powers to which odds and energies are taken for the weights, before training: constant, and factor
#: of the logarithm of the noise.
_POWER_OF_ODDS, _POWER_OF_ENERGY = (-1.8, -0.8), (-2.4, -0.5)
_LEAST_NOISE, _LEAST_SPREAD = 0.002, 1e-4
#: What odds and energy change of a weight at most, in logarithms: what is around it can make up for it.
_MOST_PRIOR = 8.0
#: Share of the noise's energy that is taken away, and the energy that is nothing.
_OF_NOISE, _LEAST_ENERGY = 0.7, 1e-4
#: `fine_energy` of white noise of standard deviation 1.
_FLOOR = 4096.0
#: A candidate whose log odds are this far behind is not there; its log odds and distance for the network.
MISSING, _ABSENT, _FAR = 60.0, -12.0, 12.0
#: Its log odds for a choice; the least odds of slices that are no candidates, against the best one.
_NEVER, _LEAST_ODDS = -1e4, 1e-4


class Candidates(NamedTuple):
    """What is known of the K candidates of each pixel.

    Attributes
    ----------
    scores : Tensor (K, Y, X)
        Logarithms of the odds, best first; less than the first by more than `MISSING` where there is no candidate.
    total : Tensor (Y, X)
        Logarithm of the odds of all slices together.
    ranks : Tensor (K, Y, X) int64
        Places of the slices in the order of z.
    greys : Tensor (K, Y, X)
        Grey values there, the range of the stack brought to 0 and 1.
    energies : Tensor (K, Y, X)
        Of the grey values, `fine_energy`.
    noise : Tensor (Y, X)
        Standard deviation of the noise, share of the range.
    slices : int
        Number of slices of the stack.
    """

    scores: Tensor
    total: Tensor
    ranks: Tensor
    greys: Tensor
    energies: Tensor
    noise: Tensor
    slices: int


class Verdict(NamedTuple):
    """What the head says of each pixel.

    Attributes
    ----------
    scores : Tensor (K, Y, X)
        Logarithms of the odds that a candidate is the right slice.
    mixing : Tensor (K, Y, X)
        Logarithms of the weights, but for their sum.
    none : Tensor (Y, X)
        Logarithm of the odds that none of them is; next to nothing in stacks of few slices, one of which is the best.
    """

    scores: Tensor
    mixing: Tensor
    none: Tensor


class CandidateHead(nn.Module):
    """Corrects the odds of the candidates of each pixel, and weighs them; see the module."""

    #: Pixels around a pixel that it looks at, and what tiles have to begin at multiples of.
    reach, align = 88, 8

    def __init__(self) -> None:
        super().__init__()
        full, half, quarter, eighth = _WIDTHS
        self.first = nn.Sequential(nn.Conv2d(_OF_EACH * KEPT + _OF_ALL, full, 1), nn.ReLU(), _conv(full, full))
        self.down = nn.ModuleList(
            [
                nn.Sequential(_conv(full, half), _conv(half, half)),
                nn.Sequential(_conv(half, quarter), _conv(quarter, quarter), _conv(quarter, quarter)),
                nn.Sequential(_conv(quarter, eighth), *(_conv(eighth, eighth) for _ in range(3))),
            ]
        )
        self.up = nn.ModuleList(
            [_conv(quarter + eighth, quarter), _conv(half + quarter, half), _conv(full + half, full)]
        )
        #: Outlines to the pixel.
        self.fine = nn.Conv2d(full, full, 3, padding=1, padding_mode="replicate")
        self.out = nn.Conv2d(full, 2 * KEPT + 3, 1)
        #: What a candidate says for itself, whichever of the candidates it is: it is the right one, and its share.
        self.each = nn.ModuleList(
            [nn.Linear(_OF_EACH + _OF_ALL, _ALONE), nn.Linear(_ALONE, _ALONE), nn.Linear(_ALONE, 2)]
        )
        for added in (self.fine, self.out, self.each[-1]):
            nn.init.zeros_(added.weight)  # type: ignore[arg-type]
            nn.init.zeros_(added.bias)  # type: ignore[arg-type]
        #: Powers of the odds and of the energy that make weights: exp(a + b log(noise + .002)) each.
        self.power = nn.Parameter(torch.tensor([_POWER_OF_ODDS, _POWER_OF_ENERGY]))

    def forward(self, seen: Candidates) -> Verdict:
        """Judge the candidates of an image that begins at multiples of `align`."""
        count, (height, width) = len(seen.scores), seen.total.shape
        maps = _inputs(seen)
        alone = self._alone(maps) * _UNIT
        levels = [self.first(functional.pad(maps[None], (0, -width % 8, 0, -height % 8), mode="replicate"))]
        for block in self.down:
            levels.append(block(functional.avg_pool2d(levels[-1], 2)))
        found = levels.pop()
        for block in self.up:
            doubled = functional.interpolate(found, scale_factor=2.0, mode="nearest")
            found = block(torch.cat([levels.pop(), doubled], dim=1))
        out = self.out(functional.relu(found + self.fine(found)))[0, :, :height, :width] * _UNIT
        relative = seen.scores - seen.scores[:1]
        absent = relative < -MISSING
        scores = (relative + out[:count] + alone[0, :count]).masked_fill(absent, _NEVER)
        if seen.slices <= FEW:
            scores = scores + _SAY_OF_FEW * _sharper(seen)
            return Verdict(scores, SHARP * scores, torch.full_like(seen.total, _NEVER))
        noise = torch.log(seen.noise + _LEAST_NOISE)
        powers = torch.exp(
            (self.power[:, :1, None] + self.power[:, 1:, None] * noise + out[2 * KEPT : -1] / _UNIT).clamp(-6, 6)
        )
        prior = powers[0] * relative + powers[1] * _sharper(seen)
        mixing = _MOST_PRIOR * torch.tanh(prior / _MOST_PRIOR) + out[KEPT : KEPT + count] + alone[1, :count]
        others = torch.exp(seen.total - seen.scores[0]) - torch.exp(relative.masked_fill(absent, -torch.inf)).sum(dim=0)
        none = torch.log(others.clamp_min(_LEAST_ODDS)) + out[-1]
        return Verdict(scores, mixing.masked_fill(absent, _NEVER), none)

    def _alone(self, maps: Tensor) -> Tensor:
        """What each candidate says for itself (2, K, Y, X)."""
        (first, first_bias), (second, second_bias), (last, last_bias) = (
            (layer.weight, layer.bias[:, None]) for layer in cast("list[nn.Linear]", list(self.each))
        )
        of_each, of_all = maps[: _OF_EACH * KEPT].view(_OF_EACH, -1), maps[_OF_EACH * KEPT :].flatten(1)
        shared = torch.addmm(first_bias, first[:, _OF_EACH:], of_all)
        hidden = (first[:, :_OF_EACH] @ of_each).view(_ALONE, KEPT, -1) + shared[:, None]
        hidden = torch.addmm(second_bias, second, hidden.flatten(1).relu_())
        return torch.addmm(last_bias, last, hidden.relu_()).view(2, KEPT, *maps.shape[1:])


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate"), nn.ReLU())


def _inputs(seen: Candidates) -> Tensor:
    """What the network sees (C, Y, X), at most a few units: each kind for all candidates, then what is of the pixel."""
    scores, greys, energies = (_padded(maps) for maps in (seen.scores, seen.greys, seen.energies))
    ranks = _padded(seen.ranks.to(scores.dtype))
    count = len(seen.scores)
    relative = scores - scores[:1]
    absent = relative < -MISSING
    absent[count:] = True
    known = min(count, _SEEN)
    relative = relative.masked_fill(absent, _ABSENT)
    away = (ranks - ranks[:1]).abs().masked_fill(absent, _FAR)
    noise = seen.noise[None]
    middle = _mean(greys[:known].mean(0, keepdim=True))
    spread = torch.sqrt(_mean(((greys[:known] - middle) ** 2).mean(0, keepdim=True)) + noise**2 + _LEAST_SPREAD)
    sharp = torch.log(energies + _FLOOR / 4 * noise**2 + 1e-5) / 4
    sharper = _padded(_sharper(seen)).masked_fill(absent, -torch.inf)
    rest = (seen.total[None] - seen.scores[:1]).clamp(0, 6)
    of_each = [
        (relative / 4).clamp(-3, 0),
        away.clamp_max(_FAR) / 8,
        ((greys - middle) / spread).clamp(-4, 4),
        sharp,
        *_support(ranks, absent, torch.exp(-rest), seen.slices),
        *_hearing(torch.exp(sharper - sharper.amax(0)), ranks, absent, seen.slices),
        (sharper / 4).clamp(-3, 3),
    ]
    of_all = [
        rest / 3,
        (seen.scores[:1] / 10).clamp(-3, 3),
        torch.log(noise + _LEAST_NOISE) / 2 + 2,
        torch.log(spread / (noise + _LEAST_NOISE)) / 2,
    ]
    return torch.cat([*of_each, *of_all])


def _sharper(seen: Candidates) -> Tensor:
    """How much more energy over 5 x 5 px, above the noise, a candidate has than the first one, logarithms."""
    floor = _FLOOR * seen.noise[None] ** 2
    energies = box_mean(seen.energies[None], 1)[0]
    logs = torch.log((energies - _OF_NOISE * floor).clamp_min(0) + (1 - _OF_NOISE) * floor + _LEAST_ENERGY)
    return logs - logs[:1]


def _padded(maps: Tensor) -> Tensor:
    """As many maps as there may be candidates; those that are not there are like the first."""
    return torch.cat([maps, *[maps[:1]] * (KEPT - len(maps))]) if len(maps) < KEPT else maps


def _support(ranks: Tensor, absent: Tensor, sure: Tensor, slices: int) -> list[Tensor]:
    """For each distance and candidate (K, Y, X) the share of the neighbours whose best slice goes with it."""
    near = 2.0 if slices > FEW else 1.0
    best = ranks[:1]
    supports = []
    height, width = best.shape[1:]
    here = ranks.masked_fill(absent, -1e6)
    for distance in _DISTANCES:
        around = functional.pad(torch.cat([best, sure])[None], (distance,) * 4, mode="replicate")[0]
        total = torch.zeros_like(ranks)
        for down, across in DIRECTIONS:
            y, x = distance * (1 + down), distance * (1 + across)
            shifted = around[:, y : y + height, x : x + width]
            total += (here - shifted[:1]).abs_().neg_().add_(near).clamp_(0, 1).mul_(shifted[1:])
        supports.append(total / len(DIRECTIONS))
    return supports


def _hearing(loudness: Tensor, ranks: Tensor, absent: Tensor, slices: int) -> list[Tensor]:
    """How much of the energy around each candidate (K, Y, X) is at its depth, whether that is the best there or not.

    Around at each distance, and along the line through the pixel that has most and the one that has least: a hair
    before a rich ground is the best slice of no pixel, but it goes on.
    """
    votes = Votes(loudness, ranks, slices, max(_DISTANCES))
    around = [votes.total((far * down, far * across) for down, across in DIRECTIONS) for far in _DISTANCES]
    lines = [votes.total((sign * down, sign * across) for down, across in half for sign in (1, -1)) for half in _LINES]
    most_of, least_of = reduce(torch.maximum, lines), reduce(torch.minimum, lines)
    heard = [votes.heard(total, len(DIRECTIONS)) for total in around]
    heard += [votes.heard(total, _ON_A_LINE) for total in (most_of, least_of)]
    return [maps.masked_fill_(absent, 0) for maps in heard]


def _mean(image: Tensor) -> Tensor:
    return box_mean(image[None], _GREY_RADIUS)[0]
