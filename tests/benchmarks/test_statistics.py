"""Intervals against scipy, first places against counting by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import Interval, certain, first_places, interval, paired


def test_an_interval_by_hand() -> None:
    """1, 2, 3: standard deviation 1, t of two degrees of freedom 4.3027."""
    found = interval([1.0, 2.0, 3.0])
    assert found[:3] == pytest.approx((2.0, 2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)), abs=1e-6)
    assert found.n == 3
    assert found.half == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)


def test_paired_differences_as_scipy_has_them(rng: np.random.Generator) -> None:
    ours, theirs = rng.normal(30, 4, 20), rng.normal(29, 4, 20)
    found = paired({str(k): v for k, v in enumerate(ours)}, {str(k): v for k, v in enumerate(theirs)})
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_differences_need_both_and_finite_values() -> None:
    ours = {"a": 3.0, "b": 5.0, "c": math.inf, "d": 1.0}
    theirs = {"a": 1.0, "b": 1.0, "c": 1.0, "x": 9.0}
    assert paired(ours, theirs)[::3] == (3.0, 2)


@pytest.mark.parametrize(("values", "n"), [([], 0), ([math.nan], 0), ([4.0], 1)])
def test_too_few_values_have_no_interval(values: list[float], n: int) -> None:
    found = interval(values)
    assert found.n == n
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_p_as_scipy_has_it(rng: np.random.Generator) -> None:
    sample = rng.normal(0.3, 1, 12)
    assert interval(list(sample)).p == pytest.approx(stats.ttest_1samp(sample, 0).pvalue)
    assert [interval([v] * 3).p for v in (0.0, 2.0)] == [1, 0]
    assert math.isnan(interval([4.0]).p)


def test_holm_by_hand() -> None:
    """Of 4: .01 <= .05 / 4; .015 <= .05 / 3; .03 > .05 / 2 ends it, so that .04 <= .05 does not count."""
    values = {"d": 0.04, "a": 0.01, "none": math.nan, "c": 0.03, "b": 0.015}
    gaps = {name: Interval(1.0, 0.5, 1.5, 9, p) for name, p in values.items()}
    assert certain(gaps) == {"a", "b"}
    assert certain({}) == set()
    # Alone each of twenty would be certain; one in twenty is expected by chance.
    assert certain({k: Interval(1.0, 0.1, 1.9, 9, 0.03) for k in range(20)}) == set()


def test_first_places_with_ties_and_gaps() -> None:
    scores = {
        "a": {"1": 0.5, "2": 0.7, "3": 0.1},
        "b": {"1": 0.5, "2": 0.6, "3": math.nan},
        "c": {"2": 0.7},
        "d": {},
    }
    assert first_places(scores) == {"a": 3, "b": 1, "c": 1, "d": 0}


def test_an_interval_is_a_tuple() -> None:
    assert Interval(1.0, 0.0, 2.0, 5).half == 1.0
