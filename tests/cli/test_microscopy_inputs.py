"""What microscopes and their programs write, through the command line: type, colour, calibration and pixels are right.

The rows are those in which stacking programs for photographs fail: see docs/opening.md.
"""

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
#: Classical and quick: what is tested is the way in and out.
METHOD = ("--method", "log")
SIZES = {"z_step": 2.0, "pixel_size": (0.5, 0.25)}


def depths(stack: np.ndarray) -> dict[str, np.ndarray]:
    """The stack in the types and colours of microscopes."""
    rgb = np.stack([stack, stack // 2, stack // 3], axis=-1)
    return {
        "16-bit RGB": rgb,
        "16-bit grey": stack,
        "12 bits in 16": stack >> 4,
        "8-bit grey": (stack >> 8).astype(np.uint8),
        "8-bit RGB": (rgb >> 8).astype(np.uint8),
        "float32 grey": (stack / 65535).astype(np.float32),
        "float32 grey beyond 1": stack.astype(np.float32) - 100,
    }


def fused(folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """The fused image and the recipe of the one result in a folder."""
    (result,) = folder.iterdir()
    return io.read_image(result / "fused.ome.tif"), json.loads((result / "recipe.json").read_text("utf-8"))


KINDS = list(depths(np.zeros((1, 1, 1), np.uint16)))


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_series_of_tiffs(run: Runs, stack: np.ndarray, tmp_path: Path, kind: str, compression: str | None) -> None:
    """One file a slice; LZW with a predictor is what OpenCV and many cameras write."""
    images = depths(stack)[kind]
    folder = tmp_path / "series"
    folder.mkdir()
    options: dict[str, Any] = {"compression": compression, "predictor": compression is not None, "metadata": None}
    for k, image in enumerate(images):
        tifffile.imwrite(folder / f"slice{k}.tif", image, photometric="rgb" if image.ndim == 3 else None, **options)
    done = run("fuse", folder, "-o", tmp_path / "out", *METHOD)
    assert (done.code, done.err) == (0, "")
    assert "depth in slices" in done.out
    image, recipe = fused(tmp_path / "out")
    assert image.dtype == images.dtype
    np.testing.assert_array_equal(image, ff.fuse(images, method="log").image)
    assert (recipe["z_step_um"], recipe["pixel_size_um"]) == (None, None)


def zyx_ome(path: Path, stack: np.ndarray) -> None:
    io.write_stack(path, stack, **SIZES)


def pages(path: Path, stack: np.ndarray) -> None:
    """Pages and a resolution in pixels per centimetre."""
    resolution = {"resolution": (40000, 20000), "resolutionunit": "centimeter"}
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=None, **resolution)


def imagej(path: Path, stack: np.ndarray) -> None:
    metadata = {"axes": "ZYX", "spacing": 2.0, "unit": "\\u00B5m"}
    tifffile.imwrite(path, stack, imagej=True, resolution=(4, 2), metadata=metadata)


def singletons(path: Path, stack: np.ndarray) -> None:
    """(T, C, Z, Y, X) with one time point and one channel, sizes in nm."""
    sizes = {"PhysicalSizeZ": 2000, "PhysicalSizeY": 500, "PhysicalSizeX": 250}
    metadata = {"axes": "TCZYX", **sizes, **{f"{name}Unit": "nm" for name in sizes}}
    tifffile.imwrite(path, stack[None, None], photometric="minisblack", metadata=metadata)


@pytest.mark.parametrize(("write", "z_step"), [(zyx_ome, 2.0), (imagej, 2.0), (singletons, 2.0), (pages, None)])
def test_one_file_is_the_same_as_its_slices_and_keeps_its_calibration(
    run: Runs, stack: np.ndarray, tmp_path: Path, write: Callable[[Path, np.ndarray], None], z_step: float | None
) -> None:
    path = tmp_path / ("stack.tif" if write in (pages, imagej) else "stack.ome.tif")
    write(path, stack)
    assert run("fuse", path, "-o", tmp_path / "out", *METHOD).code == 0
    image, recipe = fused(tmp_path / "out")
    np.testing.assert_array_equal(image, ff.fuse(stack, method="log").image)
    assert recipe["z_step_um"] == (None if z_step is None else pytest.approx(z_step))
    assert recipe["depth_unit"] == ("in the units of z" if z_step is None else "um")
    for name in ("fused", "index", "depth", "confidence", "flags"):
        file = io.read_stack(tmp_path / "out" / "stack" / f"{name}.ome.tif")
        assert (file.axes, file.pixel_size) == ("YX", pytest.approx((0.5, 0.25)))
        assert file.notes == ()


def test_a_hyperstack_is_never_mixed_into_one_picture(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    data = np.stack([np.stack([stack, stack // 2], axis=1)] * 2)
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, data, photometric="minisblack", metadata={"axes": "TZCYX"})
    done = run("fuse", path, "-o", tmp_path / "out", *METHOD)
    assert done.code == 2
    assert "T = 2, Z = 4, C = 2" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_uneven_and_descending_positions_give_the_depth(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    metadata: dict[str, Any] = {"axes": "ZYX", "PhysicalSizeZ": 1.0}
    for name, z, warned in (("uneven", [0.0, 1.0, 3.0, 6.0], 1), ("down", [6.0, 4.0, 2.0, 0.0], 0)):
        plane = {"PositionZ": [100 + value for value in z], "PositionZUnit": ["µm"] * 4}
        physical = {"PhysicalSizeZ": 2.0} if name == "down" else {}
        path = tmp_path / f"{name}.ome.tif"
        tifffile.imwrite(path, stack, photometric="minisblack", metadata={**metadata, **physical, "Plane": plane})
        done = run("fuse", path, "-o", tmp_path / "out", *METHOD)
        assert done.code == 0
        assert done.err.count("warning: ") == warned
        recipe = json.loads((tmp_path / "out" / name / "recipe.json").read_text("utf-8"))
        assert (recipe["z"], recipe["z_step_um"], recipe["depth_unit"]) == (z, 2.0, "um")
        expected = ff.fuse(stack, method="log", z=z).decision
        depth = io.read_image(tmp_path / "out" / name / "depth.ome.tif")
        np.testing.assert_allclose(depth, expected.depth, rtol=1e-5)
        np.testing.assert_array_equal(io.read_image(tmp_path / "out" / name / "index.ome.tif"), expected.index)


def test_a_folder_of_pairs_is_a_batch(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for k, name in enumerate(("bee", "ant.v2")):
        for half, image in zip("AB", stack[k : k + 2], strict=True):
            io.write_image(folder / f"{name}_{half}.png", image)
    done = run("fuse", folder, "-o", tmp_path / "out", *METHOD)
    assert (done.code, done.err) == (0, "")
    assert [line.split(" (")[0] for line in done.out.splitlines()] == [
        *(f"done: {folder / name} -> {tmp_path / 'out' / name}" for name in ("ant.v2", "bee")),
        "2 done",
    ]
    expected = ff.fuse(stack[:2], method="log").image
    np.testing.assert_array_equal(io.read_image(tmp_path / "out" / "bee" / "fused.ome.tif"), expected)
    recipe = json.loads((tmp_path / "out" / "bee" / "recipe.json").read_text("utf-8"))
    assert [Path(entry["path"]).name for entry in recipe["inputs"]] == ["bee_A.png", "bee_B.png"]
    refused = run("fuse", folder, "-o", tmp_path / "out.tif", *METHOD)
    assert (refused.code, refused.out) == (2, "")
    assert "one file for 2 inputs" in refused.err


def test_what_the_metadata_contradict_is_said(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeZ": 0}
    path = tmp_path / "s.ome.tif"
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=metadata)
    done = run("fuse", path, "-o", tmp_path / "out", *METHOD)
    assert done.code == 0
    assert done.err == f"warning: {path} states a z-step of 0: it is treated as unknown\n"
    assert run("fuse", path, "-o", tmp_path / "out", *METHOD, "--z-step", "3", "--overwrite").code == 0
    assert fused(tmp_path / "out")[1]["z_step_um"] == 3.0


def test_the_fusion_of_a_pair_can_be_replayed(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for k, name in enumerate(("bee", "ant")):
        for half, image in zip("AB", stack[k : k + 2], strict=True):
            io.write_image(folder / f"{name}_{half}.png", image)
    done = run("fuse", folder, "-o", tmp_path / "out", *METHOD)
    assert (done.code, done.err) == (0, "")
    assert ff.check_replay(tmp_path / "out" / "bee") == []
