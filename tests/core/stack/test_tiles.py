"""Tiles cut an image without gaps, and evenly."""

import numpy as np
import pytest

from napari_focusfuse.core.stack.tiles import fitted, tiles


@pytest.mark.parametrize("size", [30, (30, 17), 200])
@pytest.mark.parametrize("align", [1, 4])
def test_tiles_cover_each_pixel_once(size, align):
    covered = np.zeros((101, 70), int)
    for tile in tiles(covered.shape, size, 5, align):
        covered[tile.core] += 1
        for core, outer, length in zip(tile.core, tile.outer, covered.shape, strict=True):
            assert outer.start <= max(core.start - 5, 0)
            assert outer.stop >= min(core.stop + 5, length)
            assert core.start % align == outer.start % align == 0
    assert (covered == 1).all()


def test_fitted_tiles_leave_no_small_rest():
    for length in range(1, 2000, 7):
        side = fitted(length, 128)
        assert side < 1.5 * 128
        count = -(-length // side)
        assert length - (count - 1) * side >= min(length, 64)
    assert (fitted(640, 512), fitted(1024, 512), fitted(1100, 512)) == (640, 512, 550)
