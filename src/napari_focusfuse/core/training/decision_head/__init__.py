"""Training the decision head: which scale and window to trust, learned on simulated scenes with known depth.

The encoder stays as it is; the head has to give the largest activity to the sharpest slice of each pixel.
"""

from napari_focusfuse.core.training.decision_head._loss import TARGET
from napari_focusfuse.core.training.decision_head._run import iter_learn_decision
from napari_focusfuse.core.training.decision_head._validation import DecideExample, deciding_scores, head_of

__all__ = ["TARGET", "DecideExample", "deciding_scores", "head_of", "iter_learn_decision"]
