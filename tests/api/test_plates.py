"""Plates of OME-Zarr: fused field by field, to a plate."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.errors import OutputError, StackError

zarr = pytest.importorskip("zarr", reason="the extra zarr is not installed")

KILLS = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
FIELDS = ["A/01/0", "A/01/1", "A/02/0", "A/02/1", "A/03/0", "A/03/1"]


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def told(folder: Path) -> dict[str, Any]:
    """What a group says of itself as OME-Zarr of either version."""
    attributes = dict(zarr.open_group(folder, mode="r").attrs)
    return attributes.get("ome", attributes)


@pytest.fixture(scope="module", params=["0.4", "0.5"])
def plate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three wells of two fields, with "fused.zarr" beside."""
    folder = tmp_path_factory.mktemp("plate")
    made = ff.simulate_plate(folder / "plate.zarr", wells=3, size=48, slices=3, version=request.param)
    assert {done.state for done in ff.fuse_many(made, folder / "fused.zarr", method="sf")} == {"done"}
    return made


def fused(plate: Path) -> Path:
    return plate.with_name("fused.zarr")


def test_a_plate_becomes_a_plate(plate: Path) -> None:
    source, result = told(plate)["plate"], told(fused(plate))["plate"]
    assert result == source
    assert [well["path"] for well in result["wells"]] == ["A/01", "A/02", "A/03"]
    for field in FIELDS:
        stack, image = told(plate / field), told(fused(plate) / field)
        assert image["omero"]["channels"] == stack["omero"]["channels"]
        (before,), (after,) = stack["multiscales"], image["multiscales"]
        assert after["name"] == before["name"]
        assert after["axes"] == [axis for axis in before["axes"] if axis["name"] != "z"]
        (scale,) = before["datasets"][0]["coordinateTransformations"]
        assert after["datasets"][0]["coordinateTransformations"][0]["scale"] == [scale["scale"][k] for k in (0, 2, 3)]
    assert told(plate / "A/02") == told(fused(plate) / "A/02")


def test_pixels_maps_and_provenance(plate: Path) -> None:
    file = ff.open_hyperstack(plate / "A/02/1")
    wanted = ff.fuse_hyperstack(file.data, file.axes, z=file.positions(), method="sf")
    image = zarr.open_group(fused(plate) / "A/02/1", mode="r")
    np.testing.assert_array_equal(image["0"][:], wanted.image)
    np.testing.assert_array_equal(image["labels/slice/0"][:][0], wanted.index + 1)
    np.testing.assert_array_equal(image["maps/depth/0"][:][0], wanted.depth)
    np.testing.assert_array_equal(image["maps/confidence/0"][:][0], wanted.confidence)
    assert told(fused(plate) / "A/02/1/labels")["labels"] == ["slice"]
    recipe = io.read_recipe(fused(plate) / "A/02/1")
    assert (recipe["made by"]["method"], recipe["depth_unit"]) == ("sf", "um")
    assert recipe["inputs"][0]["path"] == str((plate / "A/02/1").resolve())


def test_all_of_it_is_valid_by_another_program(plate: Path) -> None:
    yaozarrs = pytest.importorskip("yaozarrs", reason="the extra test is not installed")
    for root in (plate, fused(plate)):
        yaozarrs.validate_zarr_store(str(root))
    for name in ("labels/slice", "maps/depth", "maps/confidence", "maps/flags"):
        yaozarrs.validate_zarr_store(str(fused(plate) / "A/01/0" / name))


def test_a_field_is_opened_as_any_image_and_a_plate_is_not(plate: Path) -> None:
    file = ff.open_file(plate / "A/03/0")
    assert (file.axes, [channel.name for channel in file.channels]) == ("CZYX", ["channel 0", "channel 1"])
    assert ff.open_file(fused(plate) / "A/03/0").pixel_size == file.pixel_size
    advice = r"plate\.zarr is a plate: fuse all of it into another plate, .* such as .*A/01/0"
    with pytest.raises(StackError, match=advice):
        ff.open_stack(plate)
    with pytest.raises(StackError, match=advice):
        ff.fuse(plate)
    with pytest.raises(StackError, match="is a path: open it with open_stack"):
        ff.fuse(str(plate / "A/03/0"))


