"""Weights across slices: even where slices differ by noise alone, sharp where they differ."""

import numpy as np
import pytest
import torch

from napari_focusfuse.core.decide.averaging import REACH, averaged

SCORES = torch.tensor([0.0, -1.0, -1.5, -torch.inf])[:, None, None].expand(4, 30, 40)


@pytest.fixture
def greys(rng):
    """Four slices that are one picture on the left, and different pictures on the right."""
    flat = torch.full((4, 30, 40), 0.5)
    flat[:, :, 20:] += torch.tensor([0.3, -0.3, 0.2, 0.0])[:, None, None]
    return flat + 0.02 * torch.from_numpy(rng.standard_normal((4, 30, 40))).float()


def test_flat_parts_are_averaged_and_others_are_not(greys):
    weights = averaged(SCORES, greys, 0.02, 3.0)
    flat, different = weights[0, :, : 20 - REACH].mean(), weights[0, :, 20 + REACH :].mean()
    assert flat < 0.65
    assert different > 0.95
    np.testing.assert_allclose(weights.sum(dim=0), 1, atol=1e-5)
    assert weights.min() >= 0
    assert weights[3].max() == 0


def test_without_noise_weights_are_sharp(greys):
    np.testing.assert_allclose(averaged(SCORES, greys, 0.0, 3.0), torch.softmax(6 * SCORES, 0), atol=1e-4)


def test_nothing_beyond_its_reach_matters(greys):
    whole = averaged(SCORES, greys, 0.02, 3.0)
    part = averaged(SCORES[:, :, :25], greys[:, :, :25], 0.02, 3.0)
    np.testing.assert_allclose(part[..., : 25 - REACH], whole[..., : 25 - REACH], atol=1e-5)


def test_equal_slices_share_evenly():
    weights = averaged(torch.zeros(4, 8, 9), torch.full((4, 8, 9), 0.3), 0.0, 3.0)
    np.testing.assert_array_equal(weights, np.full((4, 8, 9), 0.25))
