"""OME-Zarr."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

zarr = pytest.importorskip("zarr", reason="the extra zarr is not installed")

AXES = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "nanometer"},
    {"name": "x", "type": "space", "unit": "nanometer"},
]


def ome_zarr(path: Path, data: np.ndarray, axes: list[Any], scale: list[float], ngff: str = "0.4") -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=3 if ngff == "0.5" else 2)
    group.create_array("full", data=data, chunks=(1,) * (data.ndim - 2) + data.shape[-2:])
    group.create_array("half", data=data[..., ::2, ::2])
    levels = [
        {"path": name, "coordinateTransformations": [{"type": "scale", "scale": scale}]} for name in ("full", "half")
    ]
    image: dict[str, Any] = {"axes": axes, "datasets": levels, "version": ngff}
    group.attrs.update({"ome": {"multiscales": [image]}} if ngff == "0.5" else {"multiscales": [image]})
    return path


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_full_resolution_axes_and_sizes(tmp_path: Path, stack: np.ndarray, ngff: str) -> None:
    path = ome_zarr(tmp_path / "cells.ome.zarr", stack[None, None], AXES, [1, 1, 2.0, 500, 250], ngff)
    file = io.read_stack(path)
    assert (file.axes, file.name, file.inputs) == ("TCZYX", "cells", (path,))
    assert file.z_step == pytest.approx(2.0)
    assert file.pixel_size == pytest.approx((0.5, 0.25))
    np.testing.assert_array_equal(file.focus_stack().data, stack)


def test_only_the_chunk_that_is_asked_for_is_read(tmp_path: Path, stack: np.ndarray) -> None:
    path = ome_zarr(tmp_path / "cells.zarr", stack, AXES[2:], [2.0, 500, 250])
    file = io.read_stack(path)
    (path / "full" / "1.0.0").write_bytes(b"no chunk")
    np.testing.assert_array_equal(file.data[0], stack[0])
    with pytest.raises(StackError, match=r"cells\.zarr cannot be read"):
        np.asarray(file.data[1])


def test_scales_of_image_and_level_are_multiplied_and_units_needed(tmp_path: Path, stack: np.ndarray) -> None:
    axes = [{"name": "z", "type": "space"}, *AXES[3:]]
    path = ome_zarr(tmp_path / "cells.zarr", stack, axes, [2.0, 500, 250])
    group = zarr.open_group(path, mode="r+")
    image = group.attrs["multiscales"][0]
    group.attrs["multiscales"] = [{**image, "coordinateTransformations": [{"type": "scale", "scale": [3, 2, 2]}]}]
    file = io.read_stack(path)
    assert file.z_step is None
    assert file.pixel_size == pytest.approx((1.0, 0.5))


def test_axes_of_the_first_version(tmp_path: Path, stack: np.ndarray) -> None:
    path = ome_zarr(tmp_path / "cells.zarr", stack[None, None], [], [])
    group = zarr.open_group(path, mode="r+")
    group.attrs["multiscales"] = [{"datasets": [{"path": "full"}], "version": "0.1"}]
    file = io.read_stack(path)
    assert (file.axes, file.z_step, file.pixel_size) == ("TCZYX", None, None)
    np.testing.assert_array_equal(file.focus_stack().data, stack)


def test_what_is_not_one_image(tmp_path: Path, stack: np.ndarray) -> None:
    zarr.open_group(tmp_path / "plate.zarr", mode="w", attributes={"plate": {}})
    with pytest.raises(StackError, match=r"plate\.zarr is a plate"):
        io.read_stack(tmp_path / "plate.zarr")
    zarr.open_group(tmp_path / "plain.zarr", mode="w")
    with pytest.raises(StackError, match=r"plain\.zarr is not one OME-Zarr image"):
        io.read_stack(tmp_path / "plain.zarr")
    zarr.save_array(tmp_path / "array.zarr", stack)
    with pytest.raises(StackError, match=r"array\.zarr is a Zarr array that does not name its axes: save it"):
        io.read_stack(tmp_path / "array.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(StackError, match=r"empty\.zarr cannot be read"):
        io.read_stack(tmp_path / "empty.zarr")
    odd = ome_zarr(tmp_path / "odd.zarr", stack, [{"name": n} for n in "zyz"], [1, 1, 1])
    with pytest.raises(StackError, match=r"odd\.zarr has unsupported axes \(ZYZ\)"):
        io.read_stack(odd)


def test_without_the_package(tmp_path: Path, stack: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ome_zarr(tmp_path / "cells.zarr", stack, AXES[2:], [1, 1, 1])
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(StackError, match=r"pip install \"napari-focusfuse\[zarr\]\""):
        io.read_stack(path)


def image(path: Path, data: np.ndarray, axes: list[Any], level: list[Any], overall: list[Any] | None = None) -> Path:
    """An image of one level with the transformations that a test wants."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", data=data)
    described: dict[str, Any] = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": level}]}
    if overall is not None:
        described["coordinateTransformations"] = overall
    group.attrs.update({"multiscales": [described]})
    return path


