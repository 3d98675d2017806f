"""From the few best slices of each pixel to weights, with a second look where two depths compete for it."""

import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.assess import Assessment
from napari_focusfuse.core.decision import Flag, Labels
from napari_focusfuse.core.head import SLOPE
from napari_focusfuse.core.peaks import Peaks
from napari_focusfuse.core.rivals import Contest, Rivals, mixed, rivals
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.survey import Survey
from napari_focusfuse.core.tiles import Tile, tiles

__all__ = ["iter_weigh"]

#: Power of the odds between rivals where nothing was learned about it: set on simulated scenes and on pairs with truth.
_TRUST = 2.5
_TINY = 1e-30
#: Log odds between rivals below which both are told of: the loser has a tenth.
_UNDECIDED = math.log(9)
#: What counts as saturated, relative to where the camera saturates.
_ALMOST = 0.999
_HALF = 0.5
#: Depth is told where the confidence is at least this.
_TOLD = 0.5
#: Logit of the confidence: factor and offset, fitted to simulated scenes.
_CONFIDENCE = (2.4, 1.7)

Weighed = tuple[Labels, NDArray[np.float32]]


@torch.inference_mode()
def iter_weigh(
    peaks: Peaks, stack: Stack, survey: Survey, judged: Assessment, size: int, device: torch.device
) -> Generator[None, None, Weighed]:
    """Weigh the slices of every pixel, tile by tile.

    Where the edge head gives a pixel to the rival of its best slice, depth and confidence in `judged` follow; with an
    edge head, all confidence is that of the odds: the share of the best slice and its neighbours among all slices.

    Parameters
    ----------
    peaks : Peaks
        After the last slice.
    stack : Stack
    survey : Survey
    judged : Assessment
        What was said of each pixel by the activities alone; changed in place.
    size : int
        Side of the tiles, px.
    device : torch device

    Returns
    -------
    labels : (K, Y, X) int
        The slice to be chosen first.
    weights : (K, Y, X) float32
    """
    labels, weights = peaks.labels.copy(), np.empty_like(peaks.activity)
    weigher = _Weigher(peaks, stack, survey, device)
    for tile in tiles(stack.shape, size, survey.edges.reach if survey.edges else 0):
        here = weigher.look(tile)
        order = _winner_first(here)
        labels[:, *tile.core] = np.take_along_axis(peaks.labels[:, *tile.core], order.numpy(), axis=0)
        ordered = here.weights.gather(0, order.to(device)).cpu().numpy()
        weights[:, *tile.core] = ordered
        judged.flags[tile.core] |= np.uint16(Flag.AVERAGED) * (ordered.max(axis=0) < _HALF)
        if survey.edges:
            weigher.judge(here, tile, judged)
            weigher.hide_saturated(tile, order[:1].numpy(), judged)
        yield
    return labels, weights


class _Look:
    """What is found in a tile."""

    def __init__(self, contest: Contest, found: Rivals, lead: Tensor, weights: Tensor) -> None:
        self.contest, self.found, self.lead, self.weights = contest, found, lead, weights
        self.overruled = found.there & (lead < 0)


