"""Tiles, intensities, noise and progress."""

import numpy as np
import pytest

from napari_focusfuse.core.decide.survey import noise_level
from napari_focusfuse.core.progress import Progress, drain, repeated, staged
from napari_focusfuse.core.stack.intensity import (
    filled,
    full_range,
    luminance,
    robust_range,
    scaled,
    training_grey,
    without_specks,
)
from napari_focusfuse.core.stack.tiles import bands, tiles


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (100, 130), (257, 65)])
def test_tiles_cover_every_pixel_once_and_start_aligned(shape):
    seen = np.zeros(shape, dtype=int)
    for tile in tiles(shape, 64, 10, align=4):
        seen[tile.core] += 1
        for core, outer, inner, n in zip(tile.core, tile.outer, tile.inner, shape, strict=True):
            assert core.start % 4 == outer.start % 4 == 0
            assert outer.start <= max(core.start - 10, 0)
            assert outer.stop >= min(core.stop + 10, n)
            assert (inner.start + outer.start, inner.stop + outer.start) == (core.start, core.stop)
    assert (seen == 1).all()


def test_bands_cover_every_row_once():
    rows = [row for band in bands((5000, 3000)) for row in range(band.start, band.stop)]
    assert rows == list(range(5000))


def test_luminance_is_that_of_the_field():
    pixel = np.array([[[10.0, 20.0, 30.0, 99.0]]])
    np.testing.assert_allclose(luminance(pixel), [[0.2125 * 10 + 0.7154 * 20 + 0.0721 * 30]], rtol=1e-6)


def test_ranges():
    assert full_range(np.dtype("uint16")) == (0, 65535)
    assert full_range(np.dtype("float32")) == (0, 1)
    ramp = np.linspace(100, 1100, 10001, dtype=np.float32)
    ramp[0], ramp[1] = np.nan, 1e9
    low, high = robust_range(ramp)
    assert abs(low - 101) < 1
    assert abs(high - 1099) < 2
    assert robust_range(np.array([np.nan], dtype=np.float32)) == (0, 1)
    np.testing.assert_allclose(scaled(np.array([100, 600], np.float32), (100, 1100)), [0, 0.5])
    assert scaled(np.array([3.0], np.float32), (3, 3))[0] == 0


def test_missing_values_are_filled_and_told():
    grey, missing = filled(np.array([[1, np.nan, 3, np.inf, 2]], dtype=np.float32))
    np.testing.assert_array_equal(grey, [[1, 2, 3, 2, 2]])
    np.testing.assert_array_equal(missing, [[False, True, False, True, False]])
    assert filled(np.ones((2, 2), np.float32))[1] is None
    assert (filled(np.full((2, 2), np.nan, np.float32))[0] == 0).all()


def test_training_images_are_brought_to_0_1():
    np.testing.assert_allclose(training_grey(np.array([[51, 255]], np.uint8)), [[0.2, 1]], rtol=1e-6)
    dim = training_grey(np.linspace(0, 400, 10000).reshape(100, 100).astype(np.uint16))
    assert (dim.min(), dim.max()) == (0, 1)


def test_the_noise_is_found_beside_texture(rng):
    image = np.full((256, 256), 0.5)
    image[:, 128:] += 0.3 * rng.standard_normal((256, 128))
    image += 0.02 * rng.standard_normal(image.shape)
    assert abs(noise_level([image.astype(np.float32)]) - 0.02) < 0.002
    assert noise_level([np.zeros((1, 1), np.float32)]) == 0


def test_stages_share_one_scale():
    def work():
        yield Progress(0, 4, "a")
        yield Progress(4, 4, "b")
        return "done"

    steps = []
    assert drain(staged(work(), 0.5, 0.25), steps.append) == "done"
    assert [(s.done, s.total, s.what) for s in steps] == [(500, 1000, "a"), (750, 1000, "b")]


def test_repeated_progress():
    def work():
        yield
        yield
        return 7

    steps = []
    assert drain(repeated(work(), Progress(1, 2, "x")), steps.append) == 7
    assert len(steps) == 2


def test_specks_are_single_pixels_that_no_lens_has_made(rng):
    clean = rng.random((40, 50), dtype=np.float32)
    assert without_specks(clean, (0, 1)) is clean
    spoilt = clean.copy()
    places = [(0, 0), (5, 5), (5, 6), (20, 30), (39, 49)]
    for where, value in zip(places, (np.nan, 1e30, -1e30, np.inf, 2000), strict=True):
        spoilt[where] = value
    cleaned = without_specks(spoilt, (0, 1))
    assert (cleaned != spoilt).sum() == len(places)
    assert ((cleaned >= 0) & (cleaned <= 1)).all()
    assert spoilt[5, 5] == np.float32(1e30)


def test_what_a_lens_or_a_shutter_has_made_is_no_speck():
    """A bead far brighter than the field, a dead column, a field that is missing, all of it missing, no range."""
    y, x = np.mgrid[:40, :50]
    bead = (1e7 * np.exp(-((y - 20) ** 2 + (x - 20) ** 2) / 2)).astype(np.float32)
    column, part, one = np.zeros((3, 40, 50), np.float32)
    column[:, 7] = part[:9, :9] = np.nan
    one[3, 3] = 1e9
    for image, limits in ((bead, (0, 1)), (column, (0, 1)), (part, (0, 1)), (part * np.nan, (0, 1)), (one, (0, 0))):
        np.testing.assert_array_equal(without_specks(image, limits), image)