UM = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]


def scale(*steps: float) -> dict[str, Any]:
    return {"type": "scale", "scale": list(steps)}


def shift(*places: float) -> dict[str, Any]:
    return {"type": "translation", "translation": list(places)}


@pytest.mark.parametrize(
    ("level", "overall", "says"),
    [
        ([scale(1, 1, 1, 1)], [scale(1, 0.2, 0.2)], "a scale of 3 numbers for 4 axes"),
        ([{"type": "scale", "path": "s"}], None, "a scale in an array of its own"),
        ([scale(1, 1, 1, 1), {"type": "translation", "path": "s"}], None, "a translation in an array of its own"),
        ([{"type": "scale", "scale": [1, "wide", 1, 1]}], None, "a scale of 4 numbers for 4 axes"),
    ],
)
def test_transformations_that_cannot_be_used(
    tmp_path: Path, stack: np.ndarray, level: list[Any], overall: list[Any] | None, says: str
) -> None:
    axes = [{"name": "c", "type": "channel"}, *UM]
    file = io.read_stack(image(tmp_path / "a.zarr", stack[None], axes, level, overall))
    np.testing.assert_array_equal(file.focus_stack().data, stack)
    assert (file.z_step, file.pixel_size, dict(file.origin)) == (None, None, {})
    assert file.notes == (f"states {says}: its sizes are treated as unknown",)


def test_scales_and_translations_of_the_level_and_of_all(tmp_path: Path, stack: np.ndarray) -> None:
    level, overall = [scale(1, 2, 2), shift(3, 5, 7)], [scale(0.5, 0.1, 0.1), shift(1, 0, 0)]
    file = io.read_stack(image(tmp_path / "a.zarr", stack, UM, level, overall))
    assert (file.z_step, file.pixel_size) == (pytest.approx(0.5), pytest.approx((0.2, 0.2)))
    assert dict(file.origin) == pytest.approx({"Z": 2.5, "Y": 0.5, "X": 0.7})


@pytest.mark.parametrize(
    ("names", "typed", "axes"),
    [
        (("depth", "y", "x"), True, "ZYX"),
        (("depth", "y", "x"), False, "ZYX"),
        (("plane", "row", "column"), True, "ZYX"),
        (("axial", "lat1", "lat2"), True, "ZYX"),
        (("x", "y", "z"), True, "ZYX"),
        (("q", "y", "x"), False, "QYX"),
    ],
)
def test_axes_by_any_name(tmp_path: Path, names: tuple[str, ...], typed: bool, axes: str) -> None:
    described = [{"name": a, **({"type": "space", "unit": "nanometer"} if typed else {})} for a in names]
    data = np.arange(24).reshape(2, 3, 4)
    file = io.read_stack(image(tmp_path / "a.zarr", data, described, [scale(500, 100, 200)]))
    assert file.axes == axes
    turned = names[0] == "x"
    np.testing.assert_array_equal(file.data, data.T if turned else data)
    if typed:
        assert file.z_step == pytest.approx(0.2 if turned else 0.5)


def test_a_scale_without_a_unit_is_told_and_its_ratio_kept(tmp_path: Path, stack: np.ndarray) -> None:
    axes = [{"name": a, "type": "space"} for a in "zyx"]
    file = io.read_stack(image(tmp_path / "a.zarr", stack, axes, [scale(0.5, 0.1, 0.1), shift(1, 1, 1)]))
    assert (file.z_step, file.pixel_size, dict(file.origin)) == (None, None, {})
    assert dict(file.ratio) == pytest.approx({"Z": 5, "Y": 1, "X": 1})
    assert file.notes == ("states a scale without a unit: sizes are unknown, only their ratio is used for display",)
    plain = io.read_stack(image(tmp_path / "b.zarr", stack, axes, [scale(1, 1, 1)]))
    assert (dict(plain.ratio), plain.notes) == ({}, ())


def test_hints_name_what_exists(tmp_path: Path, stack: np.ndarray) -> None:
    plate = tmp_path / "plate.zarr"
    zarr.open_group(plate, mode="w", attributes={"plate": {"wells": [{"path": "B/3"}]}})
    zarr.open_group(plate / "B" / "3", mode="w", attributes={"well": {"images": [{"path": "1"}]}})
    image(plate / "B" / "3" / "1", stack, UM, [scale(1, 1, 1)])
    for path in (plate, plate / "B" / "3"):
        with pytest.raises(StackError, match=rf"give one of (its fields|them), such as {plate / 'B' / '3' / '1'}$"):
            io.read_stack(path)
    assert io.read_stack(plate / "B" / "3" / "1").axes == "ZYX"
    with pytest.raises(StackError, match="is one resolution of an OME-Zarr image: give the folder above"):
        io.read_stack(plate / "B" / "3" / "1" / "0")
