"""Which recipes of training there are."""

from napari_focusfuse.core.config.ranking import RANK_ADAPTING, RankConfig
from napari_focusfuse.core.config.training import ADAPTING, Recipe, TrainConfig

__all__ = ["ADAPTATIONS", "DEFAULT_RECIPE", "RECIPES", "AnyTrainConfig"]

#: Settings of either recipe.
AnyTrainConfig = TrainConfig | RankConfig

#: What is trained by where nobody says it; the benchmark decides.
DEFAULT_RECIPE: Recipe = "paper"

#: Settings by the name of the recipe: to give images back as in the paper, and to rank slices by their focus.
RECIPES: dict[Recipe, type[AnyTrainConfig]] = {"paper": TrainConfig, "focus": RankConfig}

#: The same for going on from a trained model on one stack.
ADAPTATIONS: dict[Recipe, AnyTrainConfig] = {"paper": ADAPTING, "focus": RANK_ADAPTING}
