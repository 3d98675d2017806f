"""Image matting: alphas that are known come back, and borders of regions are found."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.config import IMFConfig
from napari_focusfuse.core.methods.imf import detail, iter_alphas, iter_imf, matting_laplacian
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack


def matte(shape=(48, 60)):
    """A soft disk."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return ndimage.gaussian_filter((np.hypot(y - 24, x - 30) < 14).astype(float), 2)


@pytest.mark.parametrize("colours", [([0.9], [0.2]), ([0.9, 0.5, 0.1], [0.2, 0.6, 0.3])], ids=["grey", "colour"])
def test_a_known_matte_comes_back(colours):
    """Between two plain colours the Laplacian has the true alpha in its kernel (Levin et al. 2008, Theorem 1)."""
    alpha = matte()
    inside, outside = (np.array(colour)[:, None, None] for colour in colours)
    guide = alpha * inside + (1 - alpha) * outside
    trimap = np.where(alpha > 0.98, 4, np.where(alpha < 0.02, 2, -1))
    assert (trimap < 0).mean() > 0.1
    second, first = drain(iter_alphas(guide, trimap, [2, 4], 1e-7))
    assert np.abs(first - alpha).max() < 0.03
    np.testing.assert_allclose(first + second, 1, atol=1e-6)


def test_the_laplacian_is_that_of_its_definition(rng):
    """Every element by the sum over windows that is printed."""
    guide, eps = rng.random((3, 5, 6)), 1e-2
    built = matting_laplacian(guide, eps, np.ones((5, 6), bool)).toarray()
    wanted = np.zeros((30, 30))
    for y in range(3):
        for x in range(4):
            where = [(y + i) * 6 + x + j for i in range(3) for j in range(3)]
            values = guide.reshape(3, -1)[:, where]
            mean = values.mean(axis=1)
            inverse = np.linalg.inv(np.cov(values, bias=True) + eps / 9 * np.eye(3))
            for a, i in enumerate(where):
                for b, j in enumerate(where):
                    near = (values[:, a] - mean) @ inverse @ (values[:, b] - mean)
                    wanted[i, j] += (i == j) - (1 + near) / 9
    np.testing.assert_allclose(built, wanted, atol=1e-10)


def test_three_alphas_sum_to_one(rng):
    guide = ndimage.gaussian_filter(rng.random((1, 40, 60)), (0, 2, 2))
    trimap = np.full((40, 60), -1)
    trimap[:, :10], trimap[:, 25:30], trimap[:, 50:] = 0, 1, 2
    alphas = drain(iter_alphas(guide, trimap, [0, 1, 2], 1e-4))
    np.testing.assert_allclose(sum(alphas), 1, atol=1e-5)
    for k, alpha in enumerate(alphas):
        np.testing.assert_array_equal(alpha[trimap == k], 1)
        np.testing.assert_array_equal(alpha[(trimap >= 0) & (trimap != k)], 0)


def test_detail_is_bright_or_dark_and_falls_with_blur(rng):
    dots = np.zeros((40, 40), np.float32)
    dots[20, 20] = 1
    np.testing.assert_allclose(detail(dots, 4), detail(1 - dots, 4), atol=1e-6)
    sharp = ndimage.gaussian_filter(rng.random((60, 60)), 0.7).astype(np.float32)
    assert (detail(ndimage.gaussian_filter(sharp, 2), 4) < detail(sharp, 4)).mean() > 0.99


def test_the_border_between_two_regions_is_found(rng):
    mask = np.hypot(*(np.mgrid[:96, :112] - np.array([48, 56])[:, None, None])) < 28
    sharp = ndimage.gaussian_filter(rng.random((96, 112)), 0.7) + mask  # the matting follows edges
    blurred = ndimage.gaussian_filter(sharp, 2.5)
    pair = np.stack([np.where(mask, sharp, blurred), np.where(mask, blurred, sharp)])
    decision = drain(iter_imf(Stack(pair), IMFConfig()))
    share = np.where(decision.labels == 0, decision.weights, 0).sum(axis=0)
    assert ((share > 0.5) != mask).mean() < 0.03
