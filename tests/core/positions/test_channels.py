"""Signal over noise of channels, and their sum."""

import numpy as np
import pytest

from napari_focusfuse.core.positions.channels import WeightedSum, channel_level, channel_weights, dark_channel
from napari_focusfuse.core.stack import Stack


@pytest.fixture
def channels(scene, rng):
    """Bright with little noise, dim with much, and noise alone."""
    clean = scene.stack.astype(np.float32) / scene.stack.max()
    return [
        Stack((scale * clean + noise * rng.standard_normal(clean.shape)).astype(np.float32))
        for scale, noise in ((1000, 20), (100, 10), (0, 10))
    ]


def test_the_noise_is_measured_and_the_signal_stands_above_it(channels):
    levels = [channel_level(stack) for stack in channels]
    assert [level.noise for level in levels] == pytest.approx([20, 10, 10], rel=0.15)
    assert levels[0].snr > 2 * levels[1].snr > 4 * levels[2].snr
    assert channel_level(Stack(np.zeros((3, 40, 40)))).snr == 0


def test_the_weights_are_shares_in_proportion_to_the_square(channels):
    levels = [channel_level(stack) for stack in channels]
    weights = channel_weights(levels)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] / weights[1] == pytest.approx((levels[0].snr / levels[1].snr) ** 2)
    assert weights[2] < 0.01
    np.testing.assert_allclose(channel_weights(levels[2:]), [1])


def test_a_dark_channel_is_told_where_another_is_not(channels):
    levels = [channel_level(stack) for stack in channels]
    assert dark_channel(levels, [2]) == (2, 0)
    assert dark_channel(levels, [0, 1, 2]) == (2, 0)
    assert dark_channel(levels, [0, 1]) is None
    assert dark_channel(levels[2:], [0]) is None


def test_the_sum_is_what_it_says_slice_by_slice_and_in_parts(channels):
    levels = [channel_level(stack) for stack in channels]
    stack = Stack(WeightedSum(channels, levels, [0.75, 0.25, 0]), rgb=False)
    parts = [(channels[c][2] - levels[c].low) / (levels[c].high - levels[c].low) for c in range(2)]
    expected = 0.75 * parts[0] + 0.25 * parts[1]
    assert stack[2].dtype == np.float32
    np.testing.assert_allclose(stack[2], expected, atol=1e-5)
    where = np.s_[3:9, 5:6]
    np.testing.assert_allclose(stack.part(2, where), expected[where], atol=1e-5)
