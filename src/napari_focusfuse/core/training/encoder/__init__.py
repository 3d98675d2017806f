"""Training an encoder to rank slices by their focus, without labels.

Small stacks are made from sharp images: the same piece at several amounts of defocus, each slice with noise of its
own. The spatial frequency of the encoder's features, as fusion computes it, has to be largest where the defocus is
least. That is the decision itself, so that what is learned is what is used: features that answer to detail and not to
noise.
"""

from napari_focusfuse.core.training.encoder._run import LIMITS, StepRun, iter_rank
from napari_focusfuse.core.training.encoder._state import RankLog, RankReport, RankState, best_encoder
from napari_focusfuse.core.training.encoder._validation import HeldOut, RankExample, RankScores, ranking_scores

__all__ = [
    "LIMITS",
    "HeldOut",
    "RankExample",
    "RankLog",
    "RankReport",
    "RankScores",
    "RankState",
    "StepRun",
    "best_encoder",
    "iter_rank",
    "ranking_scores",
]
