"""Focus curves of the grey values around single pixels."""

import numpy as np
import pytest

from napari_focusfuse.core.focus import Glance
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError


class Counted:
    """A stack that counts the values that are read from it."""

    def __init__(self, data):
        self._data, self.read = data, 0
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, where):
        part = self._data[where]
        if part.ndim == 2 and part.shape == self.shape[1:]:
            return Counted2(self, part)
        return part


class Counted2:
    def __init__(self, owner, data):
        self._owner, self._data = owner, data

    def __getitem__(self, where):
        part = self._data[where]
        self._owner.read += part.size
        return part


def test_it_is_the_spatial_frequency_of_the_window(rng):
    data, r = rng.random((5, 40, 50)).astype(np.float32), 3
    curve = Glance(Stack(data), r).curve(20, 30)
    for grey, sf in zip(data, curve, strict=True):
        window = grey[20 - r - 1 : 20 + r + 1, 30 - r - 1 : 30 + r + 1]
        across = np.diff(window, axis=1)[1:] ** 2
        down = np.diff(window, axis=0)[:, 1:] ** 2
        assert sf == pytest.approx(np.sqrt((across + down).mean()), rel=1e-4)


def test_it_peaks_where_the_pixel_is_sharp_in_the_order_of_z(scene):
    y, x = 48, 64
    z = scene.z[::-1]
    glance = Glance(Stack(scene.stack[::-1], z=z))
    assert list(glance.z) == sorted(z)
    curve = glance.curve(y, x)
    np.testing.assert_allclose(curve, Glance(Stack(scene.stack)).curve(y, x))
    assert abs(int(curve.argmax()) - scene.depth[y, x]) <= 1


def test_no_more_is_read_than_is_needed(rng):
    data = Counted(rng.random((4, 400, 400)))
    glance = Glance(Stack(data), 3)
    curve = glance.curve(200, 200)
    assert data.read == 4 * 9 * 9
    kept = Glance(Stack(data), 3, keep=True)
    np.testing.assert_allclose(kept.curve(200, 200), curve)
    before = data.read
    kept.curve(205, 195)
    assert data.read == before
    np.testing.assert_allclose(kept.curve(3, 399), glance.curve(3, 399))


def test_pixels_at_the_border_and_beside_it(rng):
    glance = Glance(Stack(rng.random((3, 8, 9))))
    assert np.isfinite([glance.curve(y, x) for y in (0, 7) for x in (0, 8)]).all()
    with pytest.raises(FocusFuseError, match=r"no pixel \(8, 0\)"):
        glance.curve(8, 0)