def test_what_is_missing_or_damaged_does_not_stop_the_others(plate: Path, tmp_path: Path) -> None:
    source = shutil.copytree(plate, tmp_path / "p.zarr")
    shutil.rmtree(source / "A/02")
    shutil.rmtree(source / "A/03/0")
    stack = zarr.open_group(source / "A/01/1", mode="r+")
    chunk = next(
        path
        for path in (source / "A/01/1/0").rglob("*")
        if path.is_file() and path.suffix != ".json" and not path.name.startswith(".z")
    )
    chunk.write_bytes(b"no chunk")
    assert stack["0"].shape == (2, 3, 48, 48)
    # Of another size.
    small = ff.simulate_plate(
        tmp_path / "small.zarr", wells=1, fields=1, size=32, slices=4, version=io.read_plate(plate).version
    )
    shutil.rmtree(source / "A/01/0")
    shutil.copytree(small / "A/01/0", source / "A/01/0")
    done = {o.source.relative_to(source).as_posix(): o for o in ff.fuse_many(source, tmp_path / "f.zarr", method="sf")}
    assert {name: o.state for name, o in done.items()} == {
        "A/01/0": "done",
        "A/01/1": "failed",
        "A/02": "failed",
        "A/03/0": "failed",
        "A/03/1": "done",
    }
    assert "A/02 is named by the plate, but there is no image" in done["A/02"].text.replace(os.sep, "/")
    assert "cannot be read" in done["A/01/1"].text
    result = told(tmp_path / "f.zarr")["plate"]
    assert [well["path"] for well in result["wells"]] == ["A/01", "A/03"]
    assert [image["path"] for image in told(tmp_path / "f.zarr/A/03")["well"]["images"]] == ["1"]
    assert not (tmp_path / "f.zarr/A/02").exists()
    assert zarr.open_group(tmp_path / "f.zarr/A/01/0", mode="r")["0"].shape == (2, 32, 32)
    shutil.rmtree(source / "A/01")
    shutil.rmtree(source / "A/03")
    assert {o.state for o in ff.fuse_many(source, tmp_path / "none.zarr", method="sf")} == {"failed"}
    assert not (tmp_path / "none.zarr").exists()


def test_resumed_with_the_same_bytes(plate: Path, tmp_path: Path) -> None:
    out = shutil.copytree(fused(plate), plate.with_name("again.zarr"))
    before = held(out)
    assert {o.state for o in ff.fuse_many(plate, out, method="sf", resume=True)} == {"skipped"}
    shutil.rmtree(out / "A/01/1")
    shutil.rmtree(out / "A/03")
    states = [o.state for o in ff.fuse_many(plate, out, method="sf", resume=True)]
    assert states == ["skipped", "done", "skipped", "skipped", "done", "done"]
    assert held(out) == before
    differing = ff.fuse_many(plate, out, method="log", resume=True)
    assert {(o.state, "in another way (" in o.text) for o in differing} == {("failed", True)}
    assert held(out) == before
    assert {o.state for o in ff.fuse_many(plate, out, method="sf", overwrite=True)} == {"done"}
    assert held(out) == before
    shutil.rmtree(out)


