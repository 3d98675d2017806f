"""A part of a stack at reduced size."""

import numpy as np
import pytest

from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.tiles import iter_binned


@pytest.mark.parametrize(("shape", "axis"), [((3, 13, 11), 0), ((13, 11, 3), 2), ((3, 13, 11, 3), 0)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_every_pixel_counts_the_same(rng, shape, axis, dtype):
    data = (255 * rng.random(shape)).astype(dtype)
    binned = drain(iter_binned(Stack(data, axis, rgb=data.ndim == 4), (slice(2, 13), slice(1, 10)), 4))
    slices = np.moveaxis(data, axis, 0)
    assert binned.dtype == data.dtype
    assert binned.shape == (3, 2, 2, *shape[3:])
    for y in range(2):
        for x in range(2):
            square = slices[:, 2 + 4 * y : 6 + 4 * y, 1 + 4 * x : 5 + 4 * x].astype(float).mean(axis=(1, 2))
            np.testing.assert_allclose(binned[:, y, x], np.rint(square) if dtype == "uint8" else square, rtol=1e-5)


def test_full_size_is_the_part_itself(rng):
    data = rng.random((2, 9, 9)) > 0.5
    binned = drain(iter_binned(Stack(data), (slice(1, 8), slice(0, 9)), 1))
    np.testing.assert_array_equal(binned, data[:, 1:8])
