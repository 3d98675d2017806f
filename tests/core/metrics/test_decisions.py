"""Depth and slices against planted errors."""

import numpy as np
import pytest

from napari_focusfuse.core.metrics import (
    calibration_error,
    depth_rmse,
    edge_band,
    islands,
    right_pixels,
    wrong_pixels,
)
from napari_focusfuse.errors import FocusFuseError


@pytest.fixture
def cliff() -> np.ndarray:
    """A step of 4 slices between columns 19 and 20, on a slope that is none."""
    return np.where(np.arange(40) < 20, 1.0, 5.0) + 0.01 * np.arange(30)[:, None]


def test_depth_error(cliff):
    assert depth_rmse(cliff, cliff) == 0
    depth = cliff + 0.5
    depth[0] = np.nan
    assert depth_rmse(depth, cliff) == pytest.approx(0.5)


def test_a_depth_that_is_known_nowhere(cliff):
    with pytest.raises(FocusFuseError, match="measured nowhere"):
        depth_rmse(np.full_like(cliff, np.nan), cliff)


def test_maps_of_two_sizes(cliff):
    with pytest.raises(FocusFuseError, match="one size"):
        wrong_pixels(cliff[1:], cliff)


def test_the_band_lies_around_the_edge(cliff):
    band = edge_band(cliff, 3)
    assert (np.flatnonzero(band.all(axis=0)) == np.arange(16, 24)).all()
    assert band.sum() == 8 * 30
    assert edge_band(cliff.T, 3).T.sum() == 8 * 30


def test_wrong_pixels_near_the_edge_and_elsewhere(cliff):
    index = np.rint(cliff).astype(np.int16)
    assert wrong_pixels(index, cliff) == (0, 0, 0)
    index[:, 20:22] = 1
    index[0, :4] = 7
    shares = wrong_pixels(index, cliff, band=3)
    assert shares.everywhere == pytest.approx(64 / 1200)
    assert shares.edge == pytest.approx(60 / 240)
    assert shares.interior == pytest.approx(4 / 960)


def test_exactly_one_slice_off_is_right_and_nan_is_wrong():
    truth = np.zeros((4, 4))
    depth = truth + 1
    depth[0] = np.nan
    assert wrong_pixels(depth, truth) == (0.25, 0, 0.25)


def test_right_pixels_are_those_that_are_not_wrong(cliff):
    index = np.rint(cliff).astype(np.int16)
    index[:, 20:22] = 1
    assert right_pixels(index, cliff).mean() == pytest.approx(1 - wrong_pixels(index, cliff).everywhere)


def test_honest_and_boasting_confidence(rng):
    confidence = rng.random(100_000)
    right = rng.random(100_000) < confidence
    assert calibration_error(confidence, right) < 0.01
    assert calibration_error(confidence**2, right) == pytest.approx(1 / 6, abs=0.01)
    assert calibration_error(np.ones((10, 10)), np.zeros((10, 10), dtype=bool)) == 1


def test_islands_are_small_regions_that_touch_by_their_sides():
    index = np.zeros((100, 100), dtype=np.int16)
    index[:, 50:] = 3
    assert islands(index) == 0
    index[10, 10] = index[11, 11] = 3
    index[40, 48:50] = 3
    assert islands(index) == pytest.approx(2 / 10_000)
    index[20:22, 20] = 5
    assert islands(index) == pytest.approx(2 / 10_000)
    assert islands(index, share=0.001) == pytest.approx(4 / 10_000)
