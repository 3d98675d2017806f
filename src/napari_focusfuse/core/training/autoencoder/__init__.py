"""Unsupervised training of the encoder-decoder (paper, Sect. 3.2 and 4.1): it learns to reconstruct images.

Images in, reports out; files, names and devices by name belong to the API.
"""

from napari_focusfuse.core.training.autoencoder._run import iter_train
from napari_focusfuse.core.training.autoencoder._state import EpochLog, TrainReport, TrainState, best_network
from napari_focusfuse.core.training.autoencoder._validation import Example, reconstruction_scores

__all__ = [
    "EpochLog",
    "Example",
    "TrainReport",
    "TrainState",
    "best_network",
    "iter_train",
    "reconstruction_scores",
]
