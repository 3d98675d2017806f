"""What all recipes of training share: the course from validation to validation, the optimiser, the images.

What is fitted to what belongs to the recipes, the modules beside it.
"""

from napari_focusfuse.core.training.course import (
    Course,
    LearningReport,
    LearningState,
    LogEntry,
    freeze_norms,
    going_on,
    moments,
    restore,
)
from napari_focusfuse.core.training.images import Crops, central, log_uniform, seen_by_camera, usable

__all__ = [
    "Course",
    "Crops",
    "LearningReport",
    "LearningState",
    "LogEntry",
    "central",
    "freeze_norms",
    "going_on",
    "log_uniform",
    "moments",
    "restore",
    "seen_by_camera",
    "usable",
]
