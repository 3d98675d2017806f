"""Training the candidate head: which of a pixel's few best slices is right, and how much of each to take.

Encoder and decision head stay as they are. The scenes are those of the decision head; the candidate head has to give
the odds to the right candidate, and weights that fuse to the true image.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_focusfuse.config import CandidateConfig, DecideConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.decide.top_k import BEST, PEAKS
from napari_focusfuse.core.encode import doubled
from napari_focusfuse.core.encode.candidate_head import KEPT, MISSING, CandidateHead, Candidates, Verdict
from napari_focusfuse.core.encode.measures import fine_energy
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.encode.votes import FEW
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training import going_on, usable
from napari_focusfuse.core.training._scenes import Drawn, DrawnScenes, deep_maps, noise_floors, some_slices
from napari_focusfuse.core.training.decision_head import (
    FITTING,
    TARGET,
    VALIDATING,
    DecideExample,
    SceneValidation,
    head_of,
    iter_fit_head,
)
from napari_focusfuse.core.training.steps import LIMITS, RankReport, RankScores, RankState
from napari_focusfuse.errors import TrainingError

__all__ = [
    "CandidateExample",
    "Part",
    "ScoredScene",
    "ScoredScenes",
    "Task",
    "Validation",
    "candidate_scores",
    "found_candidates",
    "iter_learn_candidates",
    "part_of",
]

#: Slices that a candidate which is not there is off.
_NOWHERE = 1e3
#: Margin whose surroundings the head has not seen, px.
_MARGIN = 8
#: Weight of the decimal logarithm of the error of the fused image: 5 dB count as much as 1 of cross entropy.
_IMAGE, _LEAST_ERROR = 2.0, 5e-7
_INNER = slice(_MARGIN, -_MARGIN)
#: How often all slices of a scene are taken, every second one, or a few of them.
_KINDS = (0.55, 0.1, 0.35)


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
    greys, energies = (taken(maps[chosen]) for maps in (scene.slices, scene.energies))
    best, ranks = found_candidates(scores, energies)
    greys, energies = greys.gather(0, ranks), energies.gather(0, ranks)
    noise = taken(scene.drawn.noise(chosen).to(scores.device))
    place = torch.tensor(chosen, device=scores.device)
    off = (place[ranks] - taken(scene.depth)).masked_fill(best < best[:1] - MISSING, _NOWHERE)
    candidates = Candidates(best, scores.logsumexp(0), ranks, greys, energies, noise, len(chosen))
    return Task(candidates, off, taken(scene.sharp))


def found_candidates(scores: Tensor, energies: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (K, Y, X) and ranks of the candidates among N slices, as `TopK` finds them."""
    best, ranks = scores.topk(min(BEST, len(scores)), dim=0)
    if len(scores) <= BEST:
        return best, ranks
    energies = energies.half().float()  # as they are carried
    below, above = (functional.pad(energies, (0, 0, 0, 0, *ends), value=-torch.inf) for ends in ((1, 0), (0, 1)))
    peak = (energies >= below[:-1]) & (energies > above[1:])
    highest, places = energies.masked_fill(~peak, -torch.inf).topk(min(PEAKS, len(scores)), dim=0)
    known = (places[:, None] == ranks).any(dim=1)
    highest, which = highest.masked_fill(known, -torch.inf).topk(KEPT - BEST, dim=0)
    places, absent = places.gather(0, which), highest.isneginf()
    further = torch.where(absent, best[:1] - 2 * MISSING, scores.gather(0, places))
    return torch.cat([best, further]), torch.cat([ranks, torch.where(absent, ranks[:1], places)])


def candidate_loss(task: Task, verdict: Verdict) -> Tensor:
    """Cross entropy between the odds and the true depth, plus what the fused image lacks.

    Where no candidate is right, none of them is wanted; of few slices the best is, as far as it can be told.
    """
    possible = torch.exp(-((task.off.abs().amin(dim=0, keepdim=True) - 1).clamp_min(0) ** 2))
    wanted = possible * torch.softmax(-TARGET * task.off**2, dim=0)
    odds = verdict.scores
    if task.candidates.slices > FEW:
        wanted = torch.cat([wanted, 1 - possible])
        odds = torch.cat([odds, verdict.none[None]])
    entropy = -(wanted * torch.log_softmax(odds, dim=0)).sum(dim=0)
    fused = (torch.softmax(verdict.mixing, dim=0) * task.candidates.greys).sum(dim=0)
    error = ((fused - task.sharp) ** 2)[_INNER, _INNER].mean()
    return entropy[_INNER, _INNER].mean() + _IMAGE * torch.log10(error + _LEAST_ERROR)


