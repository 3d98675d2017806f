"""Flicker between slices: found where they show one scene, and nothing found where there is none."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.decide.survey import block_means, gains


@pytest.fixture
def grey(rng) -> np.ndarray:
    image = ndimage.gaussian_filter(rng.random((160, 200)), 12)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


def test_block_means(rng):
    image = rng.random((33, 50)).astype(np.float32)
    np.testing.assert_allclose(block_means(image)[1, 2], image[8:16, 16:24].mean(), rtol=1e-6)
    assert block_means(np.ones((1, 3), np.float32)).shape == (1, 3)


def test_one_brighter_slice_is_found_whatever_the_dark_level(grey):
    true = np.ones(9)
    true[4] = 1.05
    found = gains([block_means(gain * grey + dark) for gain, dark in zip(true, np.linspace(0, 1, 9), strict=True)])
    np.testing.assert_allclose(found, 1 / true, atol=0.003)


def test_many_brighter_slices_are_found(grey):
    true = np.array([1, 1.1, 1, 0.9, 1, 1, 1.3, 1, 0.8, 1, 1.1, 1, 1])
    found = gains([block_means(gain * grey) for gain in true])
    level = true * found
    assert np.ptp(np.log(level)) < 0.35 * np.ptp(np.log(true))


@pytest.mark.parametrize("pattern", [(1, 1.05, 1.02), (1, 1.03)])
def test_small_flicker_does_not_add_up(grey, pattern):
    true = np.array(pattern * 10)
    level = true * gains([block_means(gain * grey) for gain in true])
    assert np.ptp(level) <= np.ptp(true)


def test_defocus_is_no_flicker(grey):
    slices = [ndimage.gaussian_filter(grey, abs(k - 4) * 1.4, mode="reflect") for k in range(9)]
    assert (gains([block_means(image) for image in slices]) == 1).all()


def test_one_brighter_slice_is_found_to_a_thousandth_among_defocused_ones(grey):
    slices = [ndimage.gaussian_filter(grey, abs(k - 4) * 1.4, mode="reflect") for k in range(9)]
    slices[6] = slices[6] * np.float32(1.05)
    np.testing.assert_allclose(gains([block_means(image) for image in slices])[6], 1 / 1.05, rtol=1e-3)


def test_a_lamp_that_fades_does_not_flicker_at_the_ends(grey):
    slices = [ndimage.gaussian_filter(grey, abs(k - 4), mode="reflect") * (1 - 0.02 * k) for k in range(9)]
    assert (gains([block_means(image) for image in slices]) == 1).all()


@pytest.mark.parametrize("number", [2, 4])
def test_few_slices_tell_nothing(grey, number):
    assert (gains([block_means((k + 1) * grey) for k in range(number)]) == 1).all()


def test_optical_sections_are_left_alone(grey):
    assert (gains([block_means(image) for image in (grey, grey[::-1], grey, grey[:, ::-1], grey, grey)]) == 1).all()


def test_flat_slices_are_left_alone(grey):
    assert (gains([block_means(image) for image in (grey, grey, 0 * grey, grey, grey, grey)]) == 1).all()
