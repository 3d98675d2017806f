"""Settings of training from simulated stacks and scenes, of the encoder and its two heads; all recipes by name."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from napari_focusfuse.config.recipe_paper import ADAPTING, CROP, MINUTES, PATIENCE, RATE, SEED, Recipe, TrainConfig
from napari_focusfuse.config.setting import Setting, check

__all__ = [
    "ADAPTATIONS",
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
]


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

    steps: Annotated[
        int,
        Setting(
            label="Steps",
            tip=(
                "Number of batches. More: a better fit, and a longer training.\n"
                "The learning rate falls with them: a training that is stopped early has not converged."
            ),
            least=1,
            main=True,
        ),
    ] = 5000
    stacks: Annotated[
        int,
        Setting(label="Stacks in a batch", tip=("More: smoother steps, and more time and memory for each."), least=1),
    ] = 2
    crop: Annotated[
        int,
        replace(
            CROP,
            tip=(
                "Side of the small stacks; smaller images are extended by their mirror image.\n"
                "Larger: more to learn from per step, and more time per step."
            ),
        ),
    ] = 64
    procedural: Annotated[
        float,
        Setting(
            label="Computed textures",
            tip=(
                "Share of stacks with a computed texture instead of one from the images.\n"
                "More: works better on other kinds of images, and less well on yours."
            ),
            least=0,
            most=1,
            step=0.1,
            digits=2,
        ),
    ] = 0.5
    learning_rate: Annotated[
        float,
        replace(
            RATE,
            tip=("Size of the largest steps. Larger values learn faster; too large a value diverges."),
            offered=tuple((f"{rate:g}", rate) for rate in (1e-4, 3e-4, 5e-4, 1e-3, 1.5e-3, 3e-3)),
        ),
    ] = 1.5e-3
    validate_every: Annotated[
        int,
        Setting(
            label="Validate every",
            unit="steps",
            tip=("More: less time for validation; the best model is kept less often."),
            least=1,
        ),
    ] = 200
    patience: Annotated[int, replace(PATIENCE, unit="validations")] = 0
    minutes: Annotated[float, MINUTES] = 0.0
    seed: Annotated[int, replace(SEED, tip=("Random seed of the training."))] = 0

    def __post_init__(self) -> None:
        check(self)


#: Going on from a trained model on the picture of one stack, in minutes on a CPU: small steps, no other pictures.
RANK_ADAPTING = RankConfig(steps=400, procedural=0.0, learning_rate=3e-4, validate_every=50, patience=4, minutes=3.0)


@dataclass(frozen=True, kw_only=True)
class DecideConfig(RankConfig):
    """How to train the decision head of a model, on simulated scenes with known depth; its encoder stays as it is.

    Attributes
    ----------
    stacks : int
        Parts of scenes in a batch.
    crop : int
        Side of the parts, px.
    procedural : float
        Share of scenes whose texture is computed instead of taken from the images.
    scene_steps : int
        Steps until a new scene is simulated; the latest 128 are trained on.
    """

    recipe: ClassVar[Recipe] = "decide"
    #: Side of the scenes, px; no part is larger.
    scene_side: ClassVar[int] = 176

    stacks: Annotated[
        int,
        Setting(label="Parts in a batch", tip=("More: smoother steps, and more time and memory for each."), least=1),
    ] = 2
    crop: Annotated[
        int,
        replace(
            CROP,
            tip=("Side of the parts of scenes. Larger: more to learn from per step, and slower."),
            least=48,
            most=scene_side,
        ),
    ] = 112
    learning_rate: float = 3e-3
    validate_every: int = 250
    scene_steps: Annotated[
        int,
        Setting(
            label="New scene every",
            unit="steps",
            tip=("Simulating a scene takes as long as some steps. More: faster, with fewer scenes."),
            least=1,
        ),
    ] = 8


#: The same on the picture of one stack.
DECIDE_ADAPTING = DecideConfig(
    steps=400, procedural=0.0, learning_rate=5e-4, validate_every=50, patience=4, minutes=3.0, scene_steps=8
)


@dataclass(frozen=True, kw_only=True)
class CandidateConfig(DecideConfig):
    """How to train the candidate head of a model, on simulated scenes with known depth; the rest of it stays as it is.

    Attributes
    ----------
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
