"""Consistency verification against plain loops and scikit-image."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import measure, morphology

from napari_focusfuse.core.decide.verification import (
    GUIDED_EPS,
    GUIDED_RADIUS,
    closed,
    guided_filter,
    iter_verified,
    opened,
    without_small_regions,
)


def drained(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def both_without_small_regions(mask, area):
    return ~without_small_regions(~without_small_regions(mask, area), area)


@pytest.fixture
def blobs(rng):
    return ndimage.gaussian_filter(rng.standard_normal((60, 70)), 2.5) > 0


@pytest.mark.parametrize("radius", [0, 1, 5])
def test_opening_and_closing_are_those_of_scikit_image(blobs, radius):
    disk = morphology.disk(radius)
    reference = morphology.closing(morphology.opening(blobs, disk), disk)
    np.testing.assert_array_equal(closed(opened(blobs, radius), radius), reference)


def test_small_regions_of_both_labels_are_reversed(blobs):
    area = 60
    ours = both_without_small_regions(blobs, area)
    expected = blobs.copy()
    for label in (True, False):
        for region in measure.regionprops(measure.label(expected == label, connectivity=1)):
            if region.area < area:
                expected[tuple(region.coords.T)] = not label
    np.testing.assert_array_equal(ours, expected)
    assert (ours != blobs).any()


def test_a_region_of_exactly_the_area_stays():
    mask = np.zeros((20, 20), dtype=bool)
    mask[3:6, 3:7] = True
    assert without_small_regions(mask, 12).sum() == 12
    assert without_small_regions(mask, 12.5).sum() == 0


def test_guided_filter_is_he_2013(rng):
    """Every window's linear model in a loop, borders replicated."""
    guide = (255 * rng.random((20, 24))).astype(np.float32)
    source = (rng.random((20, 24)) > 0.5).astype(np.float32)
    r = GUIDED_RADIUS
    wide_guide, wide_source = (np.pad(a.astype(float), r, mode="edge") for a in (guide, source))
    slope, offset = np.zeros(guide.shape), np.zeros(guide.shape)
    for y in range(guide.shape[0]):
        for x in range(guide.shape[1]):
            i, p = (a[y : y + 2 * r + 1, x : x + 2 * r + 1] for a in (wide_guide, wide_source))
            slope[y, x] = ((i * p).mean() - i.mean() * p.mean()) / (i.var() + GUIDED_EPS)
            offset[y, x] = p.mean() - slope[y, x] * i.mean()
    expected = np.zeros(guide.shape)
    wide_slope, wide_offset = (np.pad(a, r, mode="edge") for a in (slope, offset))
    for y in range(guide.shape[0]):
        for x in range(guide.shape[1]):
            window = np.s_[y : y + 2 * r + 1, x : x + 2 * r + 1]
            expected[y, x] = wide_slope[window].mean() * guide[y, x] + wide_offset[window].mean()
    np.testing.assert_allclose(guided_filter(guide, source), expected, atol=1e-4)


def test_two_labels_verify_the_map_of_the_first(blobs, rng):
    """N = 2 is the paper: D of the first slice, and 1 - D."""
    guide = (255 * rng.random(blobs.shape)).astype(np.float32)
    index = np.where(blobs, 0, 1)
    verified = drained(iter_verified(index, (0, 1), guide, 2, 0.01))
    mask = both_without_small_regions(closed(opened(blobs, 2), 2), 0.01 * blobs.size)
    expected = guided_filter(guide, mask.astype(np.float32)).clip(0, 1)
    first = np.where(verified.labels == 0, verified.activity, 0).sum(axis=0)
    np.testing.assert_allclose(first, expected, atol=1e-6)
    np.testing.assert_allclose(verified.activity.sum(axis=0), 1, atol=1e-6)


def test_more_labels_lose_specks_and_keep_regions():
    index = np.repeat(np.array([0, 1, 2]), 30)[None].repeat(90, axis=0)
    specked = index.copy()
    specked[40:43, 10:13] = 2
    specked[10, 70] = 0
    verified = drained(iter_verified(specked, (0, 1, 2), np.zeros(index.shape, np.float32), 2, 0.01))
    np.testing.assert_array_equal(verified.labels[0], index)
