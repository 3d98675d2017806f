"""Dense SIFT: its activity moves and turns with the image, and matching allows for shifts."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import DSIFTConfig
from napari_focusfuse.core.methods.dsift import activity, descriptors, iter_dsift, orientations
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack


@pytest.fixture
def sharp(rng):
    return ndimage.gaussian_filter(rng.random((96, 112)), 0.7).astype(np.float32)


def test_the_activity_turns_and_moves_with_the_image(sharp):
    plain = activity(sharp, 6)
    np.testing.assert_allclose(activity(np.rot90(sharp), 6), np.rot90(plain), rtol=1e-4)
    moved = activity(sharp[5:, 7:], 6)
    np.testing.assert_allclose(moved[30:-30, 30:-30], plain[35:-30, 37:-30], rtol=1e-4)


def test_the_activity_is_the_sum_of_the_descriptor_and_falls_with_blur(sharp):
    """Descriptors of a weak slope are not normalised: their sum is the activity."""
    weak = sharp / 1e3
    where = np.array([40, 50]), np.array([60, 33])
    found = descriptors(orientations(weak, 6), where, 6)
    assert found.shape == (2, 128)
    np.testing.assert_allclose(found.sum(axis=1), activity(weak, 6)[where], rtol=1e-4)
    assert (activity(ndimage.gaussian_filter(sharp, 2), 6) < activity(sharp, 6)).all()


def test_a_descriptor_does_not_depend_on_contrast(sharp):
    where = np.array([48]), np.array([50])
    plain, weaker = (descriptors(orientations(image, 6), where, 6) for image in (sharp, sharp / 2 + 0.1))
    np.testing.assert_allclose(plain, weaker, atol=1e-4)
    assert np.linalg.norm(plain) == pytest.approx(1)


def half(image: np.ndarray, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A pair that is sharp on the left and on the right; the second one is shifted."""
    blurred = ndimage.gaussian_filter(image, 2.5)
    left = np.arange(image.shape[1]) < image.shape[1] // 2
    first, second = np.where(left, image, blurred), np.where(left, blurred, image)
    return np.stack([first, np.roll(second, shift, axis=0)]), left


@pytest.mark.parametrize("shift", [0, 2])
def test_the_border_between_two_regions_is_found(sharp, shift):
    stack, left = half(sharp, shift)
    decision = drain(iter_dsift(Stack(stack), DSIFTConfig()))
    wrong = decision.index != np.where(left, 0, 1)
    assert wrong.mean() < 0.03
    assert not wrong[:, np.abs(np.arange(wrong.shape[1]) - wrong.shape[1] // 2) > 12].any()


def test_what_blocks_and_matching_leave_open_is_averaged(rng):
    """Equal slices: neither is sharper than its match."""
    image = rng.random((40, 40)).astype(np.float32)
    image_pair = np.stack([image, image])
    image_pair[0, :20] += 1e-4 * rng.random((20, 40))
    decision = drain(iter_dsift(Stack(image_pair), DSIFTConfig(min_region=0.0)))
    open_ = decision.weights[1] > 0
    assert open_.any()
    np.testing.assert_array_equal(decision.weights[:, open_], 0.5)
    assert set(np.unique(decision.weights)) <= {0.0, 0.5, 1.0}
