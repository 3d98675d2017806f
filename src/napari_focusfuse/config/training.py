"""The recipes of training by name, and which can go on from which."""

from napari_focusfuse.config.recipe_focus import (
    CANDIDATE_ADAPTING,
    DECIDE_ADAPTING,
    RANK_ADAPTING,
    CandidateConfig,
    DecideConfig,
    RankConfig,
)
from napari_focusfuse.config.recipe_paper import ADAPTING, Recipe, TrainConfig

__all__ = ["ADAPTATIONS", "DEFAULT_RECIPE", "HAVING", "RECIPES", "STARTS", "AnyTrainConfig"]

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
