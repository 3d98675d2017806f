"""Training the decision head: which scale and window to trust, learned on simulated scenes with known depth.

The encoder stays as it is; the head has to give the largest activity to the sharpest slice of each pixel. What both
heads have in common stands here: how one is fitted to scenes (`iter_fit_head`) and validated (`SceneValidation`).
"""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode import doubled
from napari_focusfuse.core.encode.head import FocusHead
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import Clock, drain
from napari_focusfuse.core.training import going_on, usable
from napari_focusfuse.core.training._scenes import Drawn, DrawnScenes, deep_maps, noise_floors, some_slices
from napari_focusfuse.core.training.steps import (
    LIMITS,
    HeldOut,
    RankExample,
    RankReport,
    RankScores,
    RankState,
    StepRun,
)
from napari_focusfuse.errors import TrainingError

__all__ = [
    "FITTING",
    "TARGET",
    "VALIDATING",
    "DecideExample",
    "Part",
    "SceneValidation",
    "Scenes",
    "SeenScene",
    "Validation",
    "accuracy",
    "decide_loss",
    "deciding_scores",
    "head_of",
    "iter_fit_head",
    "iter_learn_decision",
    "part_scores",
    "slices_off",
    "whole",
]

Seen = TypeVar("Seen")
#: The loss at a step, of a part of a scene that is drawn by chance.
DrawnLoss = Callable[[np.random.Generator, int], Tensor]
#: A slice one step farther from the true depth than another counts exp(-2) of it.
TARGET = 2.0
#: Streams of random numbers for the scenes, and the number of the scene to look at.
FITTING, VALIDATING, _SHOWN = 0, 1, 1
#: How often all slices of a scene are taken, every second one, or a few of them.
_KINDS = (0.6, 0.15, 0.25)


class SeenScene(NamedTuple):
    """A scene, and what the encoder sees of it.

    Attributes
    ----------
    squared : (N, S, Y/2, X/2)
        Energies of each slice on `SCALES`, at half size.
    floors : (S,)
        What noise of standard deviation 1 alone has there.
    drawn : Drawn
    depth : (Y, X)
        Of the sharpest focus, in slices.
    """

    squared: Tensor
    floors: Tensor
    drawn: Drawn
    depth: Tensor


class Scenes(DrawnScenes[SeenScene]):
    """Simulated scenes.

    Parameters
    ----------
    images, config, stream
        See `DrawnScenes`.
    encoder : Encoder
        In evaluation mode.
    """

    kept, side = 128, DecideConfig.scene_side

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        super().__init__(images, config, stream)
        self._encoder, self._floors = encoder, noise_floors(encoder)

    @torch.inference_mode()
    def seen(self, drawn: Drawn) -> SeenScene:
        """See `DrawnScenes`."""
        maps = deep_maps(self._encoder, drawn)
        return SeenScene(maps, self._floors, drawn, torch.from_numpy(drawn.depth).to(maps.device))


class Part(NamedTuple):
    """A part of a scene: some of its slices, by rising number; rows and columns, from even to even numbers."""

    slices: Sequence[int]
    rows: slice
    columns: slice


def whole(scene: SeenScene) -> Part:
    """All of a scene."""
    return Part(range(len(scene.squared)), slice(None), slice(None))


def part_scores(head: FocusHead, scene: SeenScene, part: Part) -> Tensor:
    """Scores (N, Y, X) of a part of a scene."""
    shape = scene.depth[part.rows, part.columns].shape
    where = (_halved(part.rows), _halved(part.columns))
    squared = scene.squared[list(part.slices), :, *where]
    noise = scene.drawn.noise(part.slices, 2)[where].to(squared.device)
    return doubled(head.score(squared, scene.floors, noise), (shape[0], shape[1]))[:, 0]


