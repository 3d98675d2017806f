"""Training the edge head: who is in front where two depths compete for a pixel, learned on simulated scenes.

Encoder and decision head stay as they are. The scenes are those of `napari_focusfuse.core.training.decision_head`; the edge head has
to give the odds to the right one of two candidates, and weights that fuse to the true image.
"""

from napari_focusfuse.core.training.candidate_head._run import iter_learn_edges
from napari_focusfuse.core.training.candidate_head._validation import EdgeExample, edge_scores

__all__ = ["EdgeExample", "edge_scores", "iter_learn_edges"]