class _Weigher:
    """Weighs tiles of a stack."""

    def __init__(self, peaks: Peaks, stack: Stack, survey: Survey, device: torch.device) -> None:
        self._peaks, self._stack, self._survey, self._device = peaks, stack, survey, device
        self._rank = np.argsort(stack.order)

    def look(self, tile: Tile) -> _Look:
        """Weights in the core of a tile."""
        survey = self._survey
        contest = self._contest(tile)
        found = rivals(contest.scores, contest.ranks, contest.slices)
        if survey.edges is None:
            lead = contest.scores[:1] - contest.scores.gather(0, found.second)
            trust = _TRUST
        else:
            lead, trust = survey.edges(contest, found), float(survey.edges.trust)
        sharpness = survey.softness / SLOPE
        contest = contest._replace(scores=_part(contest.scores, tile), ranks=_part(contest.ranks, tile))
        found, lead = Rivals(*(_part(maps, tile) for maps in found)), _part(lead, tile)
        weights = mixed(contest.scores, found, lead, sharpness, min(trust, sharpness))
        return _Look(contest, found, lead, weights)

    def _contest(self, tile: Tile) -> Contest:
        peaks, outer = self._peaks, tile.outer
        scores = SLOPE * torch.log(self._tensor(peaks.activity[:, *outer]).clamp_min(_TINY))
        ranks = self._tensor(self._rank[peaks.labels[:, *outer]])
        greys, energies = map(self._tensor, peaks.carried[:, :, *outer]) if len(peaks.carried) else (scores, scores)
        return Contest(scores, ranks, greys, energies, len(self._stack), self._survey.noise, self._survey.floor)

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def judge(self, here: _Look, tile: Tile, judged: Assessment) -> None:
        """Depth and confidence by the odds, in place."""
        odds = self._odds(here, tile)
        flags, depth = judged.flags[tile.core], judged.depth[tile.core]
        untold = flags & (Flag.NO_SIGNAL | Flag.UNORDERED) > 0
        judged.confidence[tile.core] = np.where(untold, 0, odds)
        undecided = here.found.there & (here.lead.abs() < _UNDECIDED)
        flags |= np.uint16(Flag.TWO_PEAKS) * (undecided[0].cpu().numpy() & ~untold)
        overruled = here.overruled[0].cpu().numpy() & ~untold
        if overruled.any():
            between, at_end = self._of_rival(here)
            depth[overruled] = np.where(at_end, np.nan, between)[overruled]
            bracketed = flags & ~np.uint16(Flag.NOT_BRACKETED)
            flags[overruled] = (bracketed | np.uint16(Flag.NOT_BRACKETED) * at_end)[overruled]
        depth[judged.confidence[tile.core] < _TOLD] = np.nan

    def _of_rival(self, here: _Look) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Depth (Y, X) of the rivals, the mean of their slices by odds; and where a rival is at an end of the stack."""
        z, ranks, others = self._stack.z[self._stack.order], here.contest.ranks.cpu().numpy(), _of_others(here)
        depth = (others / others.sum(axis=0) * z[ranks]).sum(axis=0)
        chosen = np.take_along_axis(ranks, here.found.second.cpu().numpy(), axis=0)[0]
        return depth, (chosen == 0) | (chosen == len(z) - 1)

    def hide_saturated(self, tile: Tile, chosen: NDArray[np.int64], judged: Assessment) -> None:
        """No depth and no confidence where the chosen slice is saturated."""
        if math.isinf(self._survey.saturation):
            return
        greys = np.take_along_axis(self._peaks.carried[0][:, *tile.core], chosen, axis=0)[0]
        saturated = greys >= _ALMOST * self._survey.saturation
        judged.depth[tile.core][saturated], judged.confidence[tile.core][saturated] = np.nan, 0
        judged.flags[tile.core] |= np.uint16(Flag.SATURATED) * saturated

    def _odds(self, here: _Look, tile: Tile) -> NDArray[np.float32]:
        """Share of the chosen slice and its neighbours in the odds of all slices, the rival as the edge head has it."""
        scores = here.contest.scores
        best = scores[:1]
        relative = torch.exp(scores - best)
        total = torch.exp(self._tensor(self._peaks.total[tile.core])[None] - best)
        below, above = (self._tensor(maps[tile.core])[None] for maps in (self._peaks.below, self._peaks.above))
        own = (1 + _odds_of(below, best) + _odds_of(above, best)).minimum(total)
        others = torch.where(here.found.own, 0, relative)
        plain = best - scores.gather(0, here.found.second)
        factor = torch.exp((plain - here.lead).clamp(-20, 20))
        near = (here.contest.ranks - here.contest.ranks.gather(0, here.found.second)).abs() <= 1
        rival = factor * torch.where(near, others, 0).sum(0, keepdim=True)
        everything = total - others.sum(0, keepdim=True).minimum(total - own) + factor * others.sum(0, keepdim=True)
        share = (torch.where(here.overruled, rival, own) / everything).clamp(1e-6, 1 - 1e-6)
        slope, offset = _CONFIDENCE
        out: NDArray[np.float32] = torch.sigmoid(slope * torch.logit(share) + offset)[0].cpu().numpy()
        return out


def _odds_of(activity: Tensor, best: Tensor) -> Tensor:
    """Odds of a slice relative to the best one, 0 where there is no slice."""
    return torch.exp(SLOPE * torch.log(activity.nan_to_num(0).clamp_min(_TINY)) - best)


def _part(maps: Tensor, tile: Tile) -> Tensor:
    return maps[:, *tile.inner]


def _of_others(here: _Look) -> NDArray[np.float32]:
    """Odds (K, Y, X) of the slices that go with the rival, relative to its own."""
    scores, found = here.contest.scores, here.found
    odds = torch.exp(scores - scores.gather(0, found.second)).masked_fill(found.own & found.there, 0)
    out: NDArray[np.float32] = odds.cpu().numpy()
    return out


def _winner_first(here: _Look) -> Tensor:
    """Order (K, Y, X) of the slices that brings the chosen one to the front."""
    places = torch.arange(len(here.weights), device=here.lead.device)[:, None, None]
    key = torch.where(here.overruled & (places == here.found.second), -1, places)
    return key.expand_as(here.weights).argsort(dim=0, stable=True).cpu()
