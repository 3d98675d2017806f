"""All positions of a layer: axes, and the place of results in the world."""

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_focusfuse.gui.layers.hyperstack import take_whole

SHAPE = (3, 2, 7, 20, 30)
LABELS = ("t", "c", "z", "y", "x")


@pytest.fixture
def layer() -> Image:
    scale, translate = (5, 1, 0.5, 0.1, 0.2), (10, 0, 3, 1, 2)
    units = ("s", "pixel", "um", "um", "um")
    return Image(np.zeros(SHAPE), name="cells", scale=scale, translate=translate, units=units, axis_labels=LABELS)


def world(place, data, index):
    """Where a pixel of a result lies."""
    return np.asarray(Image(data, **place).data_to_world(index))


def test_all_axes_vary_but_the_stack_axis(layer):
    whole = take_whole(layer, 2, channel=1)
    assert (whole.axes, whole.further, whole.slices) == ("TCZYX", "TC", 7)
    assert (whole.title, whole.position, whole.label) == ("cells", {}, "z")
    assert whole.data is layer.data or np.shares_memory(whole.data, layer.data)


def test_a_result_lies_on_the_layer_over_the_whole_depth(layer):
    whole = take_whole(layer, 2, channel=1)
    image = whole.arranged(np.zeros((3, 2, 20, 30)), "TCYX")
    place = whole.place("TCYX")
    assert image.shape == (3, 2, 1, 20, 30)
    np.testing.assert_allclose(place["scale"], (5, 1, 3.5, 0.1, 0.2))
    assert place["axis_labels"] == LABELS
    np.testing.assert_array_equal(place["affine"], np.eye(6))
    expected = np.asarray(layer.data_to_world((1, 1, 3, 4, 5)))
    np.testing.assert_allclose(world(place, image, (1, 1, 0, 4, 5)), expected)
    maps = whole.place("TYX")
    np.testing.assert_allclose(maps["scale"], (5, 2, 3.5, 0.1, 0.2))
    np.testing.assert_allclose(maps["translate"], (10, 0.5, 4.5, 1, 2))


def test_a_stack_axis_in_front_is_left_out_and_an_affine_is_kept(layer):
    turned = Image(
        np.zeros((7, 2, 20, 30)),
        affine=[[2, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, -1, 9], [0, 0, 1, 0, 4], [0, 0, 0, 0, 1]],
    )
    whole = take_whole(turned, 0, channel=1)
    image = whole.arranged(np.zeros((2, 20, 30)), "CYX")
    assert image.shape == (2, 20, 30)
    place = whole.place("CYX")
    np.testing.assert_allclose(world(place, image, (1, 4, 5)), np.asarray(turned.data_to_world((0, 1, 4, 5)))[1:])


def test_fixed_axes_are_named_and_left_out(layer):
    whole = take_whole(layer, 2, fixed={0: 2})
    assert (whole.title, whole.position) == ("cells (t = 2)", {"t": 2})
    assert (len(whole.axes), whole.data.shape) == (4, (2, 7, 20, 30))
    np.testing.assert_array_equal(whole.data, layer.data[2])
    assert whole.names[whole.axes[0]] == "c"
    plain = take_whole(layer, 2, fixed={0: 2, 1: 0})
    assert plain.axes == "ZYX"
    assert plain.arranged(np.zeros((20, 30)), "YX").shape == (20, 30)
    np.testing.assert_allclose(plain.place("YX")["translate"], (1, 2))


def test_colour_and_lazy_data_and_axes_without_names():
    layer = Image(da.zeros((4, 5, 6, 8, 3), dtype=np.uint8), rgb=True)
    whole = take_whole(layer, 1)
    assert whole.axes == "TZYXS"
    assert isinstance(whole.data, da.Array)
    assert whole.arranged(np.zeros((4, 6, 8, 3)), "TYXS").shape == (4, 1, 6, 8, 3)
    assert len(whole.place("TYXS")["scale"]) == 4
    layer.axis_labels = ("well", "z", "y", "x")
    assert take_whole(layer, 1).axes == "PZYXS"
