"""From the axes of a file to a focus stack."""

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest

from napari_focusfuse.errors import StackError
from napari_focusfuse.io import StackFile


def file(axes: str, *shape: int) -> StackFile:
    data = da.from_array(np.arange(np.prod(shape)).reshape(shape))
    return StackFile(data, axes, 2.0, (0.5, 0.5), "s", Path("s.tif"), (Path("s.tif"),))


@pytest.mark.parametrize(
    ("axes", "shape", "where"),
    [
        ("ZYX", (5, 3, 4), np.s_[:]),
        ("QYX", (5, 3, 4), np.s_[:]),
        ("IYX", (5, 3, 4), np.s_[:]),
        ("TZCYX", (1, 5, 1, 3, 4), np.s_[0, :, 0]),
        ("ZCYXS", (5, 1, 3, 4, 3), np.s_[:, 0]),
        ("TQYX", (1, 5, 3, 4), np.s_[0]),
        ("CZYX", (1, 1, 3, 4), np.s_[0]),
        ("YXZ", (3, 4, 5), np.s_[:]),
    ],
)
def test_the_stack_axis_is_found(axes: str, shape: tuple[int, ...], where: object) -> None:
    given = file(axes, *shape)
    stack = given.focus_stack()
    expected = np.asarray(given.data)[where]
    if axes == "YXZ":
        expected = np.moveaxis(expected, -1, 0)
    assert stack.axes == ("ZYXS" if "S" in axes else "ZYX")
    assert stack.z_step == 2.0
    np.testing.assert_array_equal(stack.data, expected)


@pytest.mark.parametrize("axis", ["T", "t", "0"])
def test_the_stack_axis_may_be_chosen(axis: str) -> None:
    given = file("TZYX", 5, 1, 3, 4)
    stack = given.focus_stack(axis)
    np.testing.assert_array_equal(stack.data, np.asarray(given.data)[:, 0])
    assert stack.z_step is None


def test_channels_may_be_colour() -> None:
    given = file("CZYX", 3, 5, 2, 4)
    stack = given.focus_stack(rgb=True)
    assert stack.axes == "ZYXS"
    np.testing.assert_array_equal(stack.data, np.moveaxis(np.asarray(given.data), 0, -1))
    with pytest.raises(StackError, match="no channel axis of length 3 or 4"):
        file("CZYX", 2, 5, 2, 4).focus_stack(rgb=True)


@pytest.mark.parametrize(
    ("axes", "shape", "axis", "says"),
    [
        ("TZCYX", (2, 8, 2, 3, 4), None, r"T = 2, Z = 8, C = 2, Y = 3, X = 4.*along T and C"),
        ("CZYX", (3, 8, 3, 4), None, r"one channel, read C as colour, or save .* along C$"),
        ("CZYX", (2, 8, 3, 4), None, r"along C$"),
        ("TYX", (8, 3, 4), None, r"does not say.*T = 8.*along T, say so"),
        ("CYX", (8, 3, 4), None, r"does not say.*C = 8.*along C, say so"),
        ("TZYX", (8, 1, 3, 4), None, r"does not say.*along T, say so"),
        ("YX", (3, 4), None, r"contains one image"),
        ("YXS", (3, 4, 3), None, r"contains one image"),
        ("ZYX", (8, 3, 4), "T", r"'T' cannot be the stack axis.*choose from Z \(0\)"),
        ("ZYX", (8, 3, 4), "X", r"'X' cannot be"),
        ("ZYX", (8, 3, 4), "1", r"'1' cannot be"),
        ("ZYX", (8, 3, 4), "7", r"'7' cannot be"),
        ("ZYX", (8, 3, 4), "", r"'' cannot be"),
        ("ZYX", (8, 3, 4), "-1", r"'-1' cannot be"),
        ("YX", (3, 4), "Z", r"'Z' cannot be.*one image"),
        ("TZYX", (2, 8, 3, 4), "T", r"along Z"),
    ],
)
def test_refused(axes: str, shape: tuple[int, ...], axis: str | None, says: str) -> None:
    with pytest.raises(StackError, match=says):
        file(axes, *shape).focus_stack(axis)


@pytest.mark.parametrize(
    ("axes", "shape", "options", "expected"),
    [
        ("TZCYX", (2, 5, 3, 4, 6), {}, "TCZYX"),
        ("TZCYX", (1, 5, 3, 4, 6), {}, "CZYX"),
        ("CZYX", (3, 5, 4, 6), {"rgb": True}, "ZYXS"),
        ("CTZYX", (2, 5, 1, 4, 6), {"axis": "T"}, "CTYX"),
        ("ZYX", (5, 4, 6), {}, "ZYX"),
    ],
)
def test_a_hyperstack_keeps_its_further_axes(
    axes: str, shape: tuple[int, ...], options: dict[str, Any], expected: str
) -> None:
    stack = file(axes, *shape).hyperstack(**options)
    assert stack.axes == expected
    assert stack.data.shape == tuple(shape[axes.index(a if a in axes else "C")] for a in expected)
    assert stack.z_step == (None if "T" in options.values() else 2.0)
