"""Means with intervals, paired differences, first places. Values that are NaN or infinite are left out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Interval", "first_places", "interval", "paired"]

_LEVEL = 0.95


class Interval(NamedTuple):
    """A mean with its 95 % interval; NaN where there are too few values.

    Attributes
    ----------
    mean, low, high : float
    n : int
        How many values.
    """

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


def interval(values: Sequence[float]) -> Interval:
    """Mean and its 95 % interval by Student's t.

    Parameters
    ----------
    values : sequence of float

    Returns
    -------
    Interval
    """
    from scipy import stats

    kept = np.asarray(values, dtype=np.float64)
    kept = kept[np.isfinite(kept)]
    n = len(kept)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    mean = float(kept.mean())
    if n == 1:
        return Interval(mean, np.nan, np.nan, 1)
    half = float(stats.t.ppf((1 + _LEVEL) / 2, n - 1) * kept.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def paired(values: Mapping[str, float], reference: Mapping[str, float]) -> Interval:
    """Mean of ``values - reference`` over the scenes that both have, with its 95 % interval.

    Parameters
    ----------
    values, reference : mapping of scene to float

    Returns
    -------
    Interval
    """
    return interval([value - reference[scene] for scene, value in values.items() if scene in reference])


def first_places(scores: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """How often each method has the largest score; in a tie all that have it.

    Parameters
    ----------
    scores : mapping of method to (mapping of image to float)

    Returns
    -------
    dict of method to int
    """
    counts = dict.fromkeys(scores, 0)
    for image in {image for of_method in scores.values() for image in of_method}:
        there = {m: s[image] for m, s in scores.items() if image in s and np.isfinite(s[image])}
        best = max(there.values(), default=np.nan)
        for method, score in there.items():
            counts[method] += score == best
    return counts
