"""Islands in the map of slices need evidence."""

import numpy as np
import pytest
import torch

from napari_focusfuse.core.decide.coherence import AROUND, Choice, agreed, settle

SHAPE = (60, 80)


def _choice(index, lead, slices=3):
    """A choice with these first labels; the other labels are the other slices."""
    others = np.stack([(index + k) % slices for k in range(slices)]).astype(np.int16)
    weights = np.broadcast_to(np.float32([0.7, 0.2, 0.1])[:slices, None, None], others.shape).copy()
    share = np.full(index.shape, 0.9, np.float32)
    return Choice(others, weights, share, np.broadcast_to(np.float32(lead), index.shape).copy(), others < 0)


@pytest.fixture
def speck():
    index = np.zeros(SHAPE, np.int16)
    index[20:23, 30:33] = 2
    return index


def test_a_speck_without_evidence_goes_to_its_surroundings(speck):
    choice = _choice(speck, 1.0)
    changed = settle(choice, np.arange(3))
    np.testing.assert_array_equal(changed, speck == 2)
    assert (choice.labels[0] == 0).all()
    assert choice.share[changed].max() <= 0.5


def test_a_bead_that_is_surely_sharp_stays(speck):
    choice = _choice(speck, 25.0)
    assert not settle(choice, np.arange(3)).any()
    np.testing.assert_array_equal(choice.labels[0], speck)


def test_the_larger_a_region_the_less_evidence_each_pixel_needs(speck):
    larger = np.zeros(SHAPE, np.int16)
    larger[20:30, 30:40] = 2
    lead = 1.2
    assert settle(_choice(speck, lead), np.arange(3)).any()
    assert not settle(_choice(larger, lead), np.arange(3)).any()


def test_the_chosen_one_is_taken_instead():
    index = np.zeros(SHAPE, np.int16)
    index[20:23, 30:33] = 1
    choice = _choice(index, 1.0, slices=2)
    settle(choice, np.arange(2))
    assert choice.labels[:, 21, 31].tolist() == [0, 1]
    assert choice.weights[0, 21, 31] == np.float32(0.7)


def test_a_pixel_stays_where_the_slice_around_is_none_of_its_candidates(speck):
    choice = _choice(speck, 1.0)
    choice.labels[:, 21, 31] = 2
    changed = settle(choice, np.arange(3))
    assert not changed[21, 31]
    assert changed.sum() == 8


def test_a_pixel_stays_where_the_slice_around_is_missing(speck):
    choice = _choice(speck, 1.0)
    choice.weights[1:, 21] = 0
    changed = settle(choice, np.arange(3))
    assert not changed[21].any()
    assert changed[20, 30:33].all()


def test_specks_side_by_side_all_go(rng):
    index = np.where(rng.random(SHAPE) < 0.1, rng.integers(1, 3, SHAPE), 0).astype(np.int16)
    choice = _choice(index, 0.5)
    settle(choice, np.arange(3))
    assert (choice.labels[0] != 0).mean() < 0.002


def test_halves_of_an_image_are_no_islands():
    index = np.zeros(SHAPE, np.int16)
    index[:, 40:] = 2
    assert not settle(_choice(index, 0.0), np.arange(3)).any()


SLICES = 12


def _odds(index, sure, other):
    """Odds of two candidates: the slice of a map, so surely, and another one."""
    ranks = torch.stack([index, torch.full(SHAPE, other)])
    return torch.tensor([sure, 1 - sure])[:, None, None].expand(2, *SHAPE).clone(), ranks


def _chosen(odds, ranks):
    return ranks.gather(0, agreed(odds, ranks, SLICES).argmax(0, keepdim=True))[0]


def test_in_a_stack_a_speck_goes_and_a_sure_hair_and_bead_stay():
    index = torch.full(SHAPE, 2)
    index[20, 30] = index[21, 31] = index[40] = index[50:53, 10:13] = 9
    odds, ranks = _odds(index, 0.9, 9)
    ranks[1] = torch.where(index == 9, 2, 9)
    odds[:, 40:] = torch.tensor([0.99, 0.01])[:, None, None]
    chosen = _chosen(odds, ranks)
    assert (chosen[18:24, 28:34] == 2).all()
    assert (chosen[40] == 9).all()
    assert (chosen[50:53, 10:13] == 9).all()


def test_neighbours_one_slice_apart_agree():
    """A slope is no border: where it lies between two slices, either stays as it is."""
    index = torch.arange(SHAPE[1]).expand(SHAPE) // 8
    rough = index + (torch.arange(SHAPE[0])[:, None] + torch.arange(SHAPE[1])) % 2
    odds, ranks = _odds(rough, 0.7, 11)
    assert torch.equal(_chosen(odds, ranks), rough)


def test_pixels_further_away_have_no_say():
    generator = torch.Generator().manual_seed(1)
    odds, ranks = torch.rand((4, *SHAPE), generator=generator), torch.randint(SLICES, (4, *SHAPE), generator=generator)
    part = (slice(None), slice(20, 40), slice(20, 50))
    wider = (slice(None), slice(20 - AROUND, 40 + AROUND), slice(20 - AROUND, 50 + AROUND))
    of_part = agreed(odds[wider], ranks[wider], SLICES)[:, AROUND:-AROUND, AROUND:-AROUND]
    assert torch.equal(of_part, agreed(odds, ranks, SLICES)[part])
    narrower = agreed(odds[part], ranks[part], SLICES)
    assert not torch.equal(narrower, of_part)


def test_agreement_is_the_same_for_a_stack_in_reverse():
    generator = torch.Generator().manual_seed(2)
    odds, ranks = torch.rand((4, *SHAPE), generator=generator), torch.randint(SLICES, (4, *SHAPE), generator=generator)
    assert torch.equal(agreed(odds, ranks, SLICES), agreed(odds, SLICES - 1 - ranks, SLICES))
