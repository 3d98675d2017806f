"""Time points and channels made again by their recipe, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import api, io
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError, ModelError, StackError

SIZES = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    """(T, Z, C, Y, X) = (2, 4, 2, 40, 48)."""
    stack = ff.simulate((40, 48), 4, seed=3).stack
    return np.stack([np.stack([stack, stack // 2], 1), np.stack([stack[::-1], stack[::-1] // 3], 1)])


def written(path: Path, data: np.ndarray, axes: str = "TZCYX", **metadata: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"photometric": "rgb"} if axes.endswith("S") else {}
    tifffile.imwrite(path, data, ome=True, metadata={"axes": axes, **metadata}, **options)
    return path


def fused(path: Path, out: Path, *, axis: str | None = None, **options: Any) -> Path:
    drain(api.iter_fuse_file(api.open_hyperstack(path, axis=axis), out, **{"method": "log", **options}))
    return out


def assert_same(first: Path, second: Path) -> None:
    """All files but the recipe, and what the recipe says but where the inputs are."""
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert "recipe.json" in names
    for name in set(names) - {"recipe.json"}:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    one, two = (json.loads((folder / "recipe.json").read_text("utf-8")) for folder in (first, second))
    for recipe in (one, two):
        for entry in (*recipe["inputs"], recipe["source"]):
            entry.pop("path", None)
    assert one == two


@pytest.mark.parametrize(
    "options",
    [
        {"decide_on": 1},
        {"decide_on": "sum", "offsets": [0, 1], "config": ff.LoGConfig(sigma=1.3)},
        {"decide_on": "each", "z_step": 0.7, "pixel_size": (0.3, 0.2)},
        {"method": "lp", "config": ff.PyramidConfig(levels=2)},
        {"method": "max"},
        {"method": "sesf", "config": ff.FusionConfig(preset="paper", radius=3)},
    ],
)
def test_same_bytes(tmp_path: Path, data: np.ndarray, options: dict[str, Any]) -> None:
    path = written(tmp_path / "cells.ome.tif", data, Channel={"Name": ["DAPI", "GFP"]}, **SIZES)
    folder = fused(path, tmp_path / "deep" / "out", **options)
    result = ff.replay(folder, out=tmp_path / "again")
    assert_same(folder, tmp_path / "again")
    assert ff.check_replay(tmp_path / "again") == []
    np.testing.assert_array_equal(result.image, tifffile.imread(folder / "fused.ome.tif"))


@pytest.mark.parametrize(
    ("axes", "axis", "names"),
    [
        ("TCYX", "T", {}),  # a stack axis of another name, without sizes
        ("TZYX", None, SIZES),
        ("TZYXS", None, SIZES),
        ("ZCYX", None, {"Channel": {"Name": ["0", "1"]}}),
        ("ZYX", None, {}),  # one stack is no hyperstack, but may be fused as one
    ],
)
def test_axes_of_all_kinds(tmp_path: Path, data: np.ndarray, axes: str, axis: str | None, names: Any) -> None:
    shaped = {
        "TCYX": data[0],
        "TZYX": data[:, :, 0],
        "TZYXS": np.repeat(data[:, :, 0, ..., None], 3, -1),
        "ZCYX": data[0],
        "ZYX": data[0, :, 0],
    }[axes]
    folder = fused(written(tmp_path / "a.ome.tif", shaped, axes, **names), tmp_path / "out", axis=axis)
    ff.replay(folder, out=tmp_path / "again")
    assert_same(folder, tmp_path / "again")


def test_uneven_positions(tmp_path: Path, data: np.ndarray) -> None:
    position = [0.0, 1.0, 2.5, 4.9]
    plane = {"PositionZ": position, "PositionZUnit": ["µm"] * 4}
    path = written(tmp_path / "a.ome.tif", data[:1, :, 0], "TZYX", Plane=plane, **SIZES)
    with pytest.warns(ff.FocusFuseWarning, match="um apart"):
        file = api.open_hyperstack(path)
    drain(api.iter_fuse_file(file, tmp_path / "out", method="log"))
    ff.replay(tmp_path / "out", out=tmp_path / "again")
    assert_same(tmp_path / "out", tmp_path / "again")


def test_inputs_are_checked_and_may_move(tmp_path: Path, data: np.ndarray) -> None:
    path = written(tmp_path / "here" / "data" / "cells.ome.tif", data)
    fused(path, tmp_path / "here" / "out")
    (tmp_path / "here").rename(tmp_path / "there")
    folder, path = tmp_path / "there" / "out", tmp_path / "there" / "data" / "cells.ome.tif"
    assert ff.check_replay(folder) == []
    old = path.read_bytes()
    path.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(StackError, match=r"cells\.ome\.tif is not the file that was fused"):
        ff.replay(folder, out=tmp_path / "again")
    path.unlink()
    with pytest.raises(StackError, match=r"cells\.ome\.tif is missing"):
        ff.replay(folder, out=tmp_path / "again")
    assert not (tmp_path / "again").exists()
    moved = tmp_path / "moved.tif"
    moved.write_bytes(old)
    assert ff.check_replay(folder, source=moved) == []
    content = bytearray((folder / "depth.ome.tif").read_bytes())
    content[-1] ^= 1
    (folder / "depth.ome.tif").write_bytes(content)
    assert ff.check_replay(folder, source=moved) == ["depth.ome.tif"]


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    change(recipe)
    (folder / "recipe.json").write_text(json.dumps(recipe), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda recipe: recipe.update(inputs=[]), FocusFuseError, "names no input files"),
        (lambda recipe: recipe.update(source={}), FocusFuseError, "earlier versions did not note it"),
        (lambda recipe: recipe["source"].update(axis="Q"), FocusFuseError, "does not say how its positions lie"),
        (lambda recipe: recipe.update(z=[0, 1]), StackError, "has 4 slices, the recipe 2"),
        (lambda recipe: recipe["made by"].update(axes="PZYX"), StackError, "no axis 'P'"),
        (lambda recipe: recipe["made by"].update(axes="ZYX"), StackError, "has other axes"),
        (lambda recipe: recipe["made by"].update(axes="TZYXS"), StackError, "has other axes"),
        (lambda recipe: recipe["made by"].update(model_sha256="0" * 64), ModelError, "is not the one that was used"),
    ],
)
def test_what_cannot_be_followed(tmp_path: Path, data: np.ndarray, change: Any, error: Any, says: str) -> None:
    deep = {"method": "sesf", "config": ff.FusionConfig(preset="paper")} if "model" in says or "one" in says else {}
    path = written(tmp_path / "a.ome.tif", data[:, :, 0, :16, :16], "TZYX")
    folder = changed(fused(path, tmp_path / "out", **deep), change)
    with pytest.raises(error, match=says):
        ff.replay(folder, out=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_an_array_without_a_file(tmp_path: Path, data: np.ndarray) -> None:
    result = ff.fuse_hyperstack(data, "TZCYX", method="log")
    folder = drain(api.iter_save_hyperstack(tmp_path / "out", result))
    with pytest.raises(FocusFuseError, match="a layer or array without files"):
        ff.replay(folder)


def test_a_layer_of_a_channel(tmp_path: Path, data: np.ndarray) -> None:
    """As the widget notes it: the viewer's names of axes, in another order."""
    path = written(tmp_path / "cells.ome.tif", data)
    result = ff.fuse_hyperstack(data[:, :, 1].transpose(1, 2, 3, 0), "ZYXT", method="log")
    names = {"T": "t", "Z": "axis -3", "Y": "y", "X": "x"}
    source = {"axis": "Z", "rgb": False, "position": {"c": 1}, "axes": names}
    work = api.iter_save_hyperstack(tmp_path / "out", result, inputs=[path], source=source, z_step=2.0)
    assert ff.check_replay(drain(work)) == []


def test_a_folder_of_files(tmp_path: Path, data: np.ndarray) -> None:
    for k, plane in enumerate(data[0, :, 0]):
        io.write_image(tmp_path / "beads" / f"z{k}.png", plane)
    folder = fused(tmp_path / "beads", tmp_path / "out")
    assert ff.check_replay(folder) == []
    io.write_image(tmp_path / "beads" / "z9.png", data[0, 0, 0])
    with pytest.raises(StackError, match=r"no longer holds the same files \(z9\.png\)"):
        ff.replay(folder)


@pytest.mark.parametrize("picked", [(0, 2, 3), (3, 2, 1, 0)])
def test_files_picked_from_a_folder(tmp_path: Path, data: np.ndarray, picked: tuple[int, ...]) -> None:
    """Some of them, or all in an order of one's own."""
    for k, plane in enumerate(data[0, :, 0]):
        io.write_image(tmp_path / "beads" / f"z{k}.png", plane)
    file = io.read_files([tmp_path / "beads" / f"z{k}.png" for k in picked])
    drain(api.iter_fuse_file(file.hyperstack(), tmp_path / "out", method="log"))
    assert ff.check_replay(tmp_path / "out") == []
