"""The training of an edge head, as a generator; what it needs to go on is in its state."""

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.config import EdgeConfig
from napari_focusfuse.core.edge_head import EdgeHead
from napari_focusfuse.core.training import Clock, going_on, usable
from napari_focusfuse.core.training.candidate_head._contests import Contests, part_of
from napari_focusfuse.core.training.candidate_head._loss import edge_loss
from napari_focusfuse.core.training.candidate_head._validation import Validation, edges_of
from napari_focusfuse.core.training.encoder import LIMITS, RankReport, RankState, StepRun
from napari_focusfuse.errors import TrainingError

__all__ = ["iter_learn_edges"]

Image = NDArray[np.float32]
_FITTING = 0


def iter_learn_edges(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: EdgeConfig,
    state: RankState | None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
) -> Generator[RankReport, None, RankState]:
    """Train the edge head of a model with a decision head; see `napari_focusfuse.core.training.encoder.iter_rank`.

    Parameters
    ----------
    state : RankState
        Where to go on, or a trained model without a log; where that has no edge head yet, it gets one.

    Raises
    ------
    TrainingError
        There is no model with a decision head to start from, or what `iter_rank` says.
    """
    if state is None or state.encoder.head is None:
        raise TrainingError("edges are learned with a model that has a decision head: name one to start from")
    state = going_on(state, config, LIMITS)
    encoder = state.encoder.to(device or torch.device("cpu")).eval()
    if encoder.edges is None:
        torch.manual_seed(config.seed)
        encoder.edges = EdgeHead().to(device or torch.device("cpu"))
    # A new head as well: one that comes from a checkpoint is laid out like that, and rounds like that.
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    contests = Contests(usable(images, "training"), config, encoder, _FITTING)
    held_out = Validation(usable(validation, "validation"), config, encoder)
    clock = Clock(sum(entry.seconds for entry in state.log), config.minutes, stop)
    yield from _EdgeRun(contests, held_out, state, config, clock).iter_rounds()
    return state


class _EdgeRun(StepRun):
    """The edge head alone is fitted to contests."""

    def __init__(
        self, contests: Contests, held_out: Validation, state: RankState, config: EdgeConfig, clock: Clock
    ) -> None:
        self._edges = edges_of(state.encoder)
        super().__init__(held_out, state, list(self._edges.parameters()), clock)
        self._contests, self._settings = contests, config

    def batch_loss(self, rng: np.random.Generator, step: int) -> Tensor:
        """See `StepRun`."""
        newest = step // self._settings.scene_steps
        return torch.stack([self._part_loss(rng, newest) for _ in range(self._settings.stacks)]).mean()

    def _part_loss(self, rng: np.random.Generator, newest: int) -> Tensor:
        scene, crop = self._contests.one_of(rng, newest), self._settings.crop
        y, x = (slice(k, k + crop) for k in rng.integers([side - crop + 1 for side in scene.sharp.shape]))
        part = part_of(scene, y, x, int(rng.integers(4)), mirrored=bool(rng.integers(2)))
        sign = 1 if rng.integers(2) else -1
        return edge_loss(self._edges, part, self._edges.one_way(part.contest, part.found, sign))
