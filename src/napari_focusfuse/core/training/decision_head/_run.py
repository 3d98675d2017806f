"""The training of a decision head, as a generator; what it needs to go on is in its state."""

from collections.abc import Callable, Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.head import FocusHead
from napari_focusfuse.core.training import Clock, going_on, usable
from napari_focusfuse.core.training._scenes import some_slices
from napari_focusfuse.core.training.decision_head._loss import Part, decide_loss, part_scores
from napari_focusfuse.core.training.decision_head._scenes import Scenes
from napari_focusfuse.core.training.decision_head._validation import Validation, head_of
from napari_focusfuse.core.training.encoder import LIMITS, RankReport, RankState, StepRun
from napari_focusfuse.errors import TrainingError

__all__ = ["iter_learn_decision"]

_FITTING = 0
#: How often all slices of a scene are taken, every second one, or a few of them.
_KINDS = (0.6, 0.15, 0.25)


def iter_learn_decision(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: DecideConfig,
    state: RankState | None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
) -> Generator[RankReport, None, RankState]:
    """Train the decision head of an encoder; see `napari_focusfuse.core.training.encoder.iter_rank`.

    Parameters
    ----------
    state : RankState
        Where to go on, or a trained encoder without a log; where that has no head yet, it gets one.

    Raises
    ------
    TrainingError
        There is no encoder to start from, or what `iter_rank` says.
    """
    if state is None:
        raise TrainingError("a decision is learned with a trained encoder: name a model to start from")
    state = going_on(state, config, LIMITS)
    encoder = state.encoder.to(device or torch.device("cpu")).eval()
    encoder.candidates = None  # It was trained on another head.
    if encoder.head is None:
        torch.manual_seed(config.seed)
        encoder.head = FocusHead().to(device or torch.device("cpu"))
    # A new head as well: one that comes from a checkpoint is laid out like that, and rounds like that.
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    scenes = Scenes(usable(images, "training"), config, encoder, _FITTING)
    held_out = Validation(usable(validation, "validation"), config, encoder)
    clock = Clock(sum(entry.seconds for entry in state.log), config.minutes, stop)
    yield from _DecideRun(scenes, held_out, state, config, clock).iter_rounds()
    return state


class _DecideRun(StepRun):
    """The head alone is fitted to scenes."""

    def __init__(
        self, scenes: Scenes, held_out: Validation, state: RankState, config: DecideConfig, clock: Clock
    ) -> None:
        self._head = head_of(state.encoder)
        super().__init__(held_out, state, list(self._head.parameters()), clock)
        self._scenes, self._settings = scenes, config

    def batch_loss(self, rng: np.random.Generator, step: int) -> Tensor:
        """See `StepRun`."""
        return torch.stack([self._part_loss(rng, step) for _ in range(self._settings.stacks)]).mean()

    def _part_loss(self, rng: np.random.Generator, step: int) -> Tensor:
        crop = self._settings.crop // 2 * 2  # Parts begin and end at even numbers.
        scene = self._scenes.one_of(rng, step // self._settings.scene_steps)
        y, x = (2 * int(rng.integers((side - crop) // 2 + 1)) for side in scene.depth.shape)
        part = Part(some_slices(rng, len(scene.squared), _KINDS), slice(y, y + crop), slice(x, x + crop))
        return decide_loss(self._head, part_scores(self._head, scene, part), scene, part)
