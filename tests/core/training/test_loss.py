"""Eq. 1-4 against numpy and scipy."""

import numpy as np
import torch
from scipy import ndimage

from napari_focusfuse.core.training.reconstruction import fusion_loss, ssim


def test_ssim_is_eq_4(rng):
    """Local moments by scipy's Gaussian filter of radius 2, the two-factor form of Wang et al. 2004."""
    target = ndimage.gaussian_filter(rng.random((40, 50)), 1)
    output = np.clip(target + 0.05 * rng.standard_normal(target.shape), 0, 1)

    def mean(image):
        return ndimage.gaussian_filter(image, 1.5, radius=2)[2:-2, 2:-2]

    mu_o, mu_t = mean(output), mean(target)
    var_o, var_t = mean(output**2) - mu_o**2, mean(target**2) - mu_t**2
    cov = mean(output * target) - mu_o * mu_t
    c1, c2 = 1e-4, 9e-4
    expected = (2 * mu_o * mu_t + c1) * (2 * cov + c2) / ((mu_o**2 + mu_t**2 + c1) * (var_o + var_t + c2))
    ours = ssim(torch.from_numpy(output)[None, None], torch.from_numpy(target)[None, None]).item()
    np.testing.assert_allclose(ours, expected.mean(), rtol=1e-9)


def test_loss_is_eq_1_to_3(rng):
    output, target = (torch.from_numpy(rng.random((3, 1, 20, 20))) for _ in range(2))
    loss = fusion_loss(output, target, ssim_weight=3.0)
    pixel = np.sqrt(((output.numpy() - target.numpy()) ** 2).sum())
    dissimilarity = 1 - ssim(output, target).item()
    np.testing.assert_allclose(loss.pixel.item(), pixel)
    np.testing.assert_allclose(loss.ssim.item(), dissimilarity)
    np.testing.assert_allclose(loss.total.item(), 3 * dissimilarity + pixel)


def test_a_perfect_reconstruction_costs_nothing(rng):
    image = torch.from_numpy(rng.random((2, 1, 16, 16)))
    assert fusion_loss(image, image, 3.0).total.item() < 1e-9