def _halved(side: slice) -> slice:
    return slice(None) if side == slice(None) else slice(side.start // 2, side.stop // 2)


def decide_loss(head: FocusHead, scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """Cross entropy between the scores and the true depth.

    The margin that the head has not seen the surroundings of is left out.
    """
    margin = slice(head.reach, -head.reach)
    place = torch.tensor(list(part.slices), device=scores.device)[:, None, None]
    wanted = torch.softmax(-TARGET * (place - scene.depth[part.rows, part.columns]) ** 2, dim=0)
    return -(wanted * torch.log_softmax(scores, dim=0)).sum(dim=0)[margin, margin].mean()


def slices_off(scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """How many slices (Y, X) the best score is from the true depth."""
    best = torch.tensor(list(part.slices), device=scores.device)[scores.argmax(dim=0)]
    return (best - scene.depth[part.rows, part.columns]).abs()


def accuracy(scores: Tensor, scene: SeenScene, part: Part) -> float:
    """Share of the pixels whose slice is found, or the one next to it."""
    return (slices_off(scores, scene, part) <= 1).float().mean().item()


class DecideExample(RankExample):
    """The true image of a scene and some of its slices, and how many slices each pixel's pick is off (Y, X)."""

    __slots__ = ()


class SceneValidation(HeldOut, Generic[Seen]):
    """Scenes that a head is not fitted to; each head says how one of them is scored and shown.

    Parameters
    ----------
    scenes : DrawnScenes
    """

    #: How many.
    count: ClassVar[int]

    def __init__(self, scenes: DrawnScenes[Seen]) -> None:
        self._scenes = scenes

    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """See `HeldOut`."""
        return (self.score(encoder, self._scenes[number]) for number in range(self.count))

    def example(self, encoder: Encoder) -> RankExample:
        """See `HeldOut`."""
        return self.shown(encoder, self._scenes[_SHOWN])

    @abstractmethod
    def score(self, encoder: Encoder, scene: Seen) -> tuple[float, float]:
        """Loss, and share of the pixels whose slice is found, or the one next to it."""

    @abstractmethod
    def shown(self, encoder: Encoder, scene: Seen) -> RankExample:
        """What is decided on a scene."""


class Validation(SceneValidation[SeenScene]):
    """Scenes for a decision head."""

    count = 16

    @torch.inference_mode()
    def score(self, encoder: Encoder, scene: SeenScene) -> tuple[float, float]:
        """See `SceneValidation`."""
        head, part = head_of(encoder), whole(scene)
        scores = part_scores(head, scene, part)
        return decide_loss(head, scores, scene, part).item(), accuracy(scores, scene, part)

    @torch.inference_mode()
    def shown(self, encoder: Encoder, scene: SeenScene) -> DecideExample:
        """The true image and every third slice; how far the choice is off."""
        part = whole(scene)
        off = slices_off(part_scores(head_of(encoder), scene, part), scene, part)
        shown = np.concatenate([scene.drawn.sharp[None], scene.drawn.slices[::3]]).clip(0, 1)
        return DecideExample(shown, off.round().int().cpu().numpy())


def head_of(encoder: Encoder) -> FocusHead:
    """The decision head that an encoder must have here."""
    if encoder.head is None:
        raise ValueError("the encoder has no decision head")
    return encoder.head


def deciding_scores(encoder: Encoder, images: Sequence[Image], config: DecideConfig) -> RankScores:
    """How well a model with a head decides on the scenes that a training with these images is validated on."""
    return drain(Validation(Scenes(images, config, encoder, VALIDATING)).iter_scores(encoder))


def iter_learn_decision(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: DecideConfig,
    state: RankState | None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
    around: float = 0.0,
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
    scenes = Scenes(usable(images, "training"), config, encoder, FITTING)
    held_out = Validation(Scenes(usable(validation, "validation"), config, encoder, VALIDATING))
    loss = partial(_drawn_loss, encoder.head, scenes, config)
    return (yield from iter_fit_head(encoder.head, loss, held_out, state, stop, around))


def _drawn_loss(head: FocusHead, scenes: Scenes, config: DecideConfig, rng: np.random.Generator, step: int) -> Tensor:
    """Loss of a part of a scene, drawn by chance."""
    crop = config.crop // 2 * 2  # Parts begin and end at even numbers.
    scene = scenes.one_of(rng, step // config.scene_steps)
    y, x = (2 * int(rng.integers((side - crop) // 2 + 1)) for side in scene.depth.shape)
    part = Part(some_slices(rng, len(scene.squared), _KINDS), slice(y, y + crop), slice(x, x + crop))
    return decide_loss(head, part_scores(head, scene, part), scene, part)


def iter_fit_head(
    head: nn.Module,
    loss: DrawnLoss,
    held_out: HeldOut,
    state: RankState,
    stop: Callable[[], bool] | None,
    around: float,
) -> Generator[RankReport, None, RankState]:
    """Fit a head of the state's encoder, and nothing else, to parts of scenes that `loss` draws for a step."""
    clock = Clock(sum(entry.seconds for entry in state.log), state.config.minutes, stop, around)
    yield from _HeadRun(head, loss, held_out, state, clock).iter_rounds()
    return state


class _HeadRun(StepRun):
    """A head alone is fitted to scenes."""

    def __init__(self, head: nn.Module, loss: DrawnLoss, held_out: HeldOut, state: RankState, clock: Clock) -> None:
        super().__init__(held_out, state, list(head.parameters()), clock)
        self._loss = loss

    def batch_loss(self, rng: np.random.Generator, step: int) -> Tensor:
        """See `StepRun`."""
        return torch.stack([self._loss(rng, step) for _ in range(self._config.stacks)]).mean()
