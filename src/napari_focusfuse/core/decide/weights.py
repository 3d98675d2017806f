"""From the few best slices of each pixel to weights, with a second look where two depths compete for it."""

import math
from collections.abc import Generator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.ahead import iter_ahead, workers
from napari_focusfuse.core.decide.averaging import averaged
from napari_focusfuse.core.decide.confidence import Assessment
from napari_focusfuse.core.decide.rivals import FEW, NEAR, TRUST, Contest, Rivals, mixed, rivals
from napari_focusfuse.core.decide.statistics import Survey
from napari_focusfuse.core.decide.top_k import Peaks
from napari_focusfuse.core.decision import Flag, Labels
from napari_focusfuse.core.head import SLOPE
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.tiles import Tile, tiles

__all__ = ["iter_weigh"]

#: Larger powers of the odds change nothing.
_SHARPEST = 1e4
#: Side of the tiles at most, px: larger ones take memory and save no time; and what it is a multiple of.
_LARGEST = 512
_ALIGN = 64
_TINY = 1e-30
#: Log odds between rivals below which both are told of: the loser has a tenth.
_UNDECIDED = math.log(9)
#: A focus curve with more than this many slices, besides those kept, that come up to the rival's odds is broad.
_BROAD = 4.0
#: What counts as saturated, relative to where the camera saturates.
_ALMOST = 0.999
_HALF = 0.5
#: Depth is told where the confidence is at least this; or, of many slices, twice what three of them have by chance.
_TOLD, _BY_CHANCE = 0.5, 6
#: Logit of the confidence: factor and offset, fitted to simulated scenes.
_CONFIDENCE = (2.2, 1.5)

