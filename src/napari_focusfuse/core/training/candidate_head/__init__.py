"""Training the candidate head: which of a pixel's few best slices is right, and how much of each to take.

Encoder and decision head stay as they are. The scenes are those of the decision head; the candidate head has to give
the odds to the right candidate, and weights that fuse to the true image.
"""

from napari_focusfuse.core.training.candidate_head._run import iter_learn_candidates
from napari_focusfuse.core.training.candidate_head._validation import CandidateExample, candidate_scores

__all__ = ["CandidateExample", "candidate_scores", "iter_learn_candidates"]
