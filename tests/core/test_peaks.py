"""The running best of N maps against a sort of all of them, and the sub-slice peak."""

import numpy as np
import pytest

from napari_focusfuse.core.peaks import Peaks, log_parabola


def shown(activities: np.ndarray) -> Peaks:
    peaks = Peaks(activities.shape[1:], len(activities))
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


@pytest.mark.parametrize("z", [(0.0, 1.0, 2.0), (0.0, 0.4, 2.0), (-3.0, 1.0, 1.5)])
def test_the_vertex_of_a_gaussian_focus_curve_is_exact(z):
    centre = 0.7
    activity = tuple(np.array([[np.exp(-((p - centre) ** 2) / 2)]], dtype=np.float64) for p in z)
    found = log_parabola(tuple(np.array([[p]]) for p in z), activity)
    np.testing.assert_allclose(found, centre, atol=1e-5)


def test_the_vertex_stays_between_the_neighbours_and_a_flat_top_is_the_middle():
    z = tuple(np.array([float(p)]) for p in (0, 1, 2))
    steep = log_parabola(z, (np.array([1e-9]), np.array([1.0]), np.array([1.0])))
    assert 0 <= steep[0] <= 2
    assert log_parabola(z, tuple(np.array([1.0]) for _ in range(3)))[0] == 1


def test_a_missing_neighbour_is_no_depth():
    z = tuple(np.array([float(p)]) for p in (0, 1, 2))
    assert np.isnan(log_parabola(z, (np.array([np.nan]), np.array([1.0]), np.array([0.5])))[0])