def test_a_target_that_is_not_ours_is_kept(plate: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists: choose another name"):
        ff.fuse_many(plate, fused(plate), method="sf")
    other = shutil.copytree(plate, tmp_path / "other.zarr")
    before = held(other)
    for how in ({"overwrite": True}, {"resume": True}):
        with pytest.raises(OutputError, match="it is not a plate of fused images"):
            ff.fuse_many(plate, other, method="sf", **how)
    assert held(other) == before
    version = {"0.4": "0.5", "0.5": "0.4"}[io.read_plate(plate).version]
    with pytest.raises(OutputError, match=f"cannot be completed as {version}"):
        ff.fuse_many(plate, fused(plate), method="sf", resume=True, zarr_version=version)
    for target, says in (
        (tmp_path / "folder", r"whose name ends in \.zarr"),
        (plate / "x.zarr", "into the plate that is fused"),
        (plate, "into the plate that is fused"),
    ):
        with pytest.raises(OutputError, match=says):
            ff.fuse_many(plate, target, method="sf", overwrite=True)
    with pytest.raises(OutputError, match="fuse it alone"):
        ff.fuse_many([plate, tmp_path / "a.tif"], tmp_path / "x.zarr")
    with pytest.raises(OutputError, match="cannot have a filled depth map"):
        ff.fuse_many(plate, tmp_path / "x.zarr", fill_depth=True)
    with pytest.raises(OutputError, match=r"OME-Zarr 0\.3 is not written"):
        ff.fuse_many(plate, tmp_path / "x.zarr", zarr_version="0.3")
    assert not (tmp_path / "x.zarr").exists()


def test_a_dry_run_of_a_plate(plate: Path, tmp_path: Path) -> None:
    planned = ff.fuse_many(plate, tmp_path / "x.zarr", method="sf", dry_run=True)
    assert {o.state for o in planned} == {"planned"}
    assert [o.target.relative_to(tmp_path / "x.zarr").as_posix() for o in planned] == FIELDS
    assert not (tmp_path / "x.zarr").exists()
    pixels = sum(path.stat().st_size for path in fused(plate).rglob("*") if path.is_file() and not path.suffix)
    assert pixels < sum(o.size for o in planned) * 1.5


def test_one_channel_and_another_version(plate: Path, tmp_path: Path) -> None:
    version = {"0.4": "0.5", "0.5": "0.4"}[io.read_plate(plate).version]
    options = {"channel": "channel 1", "pixel_size": (2.0, 3.0), "zarr_version": version}
    ff.fuse_many(plate, tmp_path / "x.zarr", method="max", **options)
    assert (tmp_path / "x.zarr" / "zarr.json").is_file() == (version == "0.5")
    image = told(tmp_path / "x.zarr/A/01/0")
    assert [channel["label"] for channel in image["omero"]["channels"]] == ["channel 1"]
    assert image["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] == [1.0, 2.0, 3.0]
    assert zarr.open_group(tmp_path / "x.zarr/A/01/0", mode="r")["0"].shape == (1, 48, 48)
    assert not (tmp_path / "x.zarr/A/01/0/labels").exists()
    file = ff.open_hyperstack(tmp_path / "x.zarr/A/01/0", axis="C")
    np.testing.assert_array_equal(file.data[0], np.asarray(ff.open_file(plate / "A/01/0").data)[1].max(axis=0))


def test_on_the_command_line(run, plate: Path, tmp_path: Path) -> None:
    done = run("fuse", plate, "-o", tmp_path / "x.zarr", "--method", "sf", "--json")
    assert done.code == 0
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines[-1]["done"] == len(FIELDS)
    assert "A/02/1" in {line["what"].split(",")[0] for line in lines if line["event"] == "progress"}
    bad = run("fuse", plate, "-o", tmp_path / "x.zarr", "--method", "sf", "--resume", "--zarr-version", "0.6")
    assert (bad.code, "0.6 is not written" in bad.err) == (2, True)


@KILLS
@pytest.mark.slow
def test_killed_and_resumed_with_workers(run, tmp_path: Path) -> None:
    """The client is killed, and before a worker: the bytes are those of an undisturbed run."""
    pytest.importorskip("distributed")
    plate = ff.simulate_plate(tmp_path / "plate.zarr", wells=3, size=48, slices=3)
    ff.fuse_many(plate, tmp_path / "plain.zarr", method="sf")
    out = tmp_path / "out.zarr"
    arguments = ["fuse", str(plate), "-o", str(out), "--method", "sf"]
    command = [sys.executable, "-m", "napari_focusfuse", *arguments, "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        while client.poll() is None and not list(out.glob("A/*/[01]/labels")):
            time.sleep(0.01)
        os.kill(client.pid, signal.SIGKILL)
    done = run(*arguments, "--resume", "--json")
    assert (done.code, json.loads(done.out.splitlines()[-1])["skipped"] > 0) == (0, True)
    assert unhidden(out) == unhidden(tmp_path / "plain.zarr")


def unhidden(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in held(folder).items() if ".part" not in name}
