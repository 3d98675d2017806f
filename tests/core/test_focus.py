"""Focus curves and activity maps: what the fusion compares."""

import numpy as np
import pytest
import torch

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide.pipeline import iter_decide
from napari_focusfuse.core.encode import halo, squared_sf
from napari_focusfuse.core.focus import iter_focus
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError

CPU = torch.device("cpu")


def focus_of(data, networks, config=None, z=None):
    return drain(iter_focus(Stack(data, z=z), networks["cse"].encoder, config or FusionConfig(), CPU))


@pytest.fixture(scope="module")
def focus(scene, networks):
    return focus_of(scene.stack, networks)


@pytest.fixture(scope="module")
def noisy(noisy_scene, networks):
    """A stack on which coarser scales count, so that all windows are used."""
    focus = focus_of(noisy_scene.stack, networks)
    assert sum(weight > 0 for weight in focus._stats.level_weights) > 1
    return focus


@pytest.mark.parametrize("where", [(0, 0), (3, 147), (60, 75), (61, 74), (119, 149), (118, 1)])
def test_a_curve_is_what_the_maps_show(noisy, where):
    curve = noisy.curve(*where)
    for k in (0, 3):
        np.testing.assert_allclose(curve.deep[k], drain(noisy.iter_map(k, "deep"))[where], rtol=1e-4)
        np.testing.assert_allclose(curve.sf[k], drain(noisy.iter_map(k, "sf"))[where], rtol=1e-4)


def test_the_largest_activity_is_what_the_fusion_takes(scene, networks, focus):
    decision = drain(iter_decide(Stack(scene.stack), networks["cse"].encoder, FusionConfig(), CPU, {}))
    maps = np.stack([drain(focus.iter_map(k, "deep")) for k in range(7)])
    assert (maps.argmax(0) == decision.index).mean() > 0.999
    for y, x in ((10, 10), (50, 90), (95, 127)):
        assert focus.curve(y, x).deep.argmax() == decision.index[y, x]


def test_pixel_sf_is_that_of_the_grey_values(focus, scene):
    low, high = focus._stats.limits
    grey = torch.from_numpy(((scene.stack[2] - low) / (high - low) * focus._stats.gains[2]).astype(np.float32))
    expected = squared_sf(grey[None, None], FusionConfig().radius)[0, 0].sqrt().numpy()
    np.testing.assert_allclose(drain(focus.iter_map(2, "sf")), expected, rtol=1e-3, atol=1e-6)


def test_slices_in_any_order(scene, networks):
    order = [4, 0, 6, 2, 1, 5, 3]
    curve = focus_of(scene.stack[order], networks, z=[2.0 * k for k in order]).curve(40, 50)
    expected = focus_of(scene.stack, networks).curve(40, 50)
    np.testing.assert_array_equal(curve.z, 2 * expected.z)
    np.testing.assert_allclose(curve.deep, expected.deep, rtol=1e-4)


def test_only_a_window_is_read(scene, networks):
    """A lazy stack gives a few pixels of each slice for a curve: those that the coarsest scale sees."""
    large = np.tile(scene.stack, (1, 4, 4))

    class Watched:
        shape, dtype = large.shape, large.dtype

        def __init__(self):
            self.read = []

        def __getitem__(self, k):
            return Slice(self, k)

    class Slice:
        def __init__(self, watched, k):
            self.watched, self.k = watched, k

        def __getitem__(self, where):
            self.watched.read.append(large[self.k][where].size)
            return large[self.k][where]

        def __array__(self, dtype=None, copy=None):
            return np.asarray(large[self.k])

    watched = Watched()
    focus = focus_of(watched, networks)
    focus.curve(200, 250)
    assert len(watched.read) == 7
    reach = halo(networks["cse"].encoder, 2, FusionConfig().radius)
    assert max(watched.read) <= (2 * (reach + 4)) ** 2 < large[0].size / 10


def test_pixels_that_are_no_numbers_have_no_activity_and_those_beside_them_have(scene, networks):
    data = scene.stack.astype(np.float32)
    data[2, 39:42, 49:52] = np.nan
    focus = focus_of(data, networks)
    missing, near = focus.curve(40, 50), focus.curve(42, 51)
    assert (missing.deep[2], missing.sf[2]) == (0, 0)
    assert (np.delete(missing.deep, 2) > 0).all()
    assert (near.deep > 0).all()
    for sharpness, curve in (("deep", near.deep), ("sf", near.sf)):
        found = drain(focus.iter_map(2, sharpness))
        assert found[40, 50] == 0
        assert found[42, 51] == pytest.approx(curve[2], rel=1e-3)


def test_a_constant_stack_has_no_pixel_sf(networks):
    curve = focus_of(np.full((3, 32, 40), 7, np.uint8), networks).curve(10, 10)
    assert not curve.sf.any()
    assert np.isfinite(curve.deep).all()


@pytest.mark.parametrize("where", [(-1, 0), (96, 0), (0, 128)])
def test_pixels_there_are_not(focus, where):
    with pytest.raises(FocusFuseError, match="there is no pixel"):
        focus.curve(*where)


def test_slices_there_are_not(focus):
    with pytest.raises(FocusFuseError, match="there is no slice 7 in a stack of 7"):
        drain(focus.iter_map(7, "sf"))


def test_the_paper_needs_whole_slices(scene, networks):
    with pytest.raises(FocusFuseError, match='choose "default"'):
        focus_of(scene.stack, networks, FusionConfig(preset="paper"))
