"""Gain between slices: removed where they show one scene, left alone where they do not."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.gain import Leveller, block_means


@pytest.fixture
def grey(rng) -> np.ndarray:
    image = ndimage.gaussian_filter(rng.random((160, 200)), 12)
    return ((image - image.min()) / np.ptp(image)).astype(np.float32)


def test_block_means(rng):
    image = rng.random((33, 50)).astype(np.float32)
    np.testing.assert_allclose(block_means(image)[1, 2], image[8:16, 16:24].mean(), rtol=1e-6)
    assert block_means(np.ones((1, 3), np.float32)).shape == (1, 3)


def test_gain_is_removed_whatever_the_dark_level(grey):
    leveller = Leveller()
    first = leveller.level(grey + 0.2)
    for gain, dark in ((1.3, 0.1), (0.9, 0.2), (1.1, 0.0), (0.7, 0.3)):
        levelled = leveller.level(gain * grey + np.float32(dark))
        np.testing.assert_allclose(levelled.std(), first.std(), rtol=1e-4)


def test_defocus_is_no_gain(grey):
    leveller = Leveller()
    for sigma in (0, 0.7, 1.4, 2.1, 2.8):
        blurred = ndimage.gaussian_filter(grey, sigma, mode="reflect")
        assert leveller.level(blurred) is blurred


def test_optical_sections_are_left_alone(grey):
    leveller = Leveller()
    leveller.level(grey)
    other = 0.3 * grey[::-1]
    assert leveller.level(other) is other


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_flat_slices_are_left_alone(grey, value):
    leveller = Leveller()
    leveller.level(grey)
    flat = np.full_like(grey, value)
    assert leveller.level(flat) is flat


def test_missing_pixels_do_not_spoil_the_gain(grey):
    leveller = Leveller()
    leveller.level(grey)
    holed = 1.2 * grey
    holed[10:12, 10:12] = np.nan
    np.testing.assert_allclose(np.nanstd(leveller.level(holed)), grey.std(), rtol=0.01)
