"""Training the decision head: which scale and window to believe, learned on simulated scenes with known depth.

The encoder stays as it is. Scenes have hills, plateaus that hide each other's edges, and fibres, at any noise; the head
has to give the largest activity to the sharpest slice of each pixel, and weights that fuse to the true image.
"""

from napari_focusfuse.core.training.decision_head._run import iter_learn_decision
from napari_focusfuse.core.training.decision_head._scenes import (
    Drawn,
    DrawnScenes,
    iter_maps,
    noise_floors,
    some_slices,
)
from napari_focusfuse.core.training.decision_head._validation import DecideExample, deciding_scores, head_of

__all__ = [
    "DecideExample",
    "Drawn",
    "DrawnScenes",
    "deciding_scores",
    "head_of",
    "iter_learn_decision",
    "iter_maps",
    "noise_floors",
    "some_slices",
]