Weighed = tuple[Labels, NDArray[np.float32]]


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

    @torch.inference_mode()
    def weigh(tile: Tile) -> None:
        here = weigher.look(tile)
        order = _winner_first(here)
        labels[:, *tile.core] = np.take_along_axis(peaks.labels[:, *tile.core], order.numpy(), axis=0)
        ordered = here.weights.gather(0, order.to(device)).cpu().numpy()
        weights[:, *tile.core] = ordered
        judged.flags[tile.core] |= np.uint16(Flag.AVERAGED) * (ordered.max(axis=0) < _HALF)
        if survey.edges:
            weigher.judge(here, tile, judged)
            weigher.hide_saturated(tile, order[:1].numpy(), judged)

    count = workers(device)
    share = -(-max(stack.shape) // (_ALIGN * count)) * _ALIGN
    parts = tiles(stack.shape, min(size, share, _LARGEST), survey.edges.reach if survey.edges else 0)
    yield from iter_ahead((partial(weigh, tile) for tile in parts), count)
    return labels, weights


class _Look:
    """What is found in the core of a tile."""

    def __init__(self, scores: Tensor, ranks: Tensor, found: Rivals, lead: Tensor, weights: Tensor) -> None:
        self.scores, self.ranks, self.found, self.lead, self.weights = scores, ranks, found, lead, weights
        #: Equal slices have nothing to decide.
        self.contested = found.there & (scores[:1] != scores.gather(0, found.second))
        self.overruled = self.contested & (lead < 0)


class _Weigher:
    """Weighs tiles of a stack."""

    def __init__(self, peaks: Peaks, stack: Stack, survey: Survey, device: torch.device) -> None:
        self._peaks, self._stack, self._survey, self._device = peaks, stack, survey, device
        self._rank = np.argsort(stack.order)

    def look(self, tile: Tile) -> _Look:
        """Weights in the core of a tile."""
        survey, contest = self._survey, self._contest(tile)
        found = rivals(contest.scores, contest.ranks, contest.slices)
        sharpness = min(survey.softness / SLOPE, _SHARPEST)
        with_best = None
        if survey.edges is None:
            lead, trust = contest.scores[:1] - contest.scores.gather(0, found.second), TRUST
        else:
            lead, trust = survey.edges(contest, found), float(survey.edges.trust)
            if survey.follows_noise:
                own = contest.scores.masked_fill(~found.own, -torch.inf)
                with_best = averaged(own, contest.greys, contest.noise, sharpness)[:, *tile.inner]
        scores, ranks, lead = (maps[:, *tile.inner] for maps in (contest.scores, contest.ranks, lead))
        found = Rivals(*(maps[:, *tile.inner] for maps in found))
        weights = mixed(scores, found, lead, sharpness, min(trust, sharpness), with_best)
        return _Look(scores, ranks, found, lead, weights)

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
        undecided = here.contested & (here.lead.abs() < _UNDECIDED) & ~self._broad(here, tile)
        flags |= np.uint16(Flag.TWO_PEAKS) * (undecided[0].cpu().numpy() & ~untold)
        overruled = here.overruled[0].cpu().numpy() & ~untold
        if overruled.any():
            between, at_end = self._of_rival(here)
            depth[overruled] = np.where(at_end, np.nan, between)[overruled]
            if len(self._stack) > 2:
                bracketed = flags & ~np.uint16(Flag.NOT_BRACKETED)
                flags[overruled] = (bracketed | np.uint16(Flag.NOT_BRACKETED) * at_end)[overruled]
        depth[judged.confidence[tile.core] < min(_TOLD, _BY_CHANCE / len(self._stack))] = np.nan

    def _of_rival(self, here: _Look) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Depth (Y, X) of the rivals, the mean of their slices by odds; and where a rival is at an end of the stack."""
        z, ranks, others = self._stack.z[self._stack.order], here.ranks.cpu().numpy(), _of_rival_odds(here)
        depth = (others / others.sum(axis=0) * z[ranks]).sum(axis=0)
        chosen = np.take_along_axis(ranks, here.found.second.cpu().numpy(), axis=0)[0]
        return depth, (chosen == 0) | (chosen == len(z) - 1)

    def hide_saturated(self, tile: Tile, chosen: NDArray[np.int64], judged: Assessment) -> None:
        """No depth and no confidence where the chosen slice is saturated."""
        if math.isinf(self._survey.saturation):
            return
        greys = np.take_along_axis(self._peaks.carried[0][:, *tile.core], chosen, axis=0)[0]
        labels = np.take_along_axis(self._peaks.labels[:, *tile.core], chosen, axis=0)[0]
        saturated = greys >= _ALMOST * self._survey.saturation * self._survey.gains[labels]
        judged.depth[tile.core][saturated], judged.confidence[tile.core][saturated] = np.nan, 0
        judged.flags[tile.core] |= np.uint16(Flag.SATURATED) * saturated

    def _broad(self, here: _Look, tile: Tile) -> Tensor:
        """Where many slices have much the same odds as the rival (1, Y, X): no second depth, but none at all."""
        relative = torch.exp(here.scores - here.scores[:1])
        total = torch.exp(self._tensor(self._peaks.total(tile.core))[None] - here.scores[:1])
        return total - relative.sum(0, keepdim=True) > _BROAD * relative.gather(0, here.found.second)

    def _odds(self, here: _Look, tile: Tile) -> NDArray[np.float32]:
        """Share of the chosen slice and its neighbours in the odds of all slices, the rival as the edge head has it."""
        scores = here.scores
        best = scores[:1]
        relative = torch.exp(scores - best)
        total = torch.exp(self._tensor(self._peaks.total(tile.core))[None] - best)
        below, above = (self._tensor(maps[tile.core])[None] for maps in (self._peaks.below, self._peaks.above))
        beside = 1 if len(self._stack) > FEW else 0
        own = (1 + beside * (_odds_of(below, best) + _odds_of(above, best))).minimum(total)
        others = torch.where(here.found.own, 0, relative)
        plain = best - scores.gather(0, here.found.second)
        factor = torch.exp((plain - here.lead).clamp(-20, 20))
        near = (here.ranks - here.ranks.gather(0, here.found.second)).abs() <= beside
        rival = factor * torch.where(near, others, 0).sum(0, keepdim=True)
        everything = total - others.sum(0, keepdim=True).minimum(total - own) + factor * others.sum(0, keepdim=True)
        share = (torch.where(here.overruled, rival, own) / everything).clamp(1e-6, 1 - 1e-6)
        slope, offset = _CONFIDENCE
        out: NDArray[np.float32] = torch.sigmoid(slope * torch.logit(share) + offset)[0].cpu().numpy()
        return out


def _odds_of(activity: Tensor, best: Tensor) -> Tensor:
    """Odds of a slice relative to the best one, 0 where there is no slice."""
    return torch.exp(SLOPE * torch.log(activity.nan_to_num(0).clamp_min(_TINY)) - best)


def _of_rival_odds(here: _Look) -> NDArray[np.float32]:
    """Odds (K, Y, X) of the rival and of the slices around it, relative to its own; 0 for the others."""
    scores, second = here.scores, here.found.second
    around = ~here.found.own & ((here.ranks - here.ranks.gather(0, second)).abs() <= NEAR)
    odds = torch.exp(scores - scores.gather(0, second)).masked_fill(~around & here.found.there, 0)
    out: NDArray[np.float32] = odds.cpu().numpy()
    return out


def _winner_first(here: _Look) -> Tensor:
    """Order (K, Y, X) of the slices that brings the chosen one to the front."""
    places = torch.arange(len(here.weights), device=here.lead.device)[:, None, None]
    key = torch.where(here.overruled & (places == here.found.second), -1, places)
    return key.expand_as(here.weights).argsort(dim=0, stable=True).cpu()
