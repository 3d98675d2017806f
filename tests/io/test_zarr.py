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
    with pytest.raises(StackError, match=r"plate\.zarr is a collection of images"):
        io.read_stack(tmp_path / "plate.zarr")
    zarr.open_group(tmp_path / "plain.zarr", mode="w")
    with pytest.raises(StackError, match=r"plain\.zarr is not one OME-Zarr image"):
        io.read_stack(tmp_path / "plain.zarr")
    zarr.save_array(tmp_path / "array.zarr", stack)
    with pytest.raises(StackError, match=r"array\.zarr cannot be read"):
        io.read_stack(tmp_path / "array.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(StackError, match=r"empty\.zarr cannot be read"):
        io.read_stack(tmp_path / "empty.zarr")
    odd = ome_zarr(tmp_path / "odd.zarr", stack, [{"name": n} for n in "zyz"], [1, 1, 1])
    with pytest.raises(StackError, match=r"odd\.zarr has axes that are not read here \(ZYZ\)"):
        io.read_stack(odd)


def test_without_the_package(tmp_path: Path, stack: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ome_zarr(tmp_path / "cells.zarr", stack, AXES[2:], [1, 1, 1])
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(StackError, match=r"pip install \"napari-focusfuse\[zarr\]\""):
        io.read_stack(path)
