"""Noise, place by place."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.decide.survey import BLOCK, block_noise, noise_level, noise_map, quantisation


def _blocks(slices, missing=None):
    return [block_noise(grey, missing) for grey in slices]


def _everywhere(found, shape):
    return found.part((slice(0, shape[0]), slice(0, shape[1]))).numpy()


def test_noise_that_differs_from_place_to_place_is_found_there(rng):
    strength = np.where(np.arange(320) < 160, 0.005, 0.03).astype(np.float32)
    slices = 0.5 + strength * rng.standard_normal((6, 192, 320)).astype(np.float32)
    found = _everywhere(noise_map(_blocks(slices), 0), (192, 320))
    np.testing.assert_allclose(found[:, :96].mean(), 0.005, rtol=0.15)
    np.testing.assert_allclose(found[:, -96:].mean(), 0.03, rtol=0.15)


def test_texture_that_defocus_takes_away_is_no_noise(rng):
    """Sharp in one slice, blurred in the others: what stays in the calm ones is the noise."""
    texture = rng.random((192, 192)).astype(np.float32)
    blurred = [ndimage.gaussian_filter(texture, 3 * abs(k - 2)) if k != 2 else texture for k in range(6)]
    slices = np.stack(blurred) + 0.01 * rng.standard_normal((6, 192, 192)).astype(np.float32)
    assert noise_map(_blocks(slices), 0).typical == pytest.approx(0.01, rel=0.15)
    assert noise_level([slices[2]]) > 0.1


def test_noise_is_never_less_than_rounding_leaves():
    flat = [np.full((64, 64), 0.5, np.float32)] * 3
    assert noise_map(_blocks(flat), 0.0011).typical == pytest.approx(0.0011)
    counts = np.array([3, 4, 8, 9], np.uint8)
    assert quantisation(counts) == pytest.approx(1 / np.sqrt(12))
    assert quantisation(counts * 16) == pytest.approx(16 / np.sqrt(12))
    assert quantisation(counts.astype(np.float32)) == 0


def test_blocks_with_missing_pixels_say_nothing_of_the_noise(rng):
    slices = [0.5 + 0.02 * rng.standard_normal((96, 96)).astype(np.float32) for _ in range(3)]
    missing = np.zeros((96, 96), bool)
    missing[:40] = True
    slices[1][missing] = 0
    blocks = [block_noise(slices[0]), block_noise(slices[1], missing), block_noise(slices[2])]
    assert np.isnan(blocks[1][:2]).all()
    assert np.isfinite(blocks[1][2]).all()
    np.testing.assert_allclose(noise_map(blocks, 0).blocks, 0.02, rtol=0.25)
    everywhere = [block_noise(slices[1], np.ones_like(missing))]
    np.testing.assert_array_equal(noise_map(everywhere, 0.001).blocks, np.float32(0.001))


@pytest.mark.parametrize("shape", [(1, 1), (7, 90), (33, 65), (100, 31)])
def test_images_of_any_size_have_a_map(rng, shape):
    found = noise_map(_blocks([rng.random(shape).astype(np.float32)]), 0)
    assert _everywhere(found, shape).shape == shape


def test_a_part_is_the_same_as_in_the_whole(rng):
    found = noise_map(_blocks(0.02 * rng.standard_normal((3, 200, 170)).astype(np.float32)), 0)
    whole = _everywhere(found, (200, 170))
    part = found.part((slice(40, 120), slice(60, 131))).numpy()
    np.testing.assert_allclose(part, whole[40:120, 60:131], rtol=1e-5)
    halved = found.part((slice(40, 120), slice(60, 131)), 2).numpy()
    np.testing.assert_allclose(halved, whole[40:120:2, 60:131:2], rtol=1e-5)
    assert BLOCK == 32
