"""Small cases, worked out in another way."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import BlockSFConfig, WaveletConfig
from napari_focusfuse.core.methods import METHODS, iter_fuse
from napari_focusfuse.core.methods.filters import saliency, structure_saliency
from napari_focusfuse.core.methods.images import expanded, reduced
from napari_focusfuse.core.methods.transforms import Regional
from napari_focusfuse.core.methods.windows import block_spatial_frequency, majority, spatial_frequency
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import typed
from napari_focusfuse.errors import FocusFuseError


def fuse(name, data, config=None):
    return drain(iter_fuse(METHODS[name], Stack(data), config, {}))


def test_projections_are_those_of_numpy(rng):
    data = rng.integers(0, 60000, (5, 20, 24)).astype(np.uint16)
    np.testing.assert_array_equal(fuse("max", data).image, data.max(axis=0))
    np.testing.assert_array_equal(fuse("mean", data).image, np.rint(data.mean(axis=0)))
    floats = rng.standard_normal((5, 20, 24))
    np.testing.assert_allclose(fuse("mean", floats).image, floats.mean(axis=0), atol=1e-12)
    np.testing.assert_array_equal(fuse("max", floats).image, floats.max(axis=0))


def test_mean_of_large_integers_keeps_its_range():
    data = np.full((3, 8, 8), np.iinfo(np.uint64).max, np.uint64)
    assert (fuse("mean", data).image == data[0]).all()


def test_typed_rounds_and_clips():
    values = np.array([-3.0, 0.4, 0.6, 254.7, 1e30])
    np.testing.assert_array_equal(typed(values, np.dtype(np.uint8)), [0, 0, 1, 255, 255])
    np.testing.assert_array_equal(typed(values, np.dtype(bool)), [False, False, True, True, True])
    assert typed(values, np.dtype(np.int64))[-1] == np.iinfo(np.int64).max


def test_pixel_sf_against_a_loop(rng):
    grey, radius = rng.random((9, 11)).astype(np.float32), 2
    padded = np.pad(grey, ((1, 0), (1, 0)), mode="edge").astype(float)
    energy = (padded[1:, 1:] - padded[1:, :-1]) ** 2 + (padded[1:, 1:] - padded[:-1, 1:]) ** 2
    energy = np.pad(energy, radius, mode="edge")
    wanted = [[np.sqrt(energy[y : y + 5, x : x + 5].mean()) for x in range(11)] for y in range(9)]
    np.testing.assert_allclose(spatial_frequency(grey, radius), wanted, rtol=1e-5)


def test_block_sf_against_a_loop(rng):
    grey, side = rng.random((13, 18)).astype(np.float32), 5
    wanted = np.zeros((3, 4))
    for i in range(3):
        for j in range(4):
            block = grey[side * i : side * (i + 1), side * j : side * (j + 1)].astype(float)
            rows = (np.diff(block, axis=1) ** 2).sum() / block.size
            columns = (np.diff(block, axis=0) ** 2).sum() / block.size
            wanted[i, j] = np.sqrt(rows + columns)
    np.testing.assert_allclose(block_spatial_frequency(grey, side), wanted, rtol=1e-5)


def test_blocks_come_from_the_sharper_slice(rng):
    sharp = rng.integers(0, 255, (64, 64)).astype(np.float32)
    blurred = ndimage.gaussian_filter(sharp, 3)
    left = np.arange(64) < 32
    stack = np.stack([np.where(left, sharp, blurred), np.where(left, blurred, sharp)])
    result = fuse("block-sf", stack, BlockSFConfig(block=16))
    np.testing.assert_array_equal(result.image, sharp)
    np.testing.assert_array_equal(result.decision.index, np.where(left, 0, 1) + np.zeros((64, 1)))


def test_blocks_alike_are_averaged(rng):
    image = rng.integers(50, 200, (64, 64)).astype(np.float64)
    stack = np.stack([image, image[::-1]])
    result = fuse("block-sf", stack, BlockSFConfig(block=64, threshold=5))
    np.testing.assert_allclose(result.image, stack.mean(axis=0))
    np.testing.assert_allclose(result.decision.weights, 0.5)


def test_the_majority_of_blocks():
    index = np.zeros((5, 5), np.int16)
    index[2, 2], index[0, 0] = 3, -1
    np.testing.assert_array_equal(majority(index), 0)
    halves = np.repeat([[0, 0, 0, 1, 1, 1]], 4, axis=0).astype(np.int16)
    np.testing.assert_array_equal(majority(halves), halves)


def test_structure_saliency_of_an_edge_and_of_a_corner():
    """Of a ramp along x one eigenvalue is 0: Q = sqrt(1 + alpha) times the slope."""
    y, x = np.mgrid[:41, :41].astype(np.float32)
    assert structure_saliency(0.01 * x, 2, 0.5)[20, 20] == pytest.approx(0.01 * np.sqrt(1.5), rel=1e-4)
    product = structure_saliency(np.abs(x - 20) * 0.01 + np.abs(y - 20) * 0.01, 6, 0.5)[20, 20]
    assert product > 1.9 * 0.01 * 0.9


def test_saliency_of_guided_filtering():
    grey = np.zeros((31, 31), np.float32)
    grey[15, 15] = 1
    window = np.exp(-(np.arange(-5, 6) ** 2) / 50)
    window = np.outer(window, window) / window.sum() ** 2
    kernel = np.abs(np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))
    wanted = ndimage.convolve(np.pad(window, 10), kernel, mode="constant")
    np.testing.assert_allclose(saliency(grey), wanted, atol=1e-6)


def test_reduce_and_expand_keep_a_constant_and_a_ramp():
    flat = np.full((2, 13, 18), 7.0)
    np.testing.assert_allclose(reduced(flat), 7)
    np.testing.assert_allclose(expanded(reduced(flat), flat.shape), 7)
    ramp = np.broadcast_to(np.arange(32.0), (1, 20, 32))
    np.testing.assert_allclose(reduced(ramp)[0, 5, 2:-2], np.arange(4, 28, 2))
    np.testing.assert_allclose(expanded(reduced(ramp), ramp.shape)[0, 5, 6:-6], np.arange(6, 26))


@pytest.mark.parametrize("name", ["lp", "rp", "dwt", "gf", "dtcwt", "cvt", "nsct"])
@pytest.mark.parametrize("shape", [(32, 32), (37, 51)])
def test_one_image_repeated_is_given_back(name, shape, rng):
    image = rng.random(shape)
    np.testing.assert_allclose(fuse(name, np.stack([image] * 4)).image, image, atol=1e-9)


@pytest.mark.parametrize("name", ["lp", "dwt", "dtcwt", "cvt", "nsct"])
def test_detail_of_either_side_survives(name, rng):
    """Where one image is flat the other one's detail is taken, and the mean of the two is all that is mixed."""
    detail = np.zeros((64, 64))
    detail[28:36, 28:36] = rng.random((8, 8)) - 0.5
    detail -= ndimage.uniform_filter(detail, 8)
    fused = fuse(name, np.stack([100 + detail, np.full((64, 64), 100.0)])).image
    assert np.abs(fused - 100 - detail).max() < 0.15 * np.abs(detail).max()


