"""Classical focus measures in the engine: against scipy and the methods of their names, and tile by tile."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.pipeline import iter_decide
from napari_focusfuse.core.encode import halo, scale_sf
from napari_focusfuse.core.encode.measures import LoGEnergy, PixelSF
from napari_focusfuse.core.methods.windows import spatial_frequency
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack

CPU = torch.device("cpu")


def decided(stack, measure, **config):
    return drain(iter_decide(Stack(stack), measure, FusionConfig(**config), CPU, {}))


@pytest.mark.parametrize("radius", [0, 3])
def test_differences_of_grey_values_are_the_classical_spatial_frequency(rng, radius):
    grey = rng.random((31, 40), dtype=np.float32)
    squared = scale_sf(PixelSF(), torch.from_numpy(grey)[None, None], 0, [radius])[0, 0].numpy()
    np.testing.assert_allclose(np.sqrt(squared), spatial_frequency(grey, radius), rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.7, 1.5, 4.0])
def test_the_laplacian_of_gaussian_is_that_of_scipy(rng, sigma):
    grey = rng.random((45, 52), dtype=np.float32)
    ours = LoGEnergy(sigma).energy(torch.from_numpy(grey)[None, None])[0, 0].numpy()
    response = sigma**2 * ndimage.gaussian_laplace(grey.astype(np.float64), sigma, mode="nearest", truncate=4)
    np.testing.assert_allclose(ours, response**2, rtol=1e-4, atol=1e-6 * ours.max())


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("measure", [PixelSF(), LoGEnergy(4.0)], ids=["sf", "log"])
def test_nothing_beyond_the_halo_counts(rng, measure, level):
    reach = halo(measure, level, 1)
    size = 4 * (reach // 4 + 2)
    image = rng.random((1, 1, 2 * size + 1, 2 * size + 1), dtype=np.float32)
    changed = rng.random(image.shape, dtype=np.float32)
    changed[..., size - reach : size + reach + 1, size - reach : size + reach + 1] = image[
        ..., size - reach : size + reach + 1, size - reach : size + reach + 1
    ]
    here, there = (scale_sf(measure, torch.from_numpy(i), level, [1])[0, 0, size, size] for i in (image, changed))
    torch.testing.assert_close(here, there, rtol=1e-5, atol=0)


def test_tiles_are_the_whole(noisy_scene):
    """With the halo of the encoder a sigma of 4 px would differ along the seams."""
    measure = LoGEnergy(4.0)
    whole, tiled = (decided(noisy_scene.stack, measure, tile=tile) for tile in (512, 64))
    assert len(whole.info["level_weights"]) == 3
    assert (whole.index == tiled.index).mean() > 0.999
    np.testing.assert_allclose(tiled.weights, whole.weights, atol=1e-3)
