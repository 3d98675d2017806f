"""What is known about a metric besides its formula."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Better", "Image", "Metric", "Needs"]

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
        What it measures, what it does not notice, and where it is from; a line each.
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
        """Whether it compares with a true image."""
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