def slices_off(task: Task, verdict: Verdict) -> Tensor:
    """How many slices (Y, X) the choice is from the true depth."""
    return task.off.abs().gather(0, verdict.scores.argmax(dim=0, keepdim=True))[0]


class CandidateExample(DecideExample):
    """The true image of a scene, its best candidates and the fused image, and how many slices each pick is off."""

    __slots__ = ()


class Validation(SceneValidation[ScoredScene]):
    """Scenes for a candidate head."""

    count = 24

    @torch.inference_mode()
    def score(self, encoder: Encoder, scene: ScoredScene) -> tuple[float, float]:
        """See `SceneValidation`."""
        task = part_of(scene, _whole(scene))
        verdict = _candidates_of(encoder)(task.candidates)
        return candidate_loss(task, verdict).item(), (slices_off(task, verdict) <= 1).float().mean().item()

    @torch.inference_mode()
    def shown(self, encoder: Encoder, scene: ScoredScene) -> CandidateExample:
        """The true image, the best slices and the fusion; how far the choice is off."""
        task = part_of(scene, _whole(scene))
        verdict = _candidates_of(encoder)(task.candidates)
        greys = task.candidates.greys
        fused = (torch.softmax(verdict.mixing, dim=0) * greys).sum(dim=0, keepdim=True)
        shown = torch.cat([task.sharp[None], greys[:1], fused]).clamp(0, 1)
        return CandidateExample(shown.cpu().numpy(), slices_off(task, verdict).round().int().cpu().numpy())


def _whole(scene: ScoredScene) -> Part:
    return Part(range(len(scene.slices)), slice(None), slice(None))


def _candidates_of(encoder: Encoder) -> CandidateHead:
    """The candidate head that an encoder must have here."""
    if encoder.candidates is None:
        raise ValueError("the encoder has no candidate head")
    return encoder.candidates


def candidate_scores(encoder: Encoder, images: Sequence[Image], config: DecideConfig) -> RankScores:
    """How well a model decides on the scenes that a training with these images is validated on."""
    return drain(Validation(ScoredScenes(images, config, encoder, VALIDATING)).iter_scores(encoder))


def iter_learn_candidates(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: CandidateConfig,
    state: RankState | None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
    around: float = 0.0,
) -> Generator[RankReport, None, RankState]:
    """Train the candidate head of a model with a decision head; see `iter_rank`.

    Parameters
    ----------
    state : RankState
        Where to go on, or a trained model without a log; where that has no candidate head yet, it gets one.

    Raises
    ------
    TrainingError
        There is no model with a decision head to start from, or what `iter_rank` says.
    """
    if state is None or state.encoder.head is None:
        raise TrainingError("candidates are judged with a model that has a decision head: name one to start from")
    state = going_on(state, config, LIMITS)
    encoder = state.encoder.to(device or torch.device("cpu")).eval()
    if encoder.candidates is None:
        torch.manual_seed(config.seed)
        encoder.candidates = CandidateHead().to(device or torch.device("cpu"))
    # A new head as well: one that comes from a checkpoint is laid out like that, and rounds like that.
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    scenes = ScoredScenes(usable(images, "training"), config, encoder, FITTING)
    held_out = Validation(ScoredScenes(usable(validation, "validation"), config, encoder, VALIDATING))
    loss = partial(_drawn_loss, encoder.candidates, scenes, config)
    return (yield from iter_fit_head(encoder.candidates, loss, held_out, state, stop, around))


def _drawn_loss(
    head: CandidateHead, scenes: ScoredScenes, config: CandidateConfig, rng: np.random.Generator, step: int
) -> Tensor:
    """Loss of a part of a scene, drawn by chance."""
    scene, crop = scenes.one_of(rng, step // config.scene_steps), config.crop
    y, x = (slice(k, k + crop) for k in rng.integers([side - crop + 1 for side in scene.sharp.shape]))
    slices = some_slices(rng, len(scene.slices), _KINDS)
    task = part_of(scene, Part(slices, y, x, int(rng.integers(4)), bool(rng.integers(2))))
    return candidate_loss(task, head(task.candidates))
