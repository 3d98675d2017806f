"""What a metric is, and how its values are pooled over an image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Better", "Image", "Metric", "Needs", "Pool", "ratio"]

#: Grey image (Y, X) in [0, 1].
Image = NDArray[np.float64]
Better = Literal["high", "low", "zero"]
Needs = Literal["fused", "sources", "truth"]


@dataclass(frozen=True)
class Metric:
    """A score of a fused image.

    Attributes
    ----------
    name : str
        Key of the registry, lower case.
    title : str
        As it is written in papers.
    function : callable
        ``f(fused)``, ``f(sources, fused)`` or ``f(truth, fused)``, by `needs`; returns a float that is never NaN.
    needs : {"fused", "sources", "truth"}
        What the fused image is compared with; "fused" is nothing.
    better : {"high", "low", "zero"}
        Which values are good ones.
    low, high : float
        Range of values.
    smallest : int
        Least height and width, px.
    measures, blind_to, reference : str
        What it measures, what it is blind to, and its reference; one line each.
    pixels : callable or None
        ``f(sources, fused)``: the map (Y, X) whose mean the score is, if it is one.
    """

    name: str
    title: str
    function: Callable[..., float]
    needs: Needs
    better: Better
    low: float
    high: float
    smallest: int
    measures: str
    blind_to: str
    reference: str
    pixels: Callable[..., Image] | None = None

    @property
    def needs_truth(self) -> bool:
        """Whether it compares with ground truth."""
        return self.needs == "truth"

    def score(self, sources: Sequence[Image], fused: Image, truth: Image | None = None) -> float:
        """The value for a fused image; `truth` has to be given where it is needed."""
        if self.needs == "fused":
            return float(self.function(fused))
        return float(self.function(sources if self.needs == "sources" else truth, fused))

    def best(self, values: Sequence[float]) -> list[bool]:
        """Which of several images' values are the best one; none where all are alike or there is only one."""
        distances = [{"high": -value, "low": value, "zero": abs(value)}[self.better] for value in values]
        least = min(distances, default=0.0)
        alike = all(distance == least for distance in distances)
        return [not alike and distance == least for distance in distances]


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
