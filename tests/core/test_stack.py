"""What is a focus stack and what is refused, in one sentence each."""

import dask.array as da
import numpy as np
import pytest

from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseWarning, StackError


def test_slices_are_read_along_the_axis(rng):
    data = rng.random((5, 12, 13))
    for axis in (0, 1, 2, -1):
        stack = Stack(np.moveaxis(data, 0, axis), axis)
        assert (len(stack), stack.shape, stack.channels) == (5, (12, 13), 0)
        np.testing.assert_array_equal(stack[3], data[3])


@pytest.mark.parametrize("channels", [3, 4])
def test_colour_is_proposed(rng, channels):
    data = rng.random((4, 9, 10, channels))
    stack = Stack(data)
    assert (stack.channels, stack.shape) == (channels, (9, 10))
    np.testing.assert_array_equal(Stack(np.moveaxis(data, 0, 1), axis=1)[2], data[2])


def test_dask_is_read_slice_by_slice():
    read = []

    def load(block_info=None):
        read.append(block_info[None]["chunk-location"][0])
        return np.ones((1, 8, 8))

    stack = Stack(da.map_blocks(load, chunks=((1,) * 5, 8, 8), dtype=float, meta=np.array((), dtype=float)))
    assert read == []
    assert stack[3].shape == (8, 8)
    assert read == [3]


def test_a_sequence_of_images(rng):
    images = [rng.random((6, 7)) for _ in range(3)]
    stack = Stack(images)
    np.testing.assert_array_equal(stack[1], images[1])


def test_slices_in_order_of_z():
    stack = Stack(np.zeros((4, 5, 5)), z=[3.0, -1.0, 2.0, 0.5])
    assert stack.order.tolist() == [1, 3, 2, 0]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (np.zeros((1, 5, 5)), {}, "at least two slices, this one has 1"),
        (np.zeros((0, 5, 5)), {}, "at least two slices, this one has 0"),
        (np.zeros((3, 0, 5)), {}, "empty"),
        (np.zeros((5, 5)), {}, "has 3 axes, this array has 2"),
        (np.zeros((2, 8, 9, 10)), {}, "choose one time point and channel"),
        (np.zeros((2, 3, 8, 9, 10)), {}, "choose one time point and channel"),
        (np.zeros((3, 5, 5)), {"axis": 3}, "no stack axis 3"),
        (np.zeros((3, 5, 5)), {"rgb": True}, "3 or 4 samples"),
        (np.zeros((3, 5, 5), dtype=complex), {}, "complex128"),
        (np.zeros((3, 5, 5), dtype=object), {}, "object"),
        (np.zeros((3, 5, 5)), {"z": [0, 1]}, "2 positions for 3 slices"),
        (np.zeros((3, 5, 5)), {"z": [0, 1, 1]}, "different, finite"),
        (np.zeros((3, 5, 5)), {"z": [0, 1, np.nan]}, "different, finite"),
        ([], {}, "no slices"),
        ([np.zeros((5, 5)), np.zeros((5, 6))], {}, "slice 1 has the shape"),
        ([np.zeros((5, 5)), np.zeros((5, 5), dtype=np.uint8)], {}, "slice 1 is uint8"),
        ("stack.tif", {}, "has 0"),
    ],
)
def test_refusals(data, options, message):
    with pytest.raises(StackError, match=message) as error:
        Stack(data, **options)
    assert "\n" not in str(error.value)


def test_more_slices_than_pixels_is_a_warning():
    with pytest.warns(FocusFuseWarning, match="check the stack axis"):
        Stack(np.zeros((20, 12, 30)))
