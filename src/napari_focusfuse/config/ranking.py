"""Settings of training an encoder to rank slices by their focus."""

from dataclasses import dataclass
from typing import ClassVar

from napari_focusfuse.config._checks import typed, within
from napari_focusfuse.config.training import Recipe
from napari_focusfuse.errors import FocusFuseError

__all__ = ["CANDIDATE_ADAPTING", "DECIDE_ADAPTING", "RANK_ADAPTING", "CandidateConfig", "DecideConfig", "RankConfig"]


@dataclass(frozen=True, kw_only=True)
class RankConfig:
    """How to train by focus ranking: small simulated stacks, whose sharpest slice shall have the largest activity.

    The encoder has no squeeze-and-excitation, unless the training starts from a model that has.

    Attributes
    ----------
    steps : int
        Batches.
    stacks : int
        Small stacks in a batch.
    crop : int
        Side of the stacks, px. Smaller images are continued by their mirror image.
    procedural : float
        Share of stacks whose texture is computed instead of taken from the images.
    learning_rate : float
        Of Adam, at its largest; it rises over the first 100 steps and falls along a cosine.
    validate_every : int
        Steps between two validations.
    patience : int
        Stop when the validation loss has not got better for so many validations. 0: never.
    minutes : float
        Stop after so much time spent in training. 0: no limit.
    seed : int
        Seed of everything random.
    """

    #: Name of the recipe.
    recipe: ClassVar[Recipe] = "focus"

    steps: int = 5000
    stacks: int = 2
    crop: int = 64
    procedural: float = 0.5
    learning_rate: float = 1.5e-3
    validate_every: int = 200
    patience: int = 0
    minutes: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        typed(self)
        leasts = {"steps": 1, "stacks": 1, "crop": 16, "validate_every": 1, "patience": 0, "seed": 0}
        for name, least in leasts.items():
            within(name, getattr(self, name), least)
        within("procedural", self.procedural, 0, 1)
        within("minutes", self.minutes, 0)
        if not self.learning_rate > 0:
            raise FocusFuseError(f"learning_rate must be greater than 0, not {self.learning_rate}")


#: Going on from a trained model on the picture of one stack, in minutes on a CPU: small steps, no other pictures.
RANK_ADAPTING = RankConfig(steps=400, procedural=0.0, learning_rate=3e-4, validate_every=50, patience=4, minutes=3.0)


@dataclass(frozen=True, kw_only=True)
class DecideConfig(RankConfig):
    """How to train the decision head of a model, on simulated scenes with known depth; its encoder stays as it is.

    Attributes
    ----------
    steps : int
        Batches.
    stacks : int
        Parts of scenes in a batch.
    crop : int
        Side of the parts, px.
    procedural : float
        Share of scenes whose texture is computed instead of taken from the images.
    learning_rate : float
        Of Adam, at its largest; it rises over the first 100 steps and falls along a cosine.
    validate_every : int
        Steps between two validations.
    patience : int
        Stop when the validation loss has not got better for so many validations. 0: never.
    minutes : float
        Stop after so much time spent in training. 0: no limit.
    seed : int
        Seed of everything random.
    scene_steps : int
        Steps until a new scene is simulated; the latest 128 are trained on.
    """

    recipe: ClassVar[Recipe] = "decide"
    #: Side of the scenes, px; no part is larger.
    scene_side: ClassVar[int] = 176

    steps: int = 5000
    stacks: int = 2
    crop: int = 112
    learning_rate: float = 3e-3
    validate_every: int = 250
    scene_steps: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        within("scene_steps", self.scene_steps, 1)
        within("crop", self.crop, 48, self.scene_side)


#: The same on the picture of one stack.
DECIDE_ADAPTING = DecideConfig(
    steps=400, procedural=0.0, learning_rate=5e-4, validate_every=50, patience=4, minutes=3.0, scene_steps=8
)


@dataclass(frozen=True, kw_only=True)
class CandidateConfig(DecideConfig):
    """How to train the candidate head of a model, on simulated scenes with known depth; the rest of it stays as it is.

    Attributes
    ----------
    steps : int
        Batches.
    stacks : int
        Parts of scenes in a batch.
    crop : int
        Side of the parts, px.
    procedural : float
        Share of scenes whose texture is computed instead of taken from the images.
    learning_rate : float
        Of Adam, at its largest; it rises over the first 100 steps and falls along a cosine.
    validate_every : int
        Steps between two validations.
    patience : int
        Stop when the validation loss has not got better for so many validations. 0: never.
    minutes : float
        Stop after so much time spent in training. 0: no limit.
    seed : int
        Seed of everything random.
    scene_steps : int
        Steps until a new scene is simulated; the latest 256 are trained on.
    """

    recipe: ClassVar[Recipe] = "candidates"
    scene_side: ClassVar[int] = 176

    steps: int = 4000
    stacks: int = 4
    crop: int = 112
    validate_every: int = 400
    scene_steps: int = 6


#: The same on the picture of one stack.
CANDIDATE_ADAPTING = CandidateConfig(
    steps=300, procedural=0.0, learning_rate=3e-4, validate_every=50, patience=4, minutes=3.0, scene_steps=10
)
