"""Means with intervals, paired differences, what is certain of many, first places; of finite values alone."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

__all__ = ["Interval", "certain", "first_places", "interval", "paired"]

_LEVEL = 0.95

Key = TypeVar("Key")


class Interval(NamedTuple):
    """A mean with its 95 % interval; NaN where there are too few values.

    Attributes
    ----------
    mean, low, high : float
    n : int
        How many values.
    p : float
        Two-sided, of the t-test that the mean is 0; NaN where there are too few values.
    """

    mean: float
    low: float
    high: float
    n: int
    p: float = math.nan

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
    error = float(kept.std(ddof=1) / np.sqrt(n))
    half = float(stats.t.ppf((1 + _LEVEL) / 2, n - 1)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, n - 1)) if error else float(mean == 0)
    return Interval(mean, mean - half, mean + half, n, p)


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


def certain(gaps: Mapping[Key, Interval]) -> set[Key]:
    """Those whose mean is not 0 at a family-wise error of 5 %, by Holm's step-down correction over all that have a p.

    Parameters
    ----------
    gaps : mapping of anything to Interval

    Returns
    -------
    set
        Keys.

    References
    ----------
    Holm 1979, Scand. J. Stat. 6, 65-70.
    """
    ordered = sorted((gap.p, k) for k, gap in enumerate(gaps.values()) if math.isfinite(gap.p))
    keys, found = list(gaps), set()
    for rank, (p, k) in enumerate(ordered):
        if p > (1 - _LEVEL) / (len(ordered) - rank):
            break
        found.add(keys[k])
    return found


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
