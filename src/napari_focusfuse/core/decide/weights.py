"""From the few best slices of each pixel to the right one, and to how much of each makes the picture.

A candidate head answers both for the neighbourhood of each pixel at once; without one, both follow the activities.
"""

import math
from collections.abc import Generator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config.fusion import Prefer
from napari_focusfuse.core.decide.coherence import AROUND, Choice, agreed
from napari_focusfuse.core.decide.statistics import Statistics
from napari_focusfuse.core.decide.top_k import BEST, TopK
from napari_focusfuse.core.encode.candidate_head import MISSING, SHARP, CandidateHead, Candidates
from napari_focusfuse.core.encode.head import SLOPE
from napari_focusfuse.core.encode.votes import FEW
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import Tile, grown, tiles, within
from napari_focusfuse.core.stack.workers import iter_ahead, workers

__all__ = ["CLAIM", "by_activity", "iter_choose", "untouched"]

#: Larger powers of the odds change nothing.
_SHARPEST = 1e4
#: Side of the tiles at most, px: larger ones take memory and save no time; and what it is a multiple of.
_LARGEST, _ALIGN = 512, 64
_TINY = 1e-30
#: Log odds of a pixel whose candidates are all the same surface.
_UNRIVALLED = 30.0
#: Log odds against a depth that still has a claim: two sevenths.
CLAIM = math.log(3.5)
#: By what log odds such a depth then leads on the preferred side, before the neighbours have their say.
_PREFERENCE = 0.5
#: Logarithm of the weight of what is passed over, which may still be taken for the sake of its surroundings.
_FAR_BEHIND = 1e4
#: Sign of the difference in z.
_TOWARDS: dict[Prefer, int] = {"sharper": 0, "nearer": 1, "farther": -1}


def by_activity(peaks: TopK, softness: float) -> Choice:
    """The choice that follows the activities alone: weights are their powers."""
    best = peaks.activity[:1]
    relative = np.where(best > 0, peaks.activity / np.maximum(best, np.float32(_TINY)), np.float32(1))
    powers = relative ** np.float32(min(softness, _SHARPEST))
    weights = np.asarray(powers / powers.sum(axis=0), dtype=np.float32)
    nothing = np.zeros((0, 0), np.float32)
    return Choice(peaks.labels.copy(), weights, nothing, nothing, nothing > 0)


def untouched(choice: Choice) -> Choice:
    """The same choice, each pixel from its slice alone."""
    labels, weights = choice.labels[:1], np.ones((1, *choice.labels.shape[1:]), dtype=np.float32)
    return choice._replace(labels=labels, weights=weights, saturated=choice.saturated[:1])


