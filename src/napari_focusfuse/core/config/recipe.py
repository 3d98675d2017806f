"""Which recipes of training there are."""

from napari_focusfuse.core.config.ranking import (
    DECIDE_ADAPTING,
    EDGE_ADAPTING,
    RANK_ADAPTING,
    DecideConfig,
    EdgeConfig,
    RankConfig,
)
from napari_focusfuse.core.config.training import ADAPTING, Recipe, TrainConfig

__all__ = ["ADAPTATIONS", "DEFAULT_RECIPE", "RECIPES", "AnyTrainConfig"]

#: Settings of any recipe; those of deciding are a `RankConfig` too.
AnyTrainConfig = TrainConfig | RankConfig

#: What is trained by where nobody says it; the benchmark decides.
DEFAULT_RECIPE: Recipe = "paper"

#: Settings by the name of the recipe: to give images back as in the paper, to rank slices by their focus, to
#: combine what a trained encoder sees on all scales, and to tell who is in front at edges in depth.
RECIPES: dict[Recipe, type[AnyTrainConfig]] = {
    "paper": TrainConfig,
    "focus": RankConfig,
    "decide": DecideConfig,
    "edges": EdgeConfig,
}

#: The same for going on from a trained model on one stack.
ADAPTATIONS: dict[Recipe, AnyTrainConfig] = {
    "paper": ADAPTING,
    "focus": RANK_ADAPTING,
    "decide": DECIDE_ADAPTING,
    "edges": EDGE_ADAPTING,
}
