"""The training of a candidate head, as a generator; what it needs to go on is in its state."""

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config import CandidateConfig
from napari_focusfuse.core.encode.candidate_head import CandidateHead
from napari_focusfuse.core.training import Clock, going_on, usable
from napari_focusfuse.core.training._scenes import some_slices
from napari_focusfuse.core.training.candidate_head._judged import Part, ScoredScenes, part_of
from napari_focusfuse.core.training.candidate_head._loss import candidate_loss
from napari_focusfuse.core.training.candidate_head._validation import Validation, candidates_of
from napari_focusfuse.core.training.encoder import LIMITS, RankReport, RankState, StepRun
from napari_focusfuse.errors import TrainingError

__all__ = ["iter_learn_candidates"]

Image = NDArray[np.float32]
_FITTING = 0
#: How often all slices of a scene are taken, every second one, or a few of them.
_KINDS = (0.55, 0.1, 0.35)


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
    scenes = ScoredScenes(usable(images, "training"), config, encoder, _FITTING)
    held_out = Validation(usable(validation, "validation"), config, encoder)
    clock = Clock(sum(entry.seconds for entry in state.log), config.minutes, stop, around)
    yield from _CandidateRun(scenes, held_out, state, config, clock).iter_rounds()
    return state


class _CandidateRun(StepRun):
    """The candidate head alone is fitted."""

    def __init__(
        self, scenes: ScoredScenes, held_out: Validation, state: RankState, config: CandidateConfig, clock: Clock
    ) -> None:
        self._head = candidates_of(state.encoder)
        super().__init__(held_out, state, list(self._head.parameters()), clock)
        self._scenes, self._settings = scenes, config

    def batch_loss(self, rng: np.random.Generator, step: int) -> Tensor:
        """See `StepRun`."""
        newest = step // self._settings.scene_steps
        return torch.stack([self._part_loss(rng, newest) for _ in range(self._settings.stacks)]).mean()

    def _part_loss(self, rng: np.random.Generator, newest: int) -> Tensor:
        scene, crop = self._scenes.one_of(rng, newest), self._settings.crop
        y, x = (slice(k, k + crop) for k in rng.integers([side - crop + 1 for side in scene.sharp.shape]))
        slices = some_slices(rng, len(scene.slices), _KINDS)
        task = part_of(scene, Part(slices, y, x, int(rng.integers(4)), bool(rng.integers(2))))
        return candidate_loss(task, self._head(task.candidates))
