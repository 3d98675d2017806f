"""The stacks of a folder, and saved results read back."""

from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api, io


@pytest.fixture
def stack() -> np.ndarray:
    return ff.simulate((48, 64), 4, seed=0).stack


def names(folder: Path) -> list[str]:
    return [path.name for path in api.stacks_in(folder)]


def slices(folder: Path, stack: np.ndarray) -> Path:
    folder.mkdir()
    for k, image in enumerate(stack):
        io.write_image(folder / f"z{k}.png", image)
    return folder


def test_stacks_are_folders_and_files_in_the_order_of_their_numbers(tmp_path: Path, stack: np.ndarray) -> None:
    io.write_stack(tmp_path / "s10.tif", stack)
    io.write_stack(tmp_path / "s2.ome.tif", stack)
    for name in ("s1", ".hidden"):
        slices(tmp_path / name, stack)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no stack")
    ff.save_result(tmp_path / "s0", ff.fuse(stack, method="log"))
    assert names(tmp_path) == ["s1", "s2.ome.tif", "s10.tif"]


def test_the_folder_of_one_stack_is_that_stack(tmp_path: Path, stack: np.ndarray) -> None:
    folder = slices(tmp_path / "s", stack)
    assert api.stacks_in(folder) == [folder]
    assert api.stacks_in(folder / "z1.png") == [folder / "z1.png"]
    slices(folder / "inner", stack)  # now single images beside a stack
    assert names(folder) == ["inner"]


def test_pairs_stay_in_their_folder(tmp_path: Path, stack: np.ndarray) -> None:
    for name in ("leaf_A", "leaf_B", "wing_A", "wing_B"):
        io.write_image(tmp_path / f"{name}.tif", stack[0])
    assert api.stacks_in(tmp_path) == [tmp_path]
    jobs = api.stack_jobs([tmp_path], tmp_path / "out", api.StackTask({}, {}, {}, {}))
    assert [job.target.name for job in jobs] == ["leaf", "wing"]


def test_what_holds_no_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ff.FocusFuseError, match="holds no focus stacks"):
        api.stacks_in(tmp_path)
    with pytest.raises(ff.FocusFuseError, match="there is no file or folder"):
        api.stacks_in(tmp_path / "gone")


@pytest.mark.parametrize("z_step", [None, 2.0])
def test_a_result_comes_back(tmp_path: Path, stack: np.ndarray, z_step: float | None) -> None:
    result = ff.fuse(stack, method="log", z=None if z_step is None else z_step * np.arange(4))
    folder = ff.save_result(
        tmp_path / "r", result, z_step=z_step, pixel_size=(0.5, 0.5), refractive_index=1.5 if z_step else 1.0
    )
    read = api.load_result(folder)
    np.testing.assert_array_equal(read.image, result.image)
    assert read.summary == result.summary
    for name in ("index", "confidence", "flags", "z"):
        np.testing.assert_array_equal(getattr(read.decision, name), getattr(result.decision, name))
    np.testing.assert_allclose(read.decision.depth, result.decision.depth, rtol=1e-6)


def test_a_result_without_a_decision_map_comes_back(tmp_path: Path, stack: np.ndarray) -> None:
    folder = ff.save_result(tmp_path / "r", ff.fuse(stack, method="max"))
    assert api.load_result(folder).decision is None


def test_maps_that_do_not_fit_are_refused(tmp_path: Path, stack: np.ndarray) -> None:
    folder = ff.save_result(tmp_path / "r", ff.fuse(stack, method="log"))
    (folder / "fused.ome.tif").unlink()
    io.write_image(folder / "fused.ome.tif", stack[0, :20])
    with pytest.raises(ff.FocusFuseError, match="of different sizes"):
        api.load_result(folder)
