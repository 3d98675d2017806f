"""What the benchmark of alignment plants and measures."""

import numpy as np
import pytest
from scipy import ndimage

from benchmarks import alignment, alignment_peers
from napari_focusfuse.core.align.transforms import resampled


def test_planted_transforms_are_as_large_as_said():
    none = alignment.planted(9, 64, 0, 0, 0, 1)
    assert np.array_equal(none, np.tile(np.eye(3), (9, 1, 1)))
    some = alignment.planted(9, 64, 40, 2, 0.02, 1)
    assert np.allclose(some[4], np.eye(3))
    shifts = (some @ (31.5, 31.5, 1))[:, :2] - 31.5
    assert 35 < np.hypot(*shifts.T).max() < 45


def test_a_residual_is_that_of_the_pixels_shown():
    true = np.tile(np.eye(3), (2, 1, 1))
    found = true.copy()
    found[1, 0, 2] = 3
    assert alignment.residuals(found, true, 64).tolist() == [0, 3]


def test_slices_move_as_planted():
    light = np.random.default_rng(0).random((1, 160, 160)).astype(np.float32)
    there = alignment.moved(light, np.eye(3)[None], 0.0, 0)
    shift = np.eye(3)[None].copy()
    shift[0, :2, 2] = 5, 3
    moved = alignment.moved(light, shift, 0.0, 0)
    np.testing.assert_allclose(moved[0, 3:, 5:], there[0, :-3, :-5], atol=1)


def test_a_fused_image_is_scored_in_its_own_frame():
    """Cropped, turned and brighter it is still the truth; a ghost is not."""
    truth = ndimage.gaussian_filter(np.random.default_rng(2).random((160, 160)), 1.5)
    frame = alignment.planted(5, 160, 6, 2, 0.02, 1)[0]
    turned = 0.8 * resampled(truth, np.linalg.inv(frame), (0, 160, 0, 160))[6:150, 9:155]
    close = alignment_peers.score(turned, truth, [np.eye(3), frame])
    assert close[0] > 50
    assert close[1] > 0.999
    ghost = (turned + np.roll(turned, 2, axis=1)) / 2
    assert alignment_peers.score(ghost, truth, [np.eye(3), frame])[0] < close[0] - 10
    with pytest.raises(ValueError, match="more than the truth"):
        alignment_peers.score(np.pad(truth, 3), truth, [np.eye(3)])
