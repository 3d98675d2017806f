"""Candidates for the pixels of simulated scenes, and what is right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import CandidateConfig, DecideConfig
from napari_focusfuse.core.decide.top_k import BEST, PEAKS
from napari_focusfuse.core.encode.activity import doubled
from napari_focusfuse.core.encode.candidate_head import KEPT, MISSING, Candidates
from napari_focusfuse.core.encode.measures import fine_energy
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.training._scenes import Drawn, DrawnScenes, deep_maps, noise_floors
from napari_focusfuse.core.training.decision_head import head_of

__all__ = ["Part", "ScoredScene", "ScoredScenes", "Task", "part_of"]

Image = NDArray[np.float32]
#: Slices that a candidate which is not there is off.
_NOWHERE = 1e3


class ScoredScene(NamedTuple):
    """A scene with the scores of a decision head.

    Attributes
    ----------
    drawn : Drawn
    scores : Tensor (N, 1, Y/2, X/2)
        Logarithms of the odds of each slice.
    slices, energies : Tensors (N, Y, X)
        Grey values, and their energy.
    sharp, depth : Tensors (Y, X)
    """

    drawn: Drawn
    scores: Tensor
    slices: Tensor
    energies: Tensor
    sharp: Tensor
    depth: Tensor


class Part(NamedTuple):
    """Some slices of a scene, and a part of it, turned by so many right angles and mirrored."""

    slices: Sequence[int]
    rows: slice
    columns: slice
    turns: int = 0
    mirrored: bool = False


class Task(NamedTuple):
    """What is to be judged, and what is right.

    Attributes
    ----------
    candidates : Candidates
    off : Tensor (K, Y, X)
        How many slices of the scene each of them is from the true depth.
    sharp : Tensor (Y, X)
        The true image.
    """

    candidates: Candidates
    off: Tensor
    sharp: Tensor


class ScoredScenes(DrawnScenes[ScoredScene]):
    """Simulated scenes that a trained encoder with a decision head has seen.

    Parameters
    ----------
    images, config, stream
        See `DrawnScenes`.
    encoder : Encoder
        In evaluation mode.
    """

    kept, side = 256, CandidateConfig.scene_side

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        super().__init__(images, config, stream)
        self._encoder, self._head, self._floors = encoder, head_of(encoder), noise_floors(encoder)

    @torch.inference_mode()
    def seen(self, drawn: Drawn) -> ScoredScene:
        """See `DrawnScenes`."""
        maps = deep_maps(self._encoder, drawn)
        scores = self._head.score(maps, self._floors, drawn.noise(range(len(drawn.slices)), 2).to(maps.device))
        greys, sharp, depth = (
            torch.from_numpy(array).to(maps.device) for array in (drawn.slices, drawn.sharp, drawn.depth)
        )
        return ScoredScene(drawn, scores, greys, fine_energy(greys[:, None])[:, 0], sharp, depth)


def part_of(scene: ScoredScene, part: Part) -> Task:
    """A part of a scene as the engine would show it to a candidate head."""
    chosen = list(part.slices)

    def taken(values: Tensor) -> Tensor:
        turned = torch.rot90(values[..., part.rows, part.columns], part.turns, (-2, -1))
        return turned.flip(-1) if part.mirrored else turned

    shape = (scene.depth.shape[0], scene.depth.shape[1])
    scores = taken(doubled(scene.scores[chosen], shape)[:, 0])
    best, ranks = _candidates(scores)
    greys, energies = (taken(maps[chosen]).gather(0, ranks) for maps in (scene.slices, scene.energies))
    noise = taken(scene.drawn.noise(chosen).to(scores.device))
    place = torch.tensor(chosen, device=scores.device)
    off = (place[ranks] - taken(scene.depth)).masked_fill(best < best[:1] - MISSING, _NOWHERE)
    candidates = Candidates(best, scores.logsumexp(0), ranks, greys, energies, noise, len(chosen))
    return Task(candidates, off, taken(scene.sharp))


def _candidates(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (K, Y, X) and ranks of the candidates among N slices, as `TopK` finds them."""
    best, ranks = scores.topk(min(BEST, len(scores)), dim=0)
    if len(scores) <= BEST:
        return best, ranks
    below, above = (functional.pad(scores, (0, 0, 0, 0, *ends), value=-torch.inf) for ends in ((1, 0), (0, 1)))
    peak = (scores >= below[:-1]) & (scores > above[1:])
    others = scores.masked_fill(~peak, -torch.inf).scatter(0, ranks[:1], -torch.inf)
    further, places = others.topk(min(PEAKS, len(scores)), dim=0)
    among = (places[:, None] == ranks).any(dim=1)
    further, which = further.masked_fill(among, -torch.inf).topk(KEPT - BEST, dim=0)
    places, absent = places.gather(0, which), further.isneginf()
    further = torch.where(absent, best[:1] - 2 * MISSING, further)
    return torch.cat([best, further]), torch.cat([ranks, torch.where(absent, ranks[:1], places)])
