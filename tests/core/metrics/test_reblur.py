"""The score that follows the truth: what raises it and what does not."""

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.metrics.reblur import reblur


def test_its_formula_where_nothing_is_blurred(rng):
    """A difference that no blur explains counts as it is, and noise as its variance."""
    image = np.full((48, 60), 0.4)
    assert reblur([image, image + 0.1], image) == pytest.approx(-10 * np.log10(0.005))
    noise = 0.05 * rng.standard_normal((200, 200))
    assert reblur([0.5 + noise, 0.5 + noise], 0.5 + noise) == pytest.approx(-10 * np.log10(0.05**2), abs=0.2)


def test_a_sharp_image_explains_a_blurred_source_but_not_the_other_way(rng):
    sharp = rng.random((64, 64))
    blurred = ndimage.gaussian_filter(sharp, 2, mode="nearest")
    quiet = ndimage.gaussian_filter(sharp, 1, mode="nearest")
    soft = ndimage.gaussian_filter(quiet, 2, mode="nearest")
    assert reblur([quiet, soft], quiet) > reblur([quiet, soft], soft) + 10
    assert reblur([blurred], blurred) > 30


def test_it_ranks_as_the_truth_does(triples):
    a, b, sharp = triples["perfect0"]
    wrong, mean = triples["shifted0"][2], triples["average0"][2]
    swapped = np.where(np.abs(sharp - a) < 1e-12, b, a)
    fused = (sharp, wrong, mean, swapped)
    by_truth = [-float(((image - sharp) ** 2).mean()) for image in fused]
    by_score = [reblur([a, b], image) for image in fused]
    assert np.argsort(by_truth).tolist() == np.argsort(by_score).tolist()


def test_averaging_of_equal_slices_is_better_than_choosing_one(rng):
    truth = ndimage.gaussian_filter(rng.random((96, 96)), 2)
    slices = [truth + 0.05 * rng.standard_normal(truth.shape) for _ in range(4)]
    assert reblur(slices, np.mean(slices, axis=0)) > reblur(slices, slices[0])


def test_nothing_wrong_is_infinite():
    flat = np.full((8, 9), 0.25)
    assert reblur([flat, flat], flat) == np.inf
    assert np.isfinite(reblur([flat, 2 * flat], flat))
