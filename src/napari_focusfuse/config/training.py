"""Settings of every recipe of training."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from napari_focusfuse.config.checks import one_of, typed, within
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "ADAPTATIONS",
    "ADAPTING",
    "CANDIDATE_ADAPTING",
    "DECIDE_ADAPTING",
    "DEFAULT_RECIPE",
    "HAVING",
    "RANK_ADAPTING",
    "RECIPES",
    "STARTS",
    "AnyTrainConfig",
    "CandidateConfig",
    "DecideConfig",
    "RankConfig",
    "Recipe",
    "SEVariant",
    "TrainConfig",
]

Recipe = Literal["paper", "focus", "decide", "candidates"]
SEVariant = Literal["cse", "sse", "scse", "none"]

#: What `crops_per_image` = 0 means: at least so many, and so many batches in an epoch where there are few images.
_LEAST_CROPS, _LEAST_BATCHES = 2, 20


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train (paper, Sect. 4.1).

    Attributes
    ----------
    variant : {"cse", "sse", "scse", "none"}
        Squeeze-and-excitation of the encoder. A training that starts from a model keeps that model's.
    epochs : int
        Times that every image is used.
    batch : int
        Crops in a batch.
    crop : int
        Side of the training crops, px, taken at native resolution. (The paper squashes whole images to 256 x 256.)
    crops_per_image : int
        Crops drawn from each image in an epoch. 0: two, and more where the images are few, so that an epoch has twenty
        batches.
    learning_rate : float
        Of Adam, at the start. The paper's 1e-4 goes with its 1,725 steps an epoch; our epochs are shorter.
    decay : float
        What the learning rate is multiplied by from time to time.
    decay_epochs : int
        Epochs between two such steps.
    ssim_weight : float
        lambda of Eq. 1.
    clip : float
        Gradients longer than this are shortened to it. 0: never.
    patience : int
        Stop when the validation loss has not got better for so many epochs. 0: never.
    minutes : float
        Stop after so much time spent in training, also in the middle of an epoch. 0: no limit.
    seed : int
        Seed of the weights and the crops.
    """

    #: Name of the recipe.
    recipe: ClassVar[Recipe] = "paper"

    variant: SEVariant = "cse"
    epochs: int = 30
    batch: int = 48
    crop: int = 64
    crops_per_image: int = 0
    learning_rate: float = 1e-3
    decay: float = 0.8
    decay_epochs: int = 2
    ssim_weight: float = 3.0
    clip: float = 0.0
    patience: int = 0
    minutes: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        typed(self)
        one_of("variant", self.variant, SEVariant)
        for name in ("epochs", "batch", "decay_epochs"):
            within(name, getattr(self, name), 1)
        within("crop", self.crop, 16)
        for name in ("crops_per_image", "ssim_weight", "clip", "patience", "minutes", "seed"):
            within(name, getattr(self, name), 0)
        for name, most in (("learning_rate", math.inf), ("decay", 1.0)):
            value = getattr(self, name)
            if not 0 < value <= most:
                limit = "" if math.isinf(most) else f" and at most {most:g}"
                raise FocusFuseError(f"{name} must be greater than 0{limit}, not {value}")

    def crops_of(self, images: int) -> int:
        """Crops drawn from each of so many images in an epoch."""
        return self.crops_per_image or max(_LEAST_CROPS, math.ceil(_LEAST_BATCHES * self.batch / images))


#: Going on from a trained model on a few images, in minutes on a CPU: small steps, short epochs.
ADAPTING = TrainConfig(epochs=20, batch=16, learning_rate=2e-4, decay_epochs=4, patience=6, minutes=3.0)


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


#: Settings of any recipe; those of the heads are a `RankConfig` too.
AnyTrainConfig = TrainConfig | RankConfig

#: What is trained by where nobody says it; the benchmark decides.
DEFAULT_RECIPE: Recipe = "paper"

#: Settings by the name of the recipe: to give images back as in the paper, to rank slices by their focus, to
#: combine what a trained encoder sees on all scales, and to tell who is in front at edges in depth.
RECIPES: dict[Recipe, type[AnyTrainConfig]] = {
    "paper": TrainConfig,
    "focus": RankConfig,
    "decide": DecideConfig,
    "candidates": CandidateConfig,
}

#: The same for going on from a trained model on one stack.
ADAPTATIONS: dict[Recipe, AnyTrainConfig] = {
    "paper": ADAPTING,
    "focus": RANK_ADAPTING,
    "decide": DECIDE_ADAPTING,
    "candidates": CANDIDATE_ADAPTING,
}

#: The models that a recipe can start from, told by the recipe that each is trained further by (`trained_by`).
STARTS: dict[Recipe, tuple[Recipe, ...]] = {
    "paper": ("paper",),
    "focus": tuple(RECIPES),
    "decide": tuple(RECIPES),
    "candidates": ("decide", "candidates"),
}

#: Those among them that have all that the recipe trains; the others get it new.
HAVING: dict[Recipe, tuple[Recipe, ...]] = {**STARTS, "decide": ("decide", "candidates"), "candidates": ("candidates",)}