def test_wavelets_are_chosen_by_areas_and_not_one_by_one():
    """Li et al. 1995: of two slices the one wins that has the largest coefficient in the window, and its neighbours."""
    regional = Regional()
    first, second = np.full((9, 9), 1.0), np.full((9, 9), -2.0)
    first[4, 4] = 3
    regional.show(5, [first])
    regional.show(7, [second])
    assert (regional.labels[0][3:6, 3:6] == 5).all()
    assert (regional.labels[0] == 5).sum() == 9
    regional.labels[0][0, 4] = 5
    regional.verify()
    assert regional.labels[0][0, 4] == 7
    assert (regional.labels[0][3:6, 3:6] == 5).sum() == 5


def test_of_three_slices_without_a_majority_each_keeps_its_coefficient():
    regional = Regional()
    for k in range(3):
        band = np.zeros((6, 6))
        band[2 * k : 2 * k + 2] = 1 + k
        regional.show(k, [band])
    before = regional.labels[0].copy()
    regional.verify()
    np.testing.assert_array_equal(regional.labels[0], before)


def test_an_unknown_wavelet_is_refused(scene):
    with pytest.raises(FocusFuseError, match="no discrete wavelet 'wave': choose one"):
        fuse("dwt", scene.stack, WaveletConfig(wavelet="wave"))
