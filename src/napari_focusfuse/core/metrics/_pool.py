"""Weighted mean over the sources, source by source, so that no more than a few maps are in memory."""

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.metrics._metric import Image

__all__ = ["Pool", "ratio"]


class Pool:
    """Adds up values and weights; where all weights are 0, all sources count the same."""

    def __init__(self) -> None:
        self._weighted: Image | float = 0.0
        self._weight: Image | float = 0.0
        self._plain: Image | float = 0.0
        self._count = 0

    def add(self, value: Image | float, weight: Image | float) -> None:
        """Add a source: what it scores and how much that counts (>= 0), maps (Y, X) or numbers."""
        self._weighted = self._weighted + weight * value
        self._weight = self._weight + weight
        self._plain = self._plain + value
        self._count += 1

    def mean(self) -> Image:
        """Weighted mean over the sources of each pixel."""
        return ratio(self._weighted, self._weight, self._plain / self._count)


def ratio(above: Image | float, below: Image | float, otherwise: Image | float) -> NDArray[np.float64]:
    """``above / below``, and `otherwise` where `below` is 0."""
    safe = np.asarray(below) != 0
    return np.where(safe, above / np.where(safe, below, 1.0), otherwise)
