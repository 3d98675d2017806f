"""Axes, positions and channels of a hyperstack."""

import numpy as np
import pytest

from napari_focusfuse.core.stack.hyperstack import Hyperstack
from napari_focusfuse.errors import StackError


@pytest.mark.parametrize("axes", ["TCZYX", "ZCTYX", "CTXYZ", "TZYXC"])
def test_each_position_is_a_stack_of_its_own(axes):
    letters = "TCZYX"
    values = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
    data = Hyperstack(values.transpose([letters.index(letter) for letter in axes]), axes)
    assert data.positions == [{"T": 0}, {"T": 1}]
    assert data.channel_names == ("0", "1", "2")
    assert set(data.further) == {"T", "C"}
    stack = data.stack({"T": 1}, 2)
    assert (len(stack), stack.shape) == (4, (5, 6))
    np.testing.assert_array_equal(stack[3], values[1, 2, 3])
    np.testing.assert_array_equal(stack.part(0, np.s_[1:3, 2:4]), values[1, 2, 0, 1:3, 2:4])


def test_a_list_of_channels_is_the_first_axis():
    parts = [np.full((3, 4, 5), c) for c in range(2)]
    data = Hyperstack(parts, "CZYX", channels=("DAPI", "GFP"))
    assert data.positions == [{}]
    assert [int(stack[0][0, 0]) for stack in data.stacks({})] == [0, 1]
    assert data.deciding("GFP") == data.deciding(1) == data.deciding("1") == 1
    assert data.called(1) == "channel 1 (GFP)"


def test_colour_and_no_further_axes():
    data = Hyperstack(np.zeros((3, 4, 5, 3)), "ZYXS")
    assert (data.positions, data.further, data.plane_shape) == ([{}], "", (4, 5, 3))
    assert data.stack({}).channels == 3
    assert data.deciding("sum") == data.deciding("each") == 0


@pytest.mark.parametrize(
    ("shape", "axes", "options", "says"),
    [
        ((2, 3, 4, 5), "TZYXS", {}, "the axes 'TZYXS' are 5, the array has 4"),
        ((2, 3, 4, 5), "ZZYX", {}, "name each axis once"),
        ((2, 3, 4, 5), "TCYX", {}, "lack Z"),
        ((2, 3, 4, 5), "TZYX", {"axis": "Q"}, "lack Q"),
        ((2, 3, 4, 5), "TZYX", {"axis": "Y"}, "'Y' cannot be the stack axis"),
        ((0, 3, 4, 5), "TZYX", {}, "empty along T"),
        ((2, 3, 4, 5), "CZYX", {"channels": ["a"]}, "1 names for 2 channels"),
    ],
)
def test_axes_that_do_not_fit(shape, axes, options, says):
    with pytest.raises(StackError, match=says):
        Hyperstack(np.zeros(shape), axes, **options)


def test_parts_of_unequal_size_or_type():
    with pytest.raises(StackError, match=r"part 1 has the shape \(3, 4, 6\), part 0 has \(3, 4, 5\)"):
        Hyperstack([np.zeros((3, 4, 5)), np.zeros((3, 4, 6))], "CZYX")
    with pytest.raises(StackError, match="part 1 is uint8, part 0 is float64"):
        Hyperstack([np.zeros((3, 4, 5)), np.zeros((3, 4, 5), np.uint8)], "CZYX")


@pytest.mark.parametrize("decide_on", [2, -1, "DAPI", "2"])
def test_a_channel_that_is_not_there(decide_on):
    with pytest.raises(StackError, match=r"there is no channel .*choose sum, each, or one of 0, 1"):
        Hyperstack(np.zeros((2, 3, 4, 5)), "CZYX").deciding(decide_on)
