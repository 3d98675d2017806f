"""Eq. 5-7 against loops, the pyramid against scipy, and the halo against what a pixel really sees."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.core.encode import halo, reduced, scale_sf, squared_sf


def looped_sf(features: np.ndarray, radius: int) -> np.ndarray:
    """Eq. 5-7 as printed, with replicated borders; features (C, H, W)."""
    _, height, width = features.shape
    out = np.zeros((height, width))

    def at(y: int, x: int) -> np.ndarray:
        return features[:, min(max(y, 0), height - 1), min(max(x, 0), width - 1)]

    def row_term(y: int, x: int) -> float:
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        return float(((at(y, x) - at(y, x - 1)) ** 2).sum())

    def column_term(y: int, x: int) -> float:
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        return float(((at(y, x) - at(y - 1, x)) ** 2).sum())

    window = range(-radius, radius + 1)
    for y in range(height):
        for x in range(width):
            rf = np.sqrt(sum(row_term(y + a, x + b) for a in window for b in window))
            cf = np.sqrt(sum(column_term(y + a, x + b) for a in window for b in window))
            out[y, x] = np.sqrt((cf**2 + rf**2) / (2 * radius + 1) ** 2)
    return out


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_spatial_frequency_is_eq_5_to_7(rng, radius):
    features = rng.random((5, 9, 11))
    ours = squared_sf(torch.from_numpy(features)[None], radius)[0, 0].sqrt().numpy()
    np.testing.assert_allclose(ours, looped_sf(features, radius), rtol=1e-10)


def test_a_frame_is_no_edge():
    bright = torch.full((1, 3, 12, 12), 100.0)
    assert squared_sf(bright, 2).max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (8, 8), (9, 13)])
def test_half_size_is_the_filtered_image_at_every_second_pixel(rng, shape):
    image = rng.random(shape)
    line = np.array([1, 4, 6, 4, 1]) / 16
    blurred = ndimage.convolve1d(ndimage.convolve1d(image, line, axis=0, mode="nearest"), line, axis=1, mode="nearest")
    ours = reduced(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(ours, blurred[::2, ::2], rtol=1e-12)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_coarse_maps_come_back_at_full_size(networks, level):
    image = torch.rand(1, 1, 37, 42)
    with torch.inference_mode():
        assert scale_sf(networks["none"].encoder, image, level, [2]).shape == image.shape


@pytest.mark.parametrize("level", [0, 1, 2])
def test_nothing_beyond_the_halo_counts(networks, level):
    encoder, radius = networks["none"].encoder, 2
    reach = halo(encoder, level, radius)
    size = 4 * (reach // 4 + 2)
    image = torch.rand(1, 1, 2 * size + 1, 2 * size + 1)
    changed = image.clone()
    keep = slice(size - reach, size + reach + 1)
    outside = torch.ones_like(image, dtype=torch.bool)
    outside[..., keep, keep] = False
    changed[outside] = 1 - changed[outside]
    near = image.clone()
    near[..., size - reach + 4 : size + reach - 3, size - reach + 4 : size + reach - 3] += 0.5
    with torch.inference_mode():
        here, there, other = (scale_sf(encoder, i, level, [radius])[0, 0, size, size] for i in (image, changed, near))
    torch.testing.assert_close(here, there, rtol=1e-5, atol=0)
    assert abs(other - here) > 1e-3 * here
