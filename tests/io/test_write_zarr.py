"""Results as OME-Zarr."""

import json
from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.io.write_zarr import write_zarr

zarr = pytest.importorskip("zarr", reason="the extra zarr is not installed")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pyramid_and_sizes(tmp_path: Path, rng: np.random.Generator) -> None:
    image = rng.integers(0, 65536, (1100, 701), dtype=np.uint16)
    write_zarr(tmp_path / "a.ome.zarr", image, channel="fused", pixel_size=(0.5, 0.25))
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    (described,) = group.attrs["multiscales"]
    levels = [group[level["path"]] for level in described["datasets"]]
    assert [level.shape for level in levels] == [(1100, 701), (550, 351), (275, 176)]
    assert [axis["unit"] for axis in described["axes"]] == ["micrometer"] * 2
    scale, translation = described["datasets"][2]["coordinateTransformations"]
    assert (scale["scale"], translation["translation"]) == ([2.0, 1.0], [0.75, 0.375])
    np.testing.assert_array_equal(levels[0][:], image)
    assert abs(int(levels[1][3, 4]) - image[6:8, 8:10].mean()) <= 0.5
    assert io.read_stack(tmp_path / "a.ome.zarr").pixel_size == pytest.approx((0.5, 0.25))


def test_values_that_name_something_are_not_averaged(tmp_path: Path) -> None:
    index = np.indices((600, 600)).sum(axis=0).astype(np.int16) % 2 * 6
    write_zarr(tmp_path / "a.ome.zarr", index, averaged=False)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert set(np.unique(group["1"][:])) <= {0, 6}
    assert len(group.attrs["multiscales"][0]["datasets"][1]["coordinateTransformations"]) == 1


def test_version_0_5_is_written_in_whole_shards(tmp_path: Path, rng: np.random.Generator) -> None:
    image = rng.integers(0, 255, (1100, 701), dtype=np.uint8)
    write_zarr(tmp_path / "a.ome.zarr", image, channel="fused", pixel_size=(0.5, 0.25), version="0.5")
    write_zarr(tmp_path / "b.ome.zarr", image, channel="fused", pixel_size=(0.5, 0.25))
    new, old = (zarr.open_group(tmp_path / f"{name}.ome.zarr", mode="r") for name in "ab")
    assert (new["0"].chunks, new["0"].shards, new["1"].shards) == ((1024, 701), (2048, 701), None)
    assert [path.name for path in (tmp_path / "a.ome.zarr/0/c").rglob("*") if path.is_file()] == ["0"]
    for level in "012":
        np.testing.assert_array_equal(new[level][:], old[level][:])
    (told,), (before,) = new.attrs["ome"]["multiscales"], old.attrs["multiscales"]
    assert told == {key: value for key, value in before.items() if key != "version"}
    assert io.read_stack(tmp_path / "a.ome.zarr").pixel_size == pytest.approx((0.5, 0.25))


def test_a_result_in_version_0_5_is_resumed_and_replayed(tmp_path: Path, stack: np.ndarray) -> None:
    source = io.write_stack(tmp_path / "s.tif", stack)

    def again(**options: object) -> str:
        return ff.fuse_many(source, tmp_path / "out", method="sf", resume=True, **options)[0].state

    assert [again(zarr_version="0.5"), again(zarr_version="0.5"), again(zarr=True)] == ["done", "skipped", "failed"]
    assert (tmp_path / "out/s/fused.ome.zarr/zarr.json").is_file()
    ff.replay(tmp_path / "out/s", out=tmp_path / "again")
    assert content(tmp_path / "out/s").keys() == content(tmp_path / "again").keys()


@pytest.mark.parametrize("colour", [False, True])
def test_a_result_is_the_same_in_either_format(
    tmp_path: Path, stack: np.ndarray, rgb: np.ndarray, colour: bool
) -> None:
    slices = rgb if colour else stack
    result = ff.fuse(slices, method="sf")
    source = io.write_stack(tmp_path / "stack.ome.tif", slices)
    mask = np.zeros(slices.shape[1:3], bool)
    mask[2:5, 3:7] = True
    decision = result.decision.with_edits(np.full(mask.shape, 2), mask)
    result = ff.FusionResult(ff.blend(slices, decision), decision, result.summary, result.info)
    sizes = {"z_step": 2.0, "pixel_size": (0.5, 0.25), "inputs": [source]}
    tiff = ff.save_result(tmp_path / "tiff", result, **sizes)
    folder = ff.save_result(tmp_path / "zarr", result, zarr=True, fill_depth=True, **sizes)
    assert "fused.ome.zarr" in {path.name for path in folder.iterdir()}
    for name in ("fused", "index", "depth", "confidence", "flags", "edits"):
        np.testing.assert_array_equal(io.read_map(folder, name), io.read_map(tiff, name))
    assert json.loads((folder / "recipe.json").read_text("utf-8"))["edits"]["path"] == "edits.ome.zarr"
    ff.replay(folder, out=tmp_path / "again")
    first, second = content(folder), content(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] in ([], ["recipe.json"])
    assert ff.check_replay(folder) == []
    ff.export(folder, tmp_path / "z.tif")
    np.testing.assert_array_equal(io.read_image(tmp_path / "z.tif"), io.read_map(folder, "depth"))
    ff.save_result(folder, result, overwrite=True, **sizes)
    assert not list(folder.glob("*.zarr"))
