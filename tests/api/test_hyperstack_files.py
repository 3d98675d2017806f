"""Hyperstacks on disk, by the public functions."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import api, io
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError

METHOD = {"method": "log"}  # quick, and decides


@pytest.fixture
def data() -> np.ndarray:
    """(C, Z, Y, X) = (2, 4, 48, 56)."""
    stack = ff.simulate((48, 56), 4, seed=1).stack
    return np.stack([stack, stack // 2])


@pytest.fixture
def path(tmp_path: Path, data: np.ndarray) -> Path:
    found = tmp_path / "cells.ome.tif"
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(found, data, metadata={"axes": "CZYX", **sizes})
    return found


def recipe_of(folder: Path) -> dict:
    return json.loads((folder / "recipe.json").read_text("utf-8"))


def test_depth_is_in_um_where_the_recipe_says_so(tmp_path: Path, data: np.ndarray) -> None:
    for z, factor in ((None, 2.0), ([0, 2, 4, 6], 1.0)):
        result = ff.fuse_hyperstack(data, "CZYX", z=z, **METHOD)
        folder = drain(api.iter_save_hyperstack(tmp_path / f"of {z}", result, z_step=2.0))
        np.testing.assert_allclose(tifffile.imread(folder / "depth.ome.tif"), factor * result.depth)
        assert (recipe_of(folder)["depth_unit"], len(recipe_of(folder)["z"])) == ("um", 4)
        folder = drain(api.iter_save_hyperstack(tmp_path / f"{z} without", result))
        np.testing.assert_array_equal(tifffile.imread(folder / "depth.ome.tif"), result.depth)
        assert recipe_of(folder)["depth_unit"] == ("slices" if z is None else "in the units of z")


def test_sizes_are_those_of_the_file(tmp_path: Path, path: Path, data: np.ndarray) -> None:
    drain(api.iter_fuse_file(api.open_hyperstack(path), tmp_path / "out", **METHOD))
    recipe = recipe_of(tmp_path / "out")
    assert (recipe["depth_unit"], recipe["z_step_um"], recipe["pixel_size_um"]) == ("um", 2.0, [0.5, 0.5])
    depth = ff.fuse_hyperstack(data, "CZYX", z=[0, 2, 4, 6], **METHOD).depth
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "depth.ome.tif"), depth)


def test_what_takes_one_stack_says_so(tmp_path: Path, path: Path) -> None:
    drain(api.iter_fuse_file(api.open_hyperstack(path), tmp_path / "out", **METHOD))
    with pytest.raises(FocusFuseError, match="several positions"):
        api.export(tmp_path / "out", tmp_path / "z.tif")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells which files are mapped")
def test_no_file_is_open_when_it_gets_its_name(
    tmp_path: Path, path: Path, data: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to rename a folder in which a file is mapped."""
    from napari_focusfuse.io import planes

    mapped: list[bool] = []

    def spy(part: Path, target: Path, *, overwrite: bool) -> None:
        mapped.append(str(part) in Path("/proc/self/maps").read_text())
        part.rename(target)

    monkeypatch.setattr(planes, "exchange", spy)
    drain(api.iter_fuse_file(api.open_hyperstack(path), tmp_path / "a", **METHOD))
    drain(api.iter_save_hyperstack(tmp_path / "b", ff.fuse_hyperstack(data, "CZYX", **METHOD)))
    assert mapped == [False, False]
    assert io.read_stack(tmp_path / "a" / "fused.ome.tif").data.shape[0] == 2


def test_what_cannot_be_so_in_a_file_is_told(tmp_path: Path, data: np.ndarray) -> None:
    path = tmp_path / "odd.ome.tif"
    tifffile.imwrite(path, data, metadata={"axes": "CZYX", "PhysicalSizeZ": 0.0})
    with pytest.warns(ff.FocusFuseWarning, match="z-step of 0"):
        api.open_hyperstack(path)


@pytest.mark.parametrize(("axes", "ome"), [("ICZYX", False), ("KZCYX", False), ("PTZYX", True), ("PQRTZYX", False)])
def test_axes_that_ome_has_no_word_for(tmp_path: Path, data: np.ndarray, axes: str, ome: bool) -> None:
    """They are kept: plain TIFF tells them in its own way."""
    stacks = np.broadcast_to(data[0], (*(2 for letter in axes if letter not in "ZYX"), *data[0].shape))
    stacks = np.moveaxis(stacks, -3, axes.index("Z"))
    result = ff.fuse_hyperstack(stacks, axes, **METHOD)
    folder = drain(api.iter_save_hyperstack(tmp_path / "out", result, pixel_size=(0.5, 0.25)))
    for name, wanted, values in (
        ("fused", result.axes, result.image),
        ("confidence", result.map_axes, result.confidence),
    ):
        file = api.open_file(folder / f"{name}.ome.tif")
        assert (file.axes, file.pixel_size, file.notes) == (wanted, (0.5, 0.25), ())
        np.testing.assert_array_equal(np.asarray(file.data), values)
        with tifffile.TiffFile(folder / f"{name}.ome.tif") as tif:
            assert tif.is_ome == ome
