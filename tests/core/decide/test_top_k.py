"""The running best of N maps against a sort of all of them."""

import numpy as np
import pytest
import torch

from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.encode.candidate_head import MISSING
from napari_focusfuse.core.encode.head import SLOPE
from napari_focusfuse.core.training.candidate_head import found_candidates


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


def _carried(activities: np.ndarray, first: np.ndarray, second: np.ndarray) -> TopK:
    slices = len(activities)
    peaks = TopK(activities.shape[1:], slices, carried=True)
    for k in range(slices):
        for rows in (slice(0, 5), slice(5, None)):
            maps = (activities[k, rows], first[k, rows], second[k, rows])
            peaks.show((rows, slice(None)), k, k - 1, *maps)
    peaks.finish()
    return peaks


def _further(activity: np.ndarray, energy: np.ndarray) -> list[int]:
    """Those of the three highest peaks of the energy that are none of the best four, by looking at a whole curve."""
    best = np.argsort(-activity, kind="stable")[:4]
    ends = np.concatenate([[-np.inf], energy, [-np.inf]])
    peaks = [k for k in range(len(energy)) if ends[k] <= ends[k + 1] > ends[k + 2]]
    peaks = sorted(peaks, key=lambda k: -energy[k])[:3]
    return [k for k in peaks if k not in best][:2]


def _curves(rng: np.random.Generator, slices: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activities, grey values and energies (N, 9, 8); the longer ones have few peaks. No two energies are equal."""
    activities = np.exp(rng.normal(size=(slices, 9, 8))).astype(np.float32)
    energies = rng.permuted(np.broadcast_to(np.arange(slices)[:, None, None], (slices, 9, 8)), axis=0)
    if slices > 12:
        energies = rng.normal(size=(slices, 9, 8)).cumsum(0).argsort(0).argsort(0)
    return activities, rng.random((slices, 9, 8)).astype(np.float32), energies.astype(np.float32) + 1


@pytest.mark.parametrize("slices", [5, 12, 60])
def test_further_peaks_of_the_energy_are_kept_with_what_is_carried(rng, slices):
    activities, greys, energies = _curves(rng, slices)
    peaks = _carried(activities, greys, energies)
    assert peaks.labels.shape == (6, 9, 8)
    for y, x in np.ndindex(9, 8):
        wanted = _further(activities[:, y, x], energies[:, y, x])
        there = peaks.activity[4:, y, x] > 0
        assert peaks.labels[4:, y, x][there].tolist() == wanted
        assert (peaks.labels[4:, y, x][~there] == peaks.labels[0, y, x]).all()
    for maps, given in zip(peaks.carried, (greys, energies), strict=True):
        np.testing.assert_allclose(maps, np.take_along_axis(given, peaks.labels.astype(int), 0), rtol=1e-3)


@pytest.mark.parametrize("slices", [3, 5, 12])
def test_training_finds_the_same_candidates(rng, slices):
    activities, greys, energies = _curves(rng, slices)
    peaks = _carried(activities, greys, energies)
    scores = SLOPE * torch.log(torch.from_numpy(activities))
    found, ranks = found_candidates(scores, torch.from_numpy(energies))
    np.testing.assert_array_equal(ranks, peaks.labels)
    there = peaks.activity > 0
    kept = SLOPE * np.log(peaks.activity[there])
    np.testing.assert_allclose(found.numpy()[there], kept, rtol=1e-4, atol=1e-5)
    assert (found.numpy() - found.numpy()[:1] < -MISSING)[~there].all()


def test_what_is_carried_of_few_slices(rng):
    activities, first, second = rng.random((3, 3, 9, 8)).astype(np.float32)
    peaks = _carried(activities, first, second)
    assert peaks.labels.shape == (3, 9, 8)
    np.testing.assert_allclose(peaks.carried[1], np.take_along_axis(second, peaks.labels.astype(int), 0), rtol=1e-3)


def test_more_slices_than_short_labels_can_tell(rng):
    few = TopK((4, 4), 2**15, carried=True)
    activity, first, second = rng.random((3, 4, 4)).astype(np.float32)
    few.show((slice(None), slice(None)), 40_000, -1, activity, first, second)
    assert (few.labels[0] == 40_000).all()
    np.testing.assert_allclose(few.carried[1][0], second, rtol=1e-3)


def test_what_half_a_float_cannot_hold_is_cut_off():
    peaks = TopK((4, 4), 5, carried=True)
    peaks.show((slice(None), slice(None)), 0, -1, np.ones((4, 4), np.float32), *np.full((2, 4, 4), 1e9, np.float32))
    assert np.isfinite(peaks.carried[0][0]).all()
