"""Every default of the project, in frozen dataclasses that the API, the command line and the widgets share."""

from napari_focusfuse.config.alignment import AlignConfig, Edges, Kind
from napari_focusfuse.config.fusion import FusionConfig, Preset, Scales
from napari_focusfuse.config.methods import (
    BlockSFConfig,
    DSIFTConfig,
    FocusStackConfig,
    GFConfig,
    IMFConfig,
    LoGConfig,
    MethodConfig,
    MWGConfig,
    PyramidConfig,
    SRConfig,
    WaveletConfig,
    WindowConfig,
)
from napari_focusfuse.config.recipe_focus import (
    CANDIDATE_ADAPTING,
    DECIDE_ADAPTING,
    RANK_ADAPTING,
    CandidateConfig,
    DecideConfig,
    RankConfig,
)
from napari_focusfuse.config.recipe_paper import ADAPTING, Recipe, SEVariant, TrainConfig
from napari_focusfuse.config.results import RetouchConfig, SurfaceConfig
from napari_focusfuse.config.scene import PSF, Camera, Flaws, Mode, Surface, Texture, Wave
from napari_focusfuse.config.training import ADAPTATIONS, DEFAULT_RECIPE, HAVING, RECIPES, STARTS, AnyTrainConfig

__all__ = [
    "ADAPTATIONS",
    "ADAPTING",
    "CANDIDATE_ADAPTING",
    "DECIDE_ADAPTING",
    "DEFAULT_RECIPE",
    "HAVING",
    "PSF",
    "RANK_ADAPTING",
    "RECIPES",
    "STARTS",
    "AlignConfig",
    "AnyTrainConfig",
    "BlockSFConfig",
    "Camera",
    "CandidateConfig",
    "DSIFTConfig",
    "DecideConfig",
    "Edges",
    "Flaws",
    "FocusStackConfig",
    "FusionConfig",
    "GFConfig",
    "IMFConfig",
    "Kind",
    "LoGConfig",
    "MWGConfig",
    "MethodConfig",
    "Mode",
    "Preset",
    "PyramidConfig",
    "RankConfig",
    "Recipe",
    "RetouchConfig",
    "SEVariant",
    "SRConfig",
    "Scales",
    "Surface",
    "SurfaceConfig",
    "Texture",
    "TrainConfig",
    "Wave",
    "WaveletConfig",
    "WindowConfig",
]
