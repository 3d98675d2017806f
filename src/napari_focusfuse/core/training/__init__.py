"""What all recipes of training share: the course from validation to validation, the clock, the optimiser, the images.

What is fitted to what belongs to the recipes, the packages here.
"""

from napari_focusfuse.core.training._clock import Clock
from napari_focusfuse.core.training._course import Course
from napari_focusfuse.core.training._images import central, usable
from napari_focusfuse.core.training._optimizer import freeze_norms, moments, restore
from napari_focusfuse.core.training._pieces import Pieces, log_uniform, seen_by_camera
from napari_focusfuse.core.training._state import LearningReport, LearningState, LogEntry, going_on

__all__ = [
    "Clock",
    "Course",
    "LearningReport",
    "LearningState",
    "LogEntry",
    "Pieces",
    "central",
    "freeze_norms",
    "going_on",
    "log_uniform",
    "moments",
    "restore",
    "seen_by_camera",
    "usable",
]