def iter_choose(
    peaks: TopK,
    stack: Stack,
    stats: Statistics,
    head: CandidateHead,
    size: int,
    device: torch.device,
    *,
    prefer: Prefer = "sharper",
) -> Generator[None, None, Choice]:
    """Have the candidates of every pixel judged, tile by tile.

    Parameters
    ----------
    peaks : TopK
        After the last slice.
    stack : Stack
    stats : Statistics
    head : CandidateHead
    size : int
        Side of the tiles, px.
    device : torch device
    prefer : {"sharper", "nearer", "farther"}
        Which of two depths is taken where both have a claim; see `FusionConfig`.

    Returns
    -------
    Choice
    """
    share, lead = (np.empty(stack.shape, np.float32) for _ in range(2))
    saturated = np.zeros(peaks.labels[:BEST].shape, dtype=bool)
    out = Choice(np.empty_like(peaks.labels[:BEST]), np.empty_like(peaks.activity[:BEST]), share, lead, saturated)
    rank = np.argsort(stack.order)

    tensor = partial(_tensor, device=device)

    @torch.inference_mode()
    def choose(tile: Tile) -> None:
        scores = SLOPE * torch.log(tensor(peaks.activity[:, *tile.outer]).clamp_min(_TINY))
        outer_greys, energies = (tensor(maps[:, *tile.outer]).float() for maps in peaks.carried)
        ranks = tensor(rank[peaks.labels[:, *tile.outer]])
        noise = stats.noise.part(tile.outer).to(device)
        seen = Candidates(scores, tensor(peaks.total(tile.outer)), ranks, outer_greys, energies, noise, len(stack))
        judged = _judged(head, seen, tile, stats.softness, _TOWARDS[prefer])
        for of_tile, whole in zip(judged[1:], out[1:4], strict=True):
            whole[..., *tile.core] = of_tile.cpu().numpy()
        order = judged[0].cpu().numpy()
        labels, greys = (
            np.take_along_axis(maps[:, *tile.core], order, axis=0) for maps in (peaks.labels, peaks.carried[0])
        )
        out.labels[:, *tile.core] = labels
        if stats.saturation is not None:
            out.saturated[:, *tile.core] = greys >= stats.saturation[labels].astype(greys.dtype)

    count = workers(device)
    part = -(-max(stack.shape) // (_ALIGN * count)) * _ALIGN
    parts = tiles(stack.shape, min(size // _ALIGN * _ALIGN, part, _LARGEST), head.reach, align=head.align)
    yield from iter_ahead((partial(choose, tile) for tile in parts), count)
    return out


def _tensor(array: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _claims(odds: Tensor, depths: Tensor, ranks: Tensor, near: int, towards: int) -> Tensor:
    """Which candidates (K, Y, X) have a claim against the best one, and lie on the preferred side of it."""
    best = odds.argmax(0, keepdim=True)
    away = (ranks - ranks.gather(0, best)) * towards
    return (away > near) & (depths * math.exp(CLAIM) > depths.gather(0, best))


def _judged(head: CandidateHead, seen: Candidates, tile: Tile, softness: float, towards: int) -> tuple[Tensor, ...]:
    """In the core of a tile the order of the candidates that are kept; weights, share and lead; see `Choice`."""
    verdict = head(seen)
    near = grown(tile.inner, AROUND, (seen.total.shape[0], seen.total.shape[1]))
    scores, mixing, ranks, raw = (maps[:, *near] for maps in (verdict.scores, verdict.mixing, seen.ranks, seen.scores))
    if softness:
        mixing = min(softness / SLOPE, _SHARPEST) * scores
    missing = raw < raw[:1] - MISSING
    shares = torch.softmax(torch.cat([scores, verdict.none[near][None]]), dim=0)[:-1]
    beside = 1 if seen.slices > FEW else 0
    depths = torch.stack([shares.where((ranks - here).abs() <= beside, 0).sum(0) for here in ranks])
    depths = depths.masked_fill(missing, 0)
    odds = _central(shares, ranks.float(), beside).masked_fill(missing, 0)
    claims = _claims(odds, depths, ranks, 2 * beside, towards)
    odds = torch.where(claims, odds.amax(0, keepdim=True) * math.exp(_PREFERENCE), odds)
    joint = agreed(odds, ranks, seen.slices)
    if seen.slices <= FEW and not softness:
        mixing = SHARP * torch.log(joint)
    right = joint.masked_fill(missing, -1).argmax(0, keepdim=True)
    away = (ranks - ranks.gather(0, right)).abs()
    behind = claims.gather(0, right) & (away > 2 * beside)
    mixing = mixing.masked_fill(behind, -_FAR_BEHIND)
    # The head has seen narrow curves: where the odds are spread over more slices than the candidates, less is sure.
    kept = torch.exp(0.5 * (raw.logsumexp(0) - seen.total[near])).clamp_max(1)
    # Of two depths, of which the preference takes one, both.
    share = shares.where((away <= beside) | behind, 0).sum(0) * kept
    elsewhere = depths.masked_fill(away <= 2 * beside, 0).amax(0)
    lead = torch.log(depths.gather(0, right)[0] / elsewhere.clamp_min(_TINY)).clamp_max(_UNRIVALLED)
    weights = torch.softmax(mixing, dim=0)
    places = torch.arange(len(scores), device=scores.device)[:, None, None]
    order = torch.where(places == right, 2.0, weights).argsort(dim=0, descending=True, stable=True)[:BEST]
    weights = weights.gather(0, order).clamp_min(_TINY).masked_fill(missing.gather(0, order), 0)
    found = order, weights / weights.sum(dim=0), share, lead
    return tuple(maps[..., *within(tile.inner, near)] for maps in found)


def _central(shares: Tensor, ranks: Tensor, beside: int) -> Tensor:
    """How near a candidate (K, Y, X) is to where the right slice may be: the likeliest one may lie at the rim."""
    if not beside:
        return shares
    return torch.stack([(shares * torch.exp(-((ranks - here).square()))).sum(0) for here in ranks])
