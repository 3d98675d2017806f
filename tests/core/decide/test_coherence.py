"""Islands in the map of slices need evidence."""

import numpy as np
import pytest

from napari_focusfuse.core.decide.coherence import settle
from napari_focusfuse.core.decide.weights import Choice

SHAPE = (60, 80)


def _choice(index, lead, slices=4):
    """A choice with these first labels; the other labels are the other slices."""
    others = np.stack([(index + k) % slices for k in range(slices)]).astype(np.int16)
    weights = np.broadcast_to(np.float32([0.7, 0.2, 0.1, 0])[:slices, None, None], others.shape).copy()
    share = np.full(index.shape, 0.9, np.float32)
    return Choice(others, weights, share, np.broadcast_to(np.float32(lead), index.shape).copy(), others < 0)


@pytest.fixture
def speck():
    index = np.zeros(SHAPE, np.int16)
    index[20:23, 30:33] = 2
    return index


def test_a_speck_without_evidence_goes_to_its_surroundings(speck):
    choice = _choice(speck, 1.0)
    changed = settle(choice, np.arange(8))
    np.testing.assert_array_equal(changed, speck == 2)
    assert (choice.labels[0] == 0).all()
    assert choice.share[changed].max() <= 0.5


def test_a_bead_that_is_surely_sharp_stays(speck):
    choice = _choice(speck, 25.0)
    assert not settle(choice, np.arange(8)).any()
    np.testing.assert_array_equal(choice.labels[0], speck)


def test_the_larger_a_region_the_less_evidence_each_pixel_needs(speck):
    larger = np.zeros(SHAPE, np.int16)
    larger[20:30, 30:40] = 2
    lead = 1.2
    assert settle(_choice(speck, lead), np.arange(8)).any()
    assert not settle(_choice(larger, lead), np.arange(8)).any()


def test_as_much_of_each_slice_is_taken_as_before(speck):
    choice = _choice(speck, 1.0)
    before = np.take_along_axis(choice.weights, choice.labels.argsort(0), 0)
    settle(choice, np.arange(8))
    assert choice.labels[:, 21, 31].tolist() == [0, 3, 2, 1]
    np.testing.assert_array_equal(np.take_along_axis(choice.weights, choice.labels.argsort(0), 0), before)


def test_of_few_slices_the_chosen_one_is_taken_instead():
    index = np.zeros(SHAPE, np.int16)
    index[20:23, 30:33] = 1
    choice = _choice(index, 1.0, slices=2)
    settle(choice, np.arange(2))
    assert choice.labels[:, 21, 31].tolist() == [0, 1]
    assert choice.weights[0, 21, 31] == np.float32(0.7)


def test_a_pixel_stays_where_the_slice_around_is_none_of_its_candidates():
    index = np.full(SHAPE, 7, np.int16)
    index[10:12, 10:12] = 2
    choice = _choice(index % 4, 1.0)
    choice.labels[0] = index
    assert not settle(choice, np.arange(8)).any()


def test_a_pixel_stays_where_the_slice_around_is_missing(speck):
    choice = _choice(speck, 1.0)
    choice.weights[2:, 21] = 0
    changed = settle(choice, np.arange(8))
    assert not changed[21].any()
    assert changed[20, 30:33].all()


def test_bands_of_a_slope_are_no_islands():
    """One slice after the other, each a pixel or two wide: neighbours in z are one surface."""
    index = np.broadcast_to(np.arange(80) * 3 // 4, SHAPE).astype(np.int16)
    choice = _choice(index % 4, 0.1)
    choice.labels[0] = index
    assert not settle(choice, np.arange(60)).any()


def test_specks_side_by_side_all_go(rng):
    index = np.where(rng.random(SHAPE) < 0.1, rng.integers(2, 4, SHAPE), 0).astype(np.int16)
    choice = _choice(index, 0.5)
    settle(choice, np.arange(8))
    assert (choice.labels[0] != 0).mean() < 0.002


def test_halves_of_an_image_are_no_islands():
    index = np.zeros(SHAPE, np.int16)
    index[:, 40:] = 3
    assert not settle(_choice(index, 0.0), np.arange(8)).any()
