"""``focusfuse fuse --all-positions``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import io

Runs = Callable[..., Any]
METHOD = ("--method", "log")


@pytest.fixture
def series(tmp_path: Path, stack: np.ndarray) -> Path:
    """T = 2, Z = 4, C = 2, with names and sizes."""
    data = np.stack([np.stack([stack, stack // 2]), np.stack([stack[::-1], stack[::-1] // 3])])
    path = tmp_path / "cells.ome.tif"
    sizes = {f"PhysicalSize{axis}": size for axis, size in zip("XYZ", (0.5, 0.5, 2.0), strict=True)}
    metadata = {"axes": "TZCYX", "Channel": {"Name": ["DAPI", "GFP"]}, **sizes}
    tifffile.imwrite(path, data.transpose(0, 2, 1, 3, 4), metadata=metadata)
    return path


def test_without_the_flag_it_is_named(run: Runs, series: Path, tmp_path: Path) -> None:
    done = run("fuse", series, "-o", tmp_path / "out")
    assert done.code == 2
    assert "T = 2, Z = 4, C = 2" in done.err
    assert "--all-positions" in done.err


@pytest.mark.parametrize("decide_on", ["0", "DAPI"])
def test_a_channel_decides_and_the_axes_are_kept(
    run: Runs, series: Path, stack: np.ndarray, tmp_path: Path, decide_on: str
) -> None:
    done = run("fuse", series, "-o", tmp_path / "out", "--decide-on", decide_on, *METHOD)
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / "out" / "cells"
    fused = io.read_stack(folder / "fused.ome.tif")
    assert (fused.axes, fused.pixel_size) == ("TCYX", (0.5, 0.5))
    assert [channel.name for channel in fused.channels] == ["DAPI", "GFP"]
    decision = ff.decide(stack, method="log", z=[0, 2, 4, 6])
    np.testing.assert_array_equal(fused.data[0, 1], ff.blend(stack // 2, decision))
    depth = io.read_stack(folder / "depth.ome.tif")
    assert depth.axes == "TYX"
    np.testing.assert_array_equal(depth.data[0], decision.depth)
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    assert (recipe["made by"]["decided_on"], recipe["depth_unit"], recipe["z_step_um"]) == (0, "um", 2.0)


def test_what_is_for_single_stacks_is_not_ignored(run: Runs, series: Path, tmp_path: Path) -> None:
    done = run("fuse", series, "-o", tmp_path / "out", "--all-positions", "--refractive-index", "1.33", "--zarr")
    assert (done.code, "cannot have a refractive index and OME-Zarr" in done.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_images_alone(run: Runs, series: Path, tmp_path: Path) -> None:
    assert run("fuse", series, "-o", tmp_path / "a.ome.tif", "--all-positions", "--method", "max").code == 0
    expected = tifffile.imread(series).max(1)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.ome.tif"), expected)


def test_a_batch_may_hold_plain_stacks_too(run: Runs, series: Path, slices: Path, tmp_path: Path) -> None:
    done = run("fuse", series, slices, "-o", tmp_path / "out", "--all-positions", *METHOD)
    assert (done.code, done.err) == (0, "")
    assert io.read_stack(tmp_path / "out" / "cells" / "index.ome.tif").axes == "TYX"
    assert io.read_image(tmp_path / "out" / "beads" / "index.ome.tif").ndim == 2


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("out", ("--decide-on", "RFP"), "there is no channel 'RFP' to decide on: choose sum, each, or one of 0 (DAPI)"),
        ("a.png", ("--all-positions",), "use .tif"),
        ("out", ("--decide-on", "0", "--method", "max"), "makes no decision map that channels could share"),
    ],
)
def test_refusals_leave_nothing(
    run: Runs, series: Path, tmp_path: Path, name: str, options: tuple[str, ...], says: str
) -> None:
    done = run("fuse", series, "-o", tmp_path / name, *options)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cells.ome.tif"]
