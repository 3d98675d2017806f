"""Images in 256 grey levels, and what the levels of one image tell about those of another.

Each image is stretched from its own minimum and maximum to 0..255 and rounded, halves up. Entropies are in bits.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.metrics._metric import Image

__all__ = ["Information", "grey_levels", "information"]

_LEVELS = 256


class Information(NamedTuple):
    """Mutual information of two images and the entropy of each, bits."""

    mutual: float
    first: float
    second: float


def grey_levels(image: Image) -> NDArray[np.uint8]:
    """Levels 0..255, from the darkest to the brightest pixel; a constant image is 0."""
    low, high = image.min(), image.max()
    if high == low:
        return np.zeros(image.shape, dtype=np.uint8)
    levels = np.floor((image - low) * (_LEVELS - 1) / (high - low) + 0.5)
    return np.asarray(levels, dtype=np.uint8)


def information(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Information:
    """Mutual information and entropies of two images of grey levels, from their joint histogram."""
    pairs = first.ravel().astype(np.int32) * _LEVELS + second.ravel()
    joint = np.bincount(pairs, minlength=_LEVELS**2).reshape(_LEVELS, _LEVELS) / pairs.size
    of_first, of_second = _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))
    return Information(max(of_first + of_second - _entropy(joint), 0.0), of_first, of_second)


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
