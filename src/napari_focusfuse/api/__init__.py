"""The public functions: they resolve names, devices and paths, and drain the generators of the core."""

from napari_focusfuse.api._files import (
    check_image_target,
    check_result_folder,
    is_stack_folder,
    open_image,
    open_stack,
    save_image,
    save_result,
    save_stack,
    save_table,
    stack_name,
)
from napari_focusfuse.api._fusion import (
    blend,
    decide,
    fuse,
    iter_decide,
    iter_fuse,
    list_methods,
    load_decision,
)
from napari_focusfuse.api._measuring import (
    check_images,
    difference,
    focus_curve,
    iter_compare,
    iter_focus,
    iter_measure,
    list_metrics,
    measure,
    quality_map,
)
from napari_focusfuse.api._models import (
    default_model,
    list_devices,
    list_models,
    load_model,
    model_card,
)
from napari_focusfuse.api._training import (
    TrainResult,
    iter_train,
    train,
)
from napari_focusfuse.core.config import FusionConfig, Preset, SEVariant, TrainConfig
from napari_focusfuse.core.methods import Method
from napari_focusfuse.core.progress import Progress

__all__ = [
    "FusionConfig",
    "Method",
    "Preset",
    "Progress",
    "SEVariant",
    "TrainConfig",
    "TrainResult",
    "blend",
    "check_image_target",
    "check_images",
    "check_result_folder",
    "decide",
    "default_model",
    "difference",
    "focus_curve",
    "fuse",
    "is_stack_folder",
    "iter_compare",
    "iter_decide",
    "iter_focus",
    "iter_fuse",
    "iter_measure",
    "iter_train",
    "list_devices",
    "list_methods",
    "list_metrics",
    "list_models",
    "load_decision",
    "load_model",
    "measure",
    "model_card",
    "open_image",
    "open_stack",
    "quality_map",
    "save_image",
    "save_result",
    "save_stack",
    "save_table",
    "stack_name",
    "train",
]
