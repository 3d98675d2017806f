"""A result as a folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_focusfuse import io
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.result import Decision, FusionResult
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io import result as written

FILES = ["confidence.ome.tif", "depth.ome.tif", "flags.ome.tif", "fused.ome.tif", "index.ome.tif", "recipe.json"]


def make(z: np.ndarray, value: int = 7) -> FusionResult:
    index = np.arange(6).reshape(2, 3).astype(np.int16) % len(z)
    depth = z[index].astype(np.float32)
    depth[0, 0] = np.nan
    decision = Decision(
        labels=index[None],
        weights=np.ones((1, 2, 3), np.float32),
        depth=depth,
        confidence=np.full((2, 3), 0.5, np.float32),
        flags=np.zeros((2, 3), np.uint16),
        z=z,
        info={"method": "sesf", "model_sha256": "abc", "config": FusionConfig(preset="paper")},
    )
    return FusionResult(np.full((2, 3), value, np.uint16), decision, "4 slices, 2 x 3 px")


def write(folder: Path, result: FusionResult | None = None, **options: Any) -> Path:
    result = result or make(np.arange(4.0))
    return io.write_result(folder, result, recipe=io.make_recipe(result), **options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_types_and_sizes(tmp_path: Path) -> None:
    folder = write(tmp_path / "out" / "beads", pixel_size=(0.5, 0.25), z_step=2.0)
    assert names(folder) == FILES
    assert names(tmp_path / "out") == ["beads"]
    result = make(np.arange(4.0))
    assert result.decision is not None
    images = {name: io.read_image(folder / f"{name}.ome.tif") for name in ("fused", "index", "depth", "confidence")}
    assert [image.dtype for image in images.values()] == ["uint16", "int16", "float32", "float32"]
    np.testing.assert_array_equal(images["fused"], result.image)
    np.testing.assert_array_equal(images["index"], result.decision.index)
    np.testing.assert_array_equal(images["confidence"], result.decision.confidence)
    for name in images:
        assert io.read_stack(folder / f"{name}.ome.tif").pixel_size == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize(
    ("z", "z_step", "factor", "unit"),
    [
        ([0, 1, 2, 3], 2.0, 2.0, "um"),
        ([0, 2, 4, 6], 2.0, 1.0, "um"),
        ([6, 4, 2, 0], 2.0, 1.0, "um"),
        ([10, 12, 14, 16], 2.0, 1.0, "um"),
        ([0, 1, 2, 3], None, 1.0, "in the units of z"),
    ],
)
def test_depth_is_in_um_where_the_step_is_known(
    tmp_path: Path, z: list[float], z_step: float | None, factor: float, unit: str
) -> None:
    result = make(np.array(z, np.float64))
    folder = write(tmp_path / "out", result, z_step=z_step)
    assert result.decision is not None
    depth = io.read_image(folder / "depth.ome.tif")
    np.testing.assert_allclose(depth, result.decision.depth * factor)
    assert np.isnan(depth[0, 0])
    assert json.loads((folder / "recipe.json").read_text("utf-8"))["depth_unit"] == unit
    with tifffile.TiffFile(folder / "depth.ome.tif") as tif:
        channel = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]["Channel"]
    assert channel["Name"] == f"depth, {unit}"


def test_recipe(tmp_path: Path) -> None:
    (tmp_path / "z0.png").write_bytes(b"slice 0")
    (tmp_path / "z.zarr").mkdir()
    (tmp_path / "z.zarr" / "0").write_bytes(b"chunk")
    result = make(np.arange(4.0))
    recipe = io.make_recipe(
        result, inputs=[tmp_path / "z0.png", tmp_path / "z.zarr"], pixel_size=(0.5, 0.25), z_step=np.float64(2)
    )
    io.write_result(tmp_path / "out", result, recipe=recipe)
    read = json.loads((tmp_path / "out" / "recipe.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert read["inputs"][0] == {
        "path": str(tmp_path / "z0.png"),
        "sha256": hashlib.sha256(b"slice 0").hexdigest(),
    }
    listing = f"0 {hashlib.sha256(b'chunk').hexdigest()}\n"
    assert read["inputs"][1]["sha256"] == hashlib.sha256(listing.encode()).hexdigest()
    assert read["z"] == [0, 1, 2, 3]
    assert (read["z_step_um"], read["pixel_size_um"], read["summary"]) == (2.0, [0.5, 0.25], result.summary)
    assert read["made by"]["model_sha256"] == "abc"
    assert read["made by"]["config"]["preset"] == "paper"
    assert read["made by"]["config"]["softness"] == "inf"
    assert read["versions"]["numpy"] == np.__version__
    assert {key: read[key] for key in recipe} == recipe
    assert io.make_recipe(result, inputs=[tmp_path / "gone.png"])["inputs"][0]["sha256"] is None


def test_without_a_decision(tmp_path: Path) -> None:
    result = FusionResult(np.zeros((2, 3), np.uint8), None, "a projection", {"method": "max"})
    folder = write(tmp_path / "out", result)
    assert names(folder) == ["fused.ome.tif", "recipe.json"]
    read = json.loads((folder / "recipe.json").read_text("utf-8"))
    assert (read["made by"], read["z"], read["summary"]) == ({"method": "max"}, None, "a projection")


def test_maps_of_an_earlier_result_do_not_stay_beside_an_image_without_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "out")
    write(tmp_path / "out", FusionResult(np.zeros((2, 3), np.uint8), None, "a projection"), overwrite=True)
    assert names(folder) == ["fused.ome.tif", "recipe.json"]


def test_same_result_same_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path / "1", z_step=2.0), write(tmp_path / "2", z_step=2.0)
    for name in FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_an_earlier_result_is_kept_unless_overwriting_is_allowed(tmp_path: Path) -> None:
    folder = write(tmp_path / "out")
    with pytest.raises(OutputError, match="exists"):
        write(folder, make(np.arange(4.0), 9))
    np.testing.assert_array_equal(io.read_image(folder / "fused.ome.tif"), 7)
    write(folder, make(np.arange(4.0), 9), overwrite=True)
    np.testing.assert_array_equal(io.read_image(folder / "fused.ome.tif"), 9)
    assert names(tmp_path) == ["out"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    slices = tmp_path / "beads"
    slices.mkdir()
    (slices / "z0.png").write_bytes(b"raw data")
    with pytest.raises(OutputError, match=r"beads is not replaced.*z0\.png"):
        write(slices, overwrite=True)
    assert (slices / "z0.png").read_bytes() == b"raw data"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="there is a file of that name"):
        write(tmp_path / "file", overwrite=True)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failure_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, exists: bool
) -> None:
    folder = tmp_path / "results" / "beads"
    before = {path.name: path.read_bytes() for path in write(folder).iterdir()} if exists else {}
    put_tiff, calls = written.put_tiff, []

    def fail_at_the_second_map(path: Path, *args: Any, **options: Any) -> Path:
        calls.append(path)
        if len(calls) == 2:
            raise failure
        return put_tiff(path, *args, **options)

    monkeypatch.setattr(written, "put_tiff", fail_at_the_second_map)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write(folder, make(np.arange(4.0), 9), overwrite=True)
    assert len(calls) == 2
    if exists:
        assert names(tmp_path / "results") == ["beads"]
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    else:
        assert names(tmp_path) == []


def test_the_old_result_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "beads")
    rename, calls = Path.rename, []

    def fail_at_the_second(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_at_the_second)
    with pytest.raises(OutputError, match="Input/output error"):
        write(folder, make(np.arange(4.0), 9), overwrite=True)
    assert names(tmp_path) == ["beads"]
    np.testing.assert_array_equal(io.read_image(folder / "fused.ome.tif"), 7)


def test_a_result_that_came_in_the_meantime_stays(tmp_path: Path) -> None:
    folder = tmp_path / "beads"
    work = io.iter_write_result(folder, make(np.arange(4.0), 7), recipe={})
    next(work)
    write(folder, make(np.arange(4.0), 9))
    with pytest.raises(OutputError, match="beads exists, another program wrote it"):
        list(work)
    assert names(tmp_path) == ["beads"]
    np.testing.assert_array_equal(io.read_image(folder / "fused.ome.tif"), 9)


@pytest.mark.parametrize("place", ["notes.txt", "fused.ome.zarr/notes.txt"])
def test_what_was_put_into_a_result_meanwhile_is_not_deleted(tmp_path: Path, place: str) -> None:
    pytest.importorskip("zarr", reason="the extra zarr is not installed")
    folder = write(tmp_path / "beads", zarr=True)
    work = io.iter_write_result(folder, make(np.arange(4.0), 9), recipe={}, overwrite=True)
    next(work)
    (folder / place).write_text("mine")
    with pytest.raises(OutputError, match=rf"beads is not replaced, it has more than a result \({place}\)"):
        list(work)
    assert names(tmp_path) == ["beads"]
    assert (folder / place).read_text() == "mine"
    (folder / place).unlink()
    write(folder, make(np.arange(4.0), 9), overwrite=True)
    assert names(tmp_path) == ["beads"]
