"""The running best of N maps against a sort of all of them."""

import numpy as np
import pytest

from napari_focusfuse.core.decide.top_k import TopK


def shown(activities: np.ndarray) -> TopK:
    peaks = TopK(activities.shape[1:], len(activities))
    for k, activity in enumerate(activities):
        peaks.show((slice(None), slice(None)), k, k - 1, activity.astype(np.float32))
    return peaks


@pytest.mark.parametrize("slices", [2, 3, 4, 9])
def test_the_best_are_those_of_a_stable_sort(rng, slices):
    activities = rng.integers(0, 6, (slices, 8, 9)).astype(np.float32)
    peaks = shown(activities)
    order = np.argsort(-activities, axis=0, kind="stable")[: min(4, slices)]
    np.testing.assert_array_equal(peaks.labels, order)
    np.testing.assert_array_equal(peaks.activity, np.take_along_axis(activities, order, 0))


def test_neighbours_of_the_best(rng):
    activities = rng.random((6, 5, 7))
    peaks = shown(activities)
    best = activities.argmax(0)
    padded = np.pad(activities, ((1, 1), (0, 0), (0, 0)), constant_values=np.nan)
    for step, ours in ((0, peaks.below), (2, peaks.above)):
        np.testing.assert_allclose(ours, np.take_along_axis(padded, best[None] + step, 0)[0], rtol=1e-6)


def test_a_tie_goes_to_the_earlier_slice():
    assert (shown(np.ones((3, 2, 2))).labels[0] == 0).all()
