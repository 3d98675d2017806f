"""A result made again by its recipe, byte for byte."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.errors import FocusFuseError, ModelError, StackError

MAPS = ["confidence.ome.tif", "depth.ome.tif", "flags.ome.tif", "fused.ome.tif", "index.ome.tif", "recipe.json"]


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    """(4, 40, 48) uint16."""
    return ff.simulate((40, 48), 4, seed=3).stack


def saved(folder: Path, stack: np.ndarray, *, edit: bool = False, fusing: Any = None, **options: Any) -> Path:
    """A stack in a file, and its result."""
    file = io.write_stack(folder / "data" / "beads.ome.tif", stack, z_step=2.0, pixel_size=(0.5, 0.25))
    result = ff.fuse(ff.open_stack(file).data, **(fusing or {"method": "sf"}))
    if edit:
        mask = np.zeros(stack.shape[1:3], bool)
        mask[5:12, 20:30] = True
        decision = result.decision.with_edits(np.full(mask.shape, 3), mask)
        result = type(result)(ff.blend(stack, decision), decision, result.summary, result.info)
    sizes: dict[str, Any] = {"z_step": 2.0, "pixel_size": (0.5, 0.25), "inputs": [file]}
    return ff.save_result(folder / "results" / "beads", result, **{**sizes, **options})


def assert_same(first: Path, second: Path, names: list[str]) -> None:
    assert [sorted(path.name for path in folder.iterdir()) for folder in (first, second)] == [sorted(names)] * 2
    for name in names:
        if name != "recipe.json":
            assert (first / name).read_bytes() == (second / name).read_bytes(), name


@pytest.mark.parametrize(
    ("fusing", "names"),
    [
        ({"config": ff.FusionConfig(preset="paper")}, MAPS),
        ({"z": [0.1, 0.3, 1.7, 2.9]}, MAPS),
        ({"method": "log", "config": ff.LoGConfig(sigma=1.3)}, MAPS),
        ({"method": "lp"}, ["fused.ome.tif", "recipe.json"]),
    ],
)
def test_same_bytes(tmp_path: Path, stack: np.ndarray, fusing: Any, names: list[str]) -> None:
    folder = saved(tmp_path, stack, fusing=fusing)
    ff.replay(folder / "recipe.json", out=tmp_path / "elsewhere" / "again")
    assert_same(folder, tmp_path / "elsewhere" / "again", names)
    assert ff.check_replay(folder) == []


def test_edits_filled_depth_and_refractive_index(tmp_path: Path, stack: np.ndarray) -> None:
    folder = saved(tmp_path, stack, edit=True, fill_depth=True, refractive_index=1.33)
    edits = io.read_image(folder / "edits.ome.tif")
    assert edits.dtype == np.uint16
    assert set(np.unique(edits)) == {0, 4}
    assert (edits > 0).sum() == 70
    ff.replay(folder, out=tmp_path / "again")
    assert_same(folder, tmp_path / "again", [*MAPS, "edits.ome.tif", "depth_filled.ome.tif"])
    depth, filled = (io.read_image(folder / f"{name}.ome.tif") for name in ("depth", "depth_filled"))
    np.testing.assert_allclose(depth[edits > 0], 3 * 2 * 1.33, rtol=1e-6)
    assert np.isfinite(filled).all()
    (folder / "edits.ome.tif").unlink()
    with pytest.raises(FocusFuseError, match=r"edits\.ome\.tif is missing or was changed"):
        ff.replay(folder)


def test_check_names_what_differs(tmp_path: Path, stack: np.ndarray) -> None:
    folder = saved(tmp_path, stack)
    content = bytearray((folder / "depth.ome.tif").read_bytes())
    content[-1] ^= 1
    (folder / "depth.ome.tif").write_bytes(content)
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    (folder / "recipe.json").write_text(json.dumps({**recipe, "depth_unit": "mm"}), "utf-8")
    assert ff.check_replay(folder) == ["depth.ome.tif", "recipe.json"]


def test_what_has_changed_is_named(tmp_path: Path, stack: np.ndarray) -> None:
    folder = saved(tmp_path, stack)
    source = tmp_path / "data" / "beads.ome.tif"
    old = source.read_bytes()
    source.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(StackError, match=r"beads\.ome\.tif is not the file that was fused"):
        ff.replay(folder)
    source.unlink()
    with pytest.raises(StackError, match=r"beads\.ome\.tif is missing"):
        ff.replay(folder)
    moved = tmp_path / "moved.tif"
    moved.write_bytes(old)
    assert ff.replay(folder, source=moved).image.shape == stack.shape[1:]


def test_results_and_inputs_move_together(tmp_path: Path, stack: np.ndarray) -> None:
    saved(tmp_path / "here", stack)
    (tmp_path / "here").rename(tmp_path / "there")
    recipe = json.loads((tmp_path / "there" / "results" / "beads" / "recipe.json").read_text("utf-8"))
    assert recipe["inputs"][0]["path"] == "../../data/beads.ome.tif"
    assert ff.check_replay(tmp_path / "there" / "results" / "beads") == []


def test_another_model_is_refused(tmp_path: Path, stack: np.ndarray) -> None:
    folder = saved(tmp_path, stack, fusing={"model": "sesf-cse", "config": ff.FusionConfig(preset="paper")})
    file = folder / "recipe.json"
    recipe = json.loads(file.read_text("utf-8"))
    assert recipe["made by"]["device"] in ("cpu", "cuda", "mps")
    assert recipe["made by"]["threads"] == torch.get_num_threads()
    recipe["made by"]["model_sha256"] = "0" * 64
    file.write_text(json.dumps(recipe), "utf-8")
    with pytest.raises(ModelError, match="is not the one that was used"):
        ff.replay(folder)
    recipe["made by"]["model"] = "beetles"
    file.write_text(json.dumps(recipe), "utf-8")
    with pytest.raises(ModelError, match="'beetles' of the recipe is not installed"):
        ff.replay(folder)


def test_threads_are_those_of_the_recipe(tmp_path: Path, stack: np.ndarray) -> None:
    """Sums in another order differ in their last digits."""
    folder = saved(tmp_path, stack, fusing={"config": ff.FusionConfig()})
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        assert ff.check_replay(folder) == []
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": None}, "earlier version"),
        ({"format": 99}, "later version"),
        ({"inputs": []}, "no input files"),
        ({"transforms": {"matrices": [[[1, 0], [0, 1]]]}}, r"the recipe\.transforms has no edges"),
        ({"transforms": {"matrices": [[[1, 0], [0, 1]]], "edges": "crop"}}, "transforms in the recipe cannot be read"),
        ({"z": [0, 1, "2", 3]}, r"the recipe\.z\[2\] must be a number, not '2'"),
        ({"z_step_um": -2}, r"z_step_um must be a number from 0, not -2"),
        ({"pixel_size_um": [0.5]}, "pixel_size_um must be a list of 2 to 2 values"),
        ({"made by": {"method": "sesf", "config": {}}}, "has no model"),
        ({"made by": {"method": "sf"}}, "has no config"),
        ({"made by": {"method": "sf", "config": {}, "equalised": True}}, "equalised .*, not True"),
        ({"made by": {"method": "max", "axes": "TZYX", "equalised": [1.0]}}, "equalised must be true or false"),
        ({"made by": {"method": "sf", "config": {"radius": "5"}}}, "radius must be a whole number, not '5'"),
        (
            {"made by": {"method": "sf", "config": {}, "threads": 10**6}},
            "threads must be a whole number from 1",
        ),
        ({"source": {"position": {"T": -1}}}, r"position\.T must be a whole number from 0"),
        ({"source": {"path": "a\0b"}}, "source.path must be a text"),
        ({"edits": {"path": "../edits.ome.tif", "sha256": "0"}}, r"edits\.path must be one of edits\.ome\.tif"),
        ({"edits": {"path": "/dev/zero", "sha256": "0"}}, r"edits\.path must be one of edits\.ome\.tif"),
        ({"inputs": [{"path": "/dev/zero", "sha256": "0"}]}, "zero is missing or cannot be read"),
        ({"inputs": [{"path": "/", "sha256": "0"}]}, r"inputs\[0\]\.path must be a text"),
        ({"inputs": [{"path": "..", "sha256": "0"}]}, "is missing or cannot be read"),
        ({"z": [0, 1, 2]}, "has 4 slices, the recipe 3"),
        ({"made by": {"method": "sf", "config": {"gain": 2}, "version": "9.9"}}, "use version 9.9"),
    ],
)
def test_recipes_that_cannot_be_followed(tmp_path: Path, stack: np.ndarray, change: Any, says: str) -> None:
    folder = saved(tmp_path, stack)
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    (folder / "recipe.json").write_text(json.dumps({**recipe, **change}), "utf-8")
    with pytest.raises(FocusFuseError, match=says):
        ff.replay(folder, out=tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 1}', "[" * 10**5, '{"format": [1]}', "7", "\udcff"])
def test_no_recipe(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "recipe.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(FocusFuseError, match=r"recipe\.json"):
        ff.replay(tmp_path)


def test_a_time_point_of_a_larger_file(tmp_path: Path, stack: np.ndarray) -> None:
    """As the widget notes it: the viewer's names of axes."""
    larger = np.stack([stack[::-1], stack])
    file = tmp_path / "t.ome.tif"
    tifffile.imwrite(file, larger, ome=True, metadata={"axes": "TZYX"})
    result = ff.fuse(stack, method="sf")
    for k, source in enumerate(({"axis": "z", "position": {"t": 1}}, {"axis": "axis -3", "position": {"axis -4": 1}})):
        folder = ff.save_result(tmp_path / f"out{k}", result, inputs=[file], source=source)
        assert ff.check_replay(folder) == []


def test_a_recipe_is_found_by_way_of_a_link(tmp_path: Path, stack: np.ndarray) -> None:
    """From a linked folder ".." leads elsewhere than by its name."""
    folder = saved(tmp_path / "deep" / "er", stack)
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert ff.check_replay(link) == []


@pytest.mark.parametrize("entry", ["made by", "z", "transforms"])
def test_a_recipe_that_lacks_something(tmp_path: Path, stack: np.ndarray, entry: str) -> None:
    recipe = saved(tmp_path, stack) / "recipe.json"
    told = json.loads(recipe.read_text("utf-8"))
    del told[entry]
    recipe.write_text(json.dumps(told), "utf-8")
    with pytest.raises(FocusFuseError, match="is not the recipe of a result"):
        ff.replay(recipe)
