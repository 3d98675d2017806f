"""What is a focus stack and what is refused, in one sentence each."""

import dask.array as da
import numpy as np
import pytest
import torch

import napari_focusfuse as ff
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


@pytest.mark.parametrize(("dtype", "floats"), [("u1", "f4"), ("u2", "f4"), ("i4", "f8"), ("f4", "f4"), ("f8", "f8")])
def test_what_is_masked_is_missing(rng, dtype, floats):
    values = rng.integers(1, 200, (3, 6, 7)).astype(dtype)
    mask = rng.random(values.shape) < 0.3
    mask[1] = False
    masked = np.ma.masked_array(values, mask)
    assert ff.fuse(masked, method="max").image.tolist() == np.where(mask, 0, values).max(axis=0).tolist()
    for data in (masked, [masked[0], values[1], masked[2]]):
        stack = Stack(data)
        assert stack.dtype == floats
        for k in range(3):
            np.testing.assert_array_equal(stack[k], np.where(mask[k], np.nan, values[k]))
    unmasked = Stack(np.ma.masked_array(values))
    assert unmasked.dtype == dtype
    assert not isinstance(unmasked[0], np.ma.MaskedArray)


def test_tensors_are_arrays(rng):
    values = rng.integers(0, 255, (3, 6, 7), dtype=np.uint8)
    for data in (torch.from_numpy(values), list(torch.from_numpy(values))):
        stack = Stack(data)
        assert stack.dtype == np.uint8
        np.testing.assert_array_equal(stack[1], values[1])
    grown = torch.ones((3, 6, 7), requires_grad=True)
    assert Stack(grown).dtype == np.float32
    with pytest.raises(StackError, match="not an array of numbers"):
        Stack(torch.ones((3, 6, 7), dtype=torch.bfloat16))


@pytest.mark.parametrize("axis", ["z", 1.5, None, 3, -4])
def test_axes_that_are_none(axis):
    with pytest.raises(StackError, match="no stack axis"):
        Stack(np.zeros((3, 5, 5)), axis)
