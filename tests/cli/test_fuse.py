"""``focusfuse fuse``."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import api, io

Runs = Callable[..., Any]
RESULT = ["confidence.ome.tif", "depth.ome.tif", "flags.ome.tif", "fused.ome.tif", "index.ome.tif", "recipe.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_refused(run: Any, says: str) -> None:
    """One line on stderr, exit code 2, nothing else."""
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("error: ")
    assert run.err.count("\n") == 1
    assert "Traceback" not in run.err
    assert says in run.err


def test_a_folder_gives_the_same_as_the_api(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    done = run("fuse", slices, "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"done: {slices} -> {tmp_path / 'out' / 'beads'} (")
    assert names(tmp_path / "out" / "beads") == RESULT
    expected = ff.fuse(stack)
    fused = io.read_image(tmp_path / "out" / "beads" / "fused.ome.tif")
    assert fused.dtype == np.uint16
    np.testing.assert_array_equal(fused, expected.image)
    np.testing.assert_array_equal(io.read_image(tmp_path / "out" / "beads" / "index.ome.tif"), expected.decision.index)
    recipe = json.loads((tmp_path / "out" / "beads" / "recipe.json").read_text("utf-8"))
    assert [Path(entry["path"]).name for entry in recipe["inputs"]] == ["z0.png", "z1.png", "z2.png", "z3.png"]
    assert recipe["depth_unit"] == "in the units of z"


def test_another_method(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    done = run("fuse", slices, "-o", tmp_path / "out", "--method", "lp")
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / "out" / "beads"
    assert names(folder) == ["fused.ome.tif", "recipe.json"]
    np.testing.assert_array_equal(io.read_image(folder / "fused.ome.tif"), ff.fuse(stack, method="lp").image)
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    assert (recipe["made by"]["method"], recipe["made by"]["config"]) == ("lp", {"levels": 4})
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "sf", "--overwrite").code == 0
    assert names(folder) == RESULT


def test_settings_of_another_method(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    done = run("fuse", slices, "-o", tmp_path / "a.tif", "--method", "log", "--sigma", 2.5, "--radius", 3)
    assert (done.code, done.err) == (0, "")
    fused = ff.fuse(stack, method="log", config=ff.LoGConfig(sigma=2.5, radius=3)).image
    np.testing.assert_array_equal(io.read_image(tmp_path / "a.tif"), fused)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "magic", "--sigma", 3), "no method 'magic': choose one of sesf, sf"),
        (("--method", "max", "--sigma", 3), "--sigma belongs to the method log, and this is max: leave it out"),
        (("--method", "log", "--sigma", 30), "sigma must be from 0.3 to 20"),
        (("--method", "magic"), "no method 'magic': choose one of sesf, sf"),
        (("--method", "lp", "--softness", 3), "--softness belongs to the method sesf, and this is lp: leave it out"),
    ],
)
def test_methods_and_settings_that_do_not_exist(
    run: Runs, slices: Path, tmp_path: Path, options: tuple[Any, ...], says: str
) -> None:
    assert_refused(run("fuse", slices, "-o", tmp_path / "out", *options), says)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["fused.tif", "fused.ome.tif", "fused.png"])
def test_an_image_alone(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path, name: str) -> None:
    done = run("fuse", slices, "-o", tmp_path / "new" / name)
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "new") == [name]
    np.testing.assert_array_equal(io.read_image(tmp_path / "new" / name), ff.fuse(stack).image)


def test_sizes_of_the_file_reach_the_result(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    io.write_stack(tmp_path / "cells.ome.tif", stack, z_step=2.0, pixel_size=(0.5, 0.25))
    assert run("fuse", tmp_path / "cells.ome.tif", "-o", tmp_path).code == 0
    assert io.read_stack(tmp_path / "cells" / "fused.ome.tif").pixel_size == pytest.approx((0.5, 0.25))
    depth = io.read_image(tmp_path / "cells" / "depth.ome.tif")
    np.testing.assert_allclose(depth, ff.fuse(stack, z=[0, 2, 4, 6]).decision.depth, rtol=1e-6)
    recipe = json.loads((tmp_path / "cells" / "recipe.json").read_text("utf-8"))
    assert (recipe["z_step_um"], recipe["pixel_size_um"], recipe["depth_unit"]) == (2.0, [0.5, 0.25], "um")


def test_sizes_may_be_given(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--z-step", "3", "--pixel-size", "0.5").code == 0
    recipe = json.loads((tmp_path / "out" / "beads" / "recipe.json").read_text("utf-8"))
    assert (recipe["z"], recipe["z_step_um"], recipe["pixel_size_um"]) == ([0, 3, 6, 9], 3.0, [0.5, 0.5])


def test_flags_reach_the_engine(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    flags = ("--preset", "paper", "--radius", 3, "--min-region", 0.02, "--series", "--device", "cpu")
    assert run("fuse", slices, "-o", tmp_path / "a.tif", *flags).code == 0
    config = ff.FusionConfig(preset="paper", radius=3, min_region=0.02, series=True)
    np.testing.assert_array_equal(io.read_image(tmp_path / "a.tif"), ff.fuse(stack, config=config).image)


def test_colour_in_colour_out(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    rgb = np.stack([stack, stack // 2, stack // 3], axis=-1)
    path = io.write_stack(tmp_path / "a.ome.tif", rgb)
    assert run("fuse", path, "-o", tmp_path / "b.png").code == 0
    np.testing.assert_array_equal(io.read_image(tmp_path / "b.png"), ff.fuse(rgb).image)


@pytest.mark.parametrize("axis", ["T", "t", "0"])
def test_stack_axis(run: Runs, stack: np.ndarray, tmp_path: Path, axis: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX"})
    assert_refused(run("fuse", path, "-o", tmp_path / "b.tif"), "T = 4, Y = 40, X = 48")
    assert_refused(run("fuse", path, "-o", tmp_path / "b.tif"), "say so (--axis T)")
    assert run("fuse", path, "-o", tmp_path / "b.tif", "--axis", axis).code == 0
    np.testing.assert_array_equal(io.read_image(tmp_path / "b.tif"), ff.fuse(stack).image)


def test_channels_as_colour(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    channels = np.stack([stack, stack // 2, stack // 3], axis=1)
    tifffile.imwrite(path, channels, photometric="minisblack", metadata={"axes": "ZCYX"})
    assert_refused(run("fuse", path, "-o", tmp_path / "b.tif"), "--rgb")
    assert run("fuse", path, "-o", tmp_path / "b.tif", "--rgb").code == 0
    np.testing.assert_array_equal(io.read_image(tmp_path / "b.tif"), ff.fuse(np.moveaxis(channels, 1, -1)).image)


def test_a_batch_goes_on_after_a_failure(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    io.write_stack(tmp_path / "cells.ome.tif", stack)
    (tmp_path / "nothing").mkdir()
    inputs = (slices, tmp_path / "nothing", tmp_path / "cells.ome.tif")
    done = run("fuse", *inputs, "-o", tmp_path / "out")
    assert done.code == 2
    assert [line.split(" (")[0] for line in done.out.splitlines()] == [
        f"done: {slices} -> {tmp_path / 'out' / 'beads'}",
        f"done: {tmp_path / 'cells.ome.tif'} -> {tmp_path / 'out' / 'cells'}",
        "2 done, 1 failed",
    ]
    assert done.err.startswith(f"failed: {tmp_path / 'nothing'}: ")
    assert done.err.count("\n") == 1
    assert names(tmp_path / "out") == ["beads", "cells"]


def test_inputs_of_one_name_are_told_apart(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    for folder in "ab":
        io.write_stack(tmp_path / folder / "stack.tif", stack)
    inputs = (tmp_path / "a" / "stack.tif", tmp_path / "b" / "stack.tif")
    assert run("fuse", *inputs, "-o", tmp_path / "out").code == 0
    assert names(tmp_path / "out") == ["a_stack", "b_stack"]
    assert_refused(run("fuse", inputs[0], inputs[0], "-o", tmp_path / "again"), "would both be written")


def test_an_existing_target(run: Runs, slices: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("fuse", slices, "-o", out).code == 0
    before = {name: (out / "beads" / name).read_bytes() for name in RESULT}
    assert_refused(run("fuse", slices, "-o", out, "--preset", "paper"), "exists")
    assert {name: (out / "beads" / name).read_bytes() for name in RESULT} == before
    assert run("fuse", slices, "-o", out, "--preset", "paper", "--overwrite").code == 0
    assert (out / "beads" / "recipe.json").read_bytes() != before["recipe.json"]
    assert names(out) == ["beads"]


@pytest.mark.parametrize("out", [".", "z9.tif", "sub/../z9.png"])
def test_the_input_is_never_touched(run: Runs, slices: Path, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither replaced by its result, nor given a result for a slice."""
    before = names(slices)
    monkeypatch.chdir(slices.parent if out == "." else slices)
    assert_refused(run("fuse", slices, "-o", out, "--overwrite"), "beads")
    assert names(slices) == before
    assert_refused(run("fuse", slices / "z0.png", "-o", slices / "z0.png", "--overwrite"), "is the input itself")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--radius", "2.5"), "2.5 is not a whole number"),
        (("--radius", "-1"), "radius must be"),
        (("--preset", "best"), "--preset"),
        (("--bogus",), "--bogus"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--device", "abacus"), "abacus"),
        (("--method", "magic"), "magic"),
        (("--z-step", "0"), "--z-step must be greater than 0"),
        (("--z-step", "nan"), "--z-step must be greater than 0"),
        (("--pixel-size", "-1"), "--pixel-size must be greater than 0"),
        (("--pixel-size", "inf"), "--pixel-size must be greater than 0"),
        (("--axis", "Q"), "'Q' cannot be the stack axis"),
        (("--rgb",), "no channel axis"),
        (("--min-region", "0.1"), "min_region"),
    ],
)
def test_wrong_flags(run: Runs, slices: Path, tmp_path: Path, flags: tuple[str, ...], says: str) -> None:
    assert_refused(run("fuse", slices, "-o", tmp_path / "out", *flags), says)
    assert names(tmp_path) == ["beads"]


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("a.jpg", "unsupported suffix"),
        ("file/out", "is not a folder"),
        ("file/a.tif", "is not a folder"),
        ("folder.tif", "there is a folder of that name"),
    ],
)
def test_wrong_outputs(run: Runs, slices: Path, tmp_path: Path, out: str, says: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.tif").mkdir()
    before = names(tmp_path)
    assert_refused(run("fuse", slices, "-o", tmp_path / out, "--overwrite"), says)
    assert names(tmp_path) == before


def test_missing_arguments(run: Runs, slices: Path) -> None:
    assert_refused(run("fuse", "-o", "out"), "requires an argument")
    assert_refused(run("fuse", slices), "--out")
    assert_refused(run("fuse", slices, slices.parent, "-o", "a.tif"), "one file for 2 inputs")


def test_png_for_floats_is_refused_before_the_work(
    run: Runs, stack: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "napari_focusfuse.api._stack_jobs.iter_fuse", lambda *_, **__: pytest.fail("the work has begun")
    )
    io.write_stack(tmp_path / "a.tif", stack.astype(np.float32))
    assert_refused(run("fuse", tmp_path / "a.tif", "-o", tmp_path / "b.png"), "use .tif")


def spoil(folder: Path, kind: str) -> None:
    """Make the slice z2 wrong."""
    path = folder / "z2.png"
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-300])
    elif kind == "no image":
        path.write_text("this is no image")
    else:
        path.write_bytes(imagecodecs.png_encode(np.zeros((39, 48), np.uint16)))


@pytest.mark.parametrize("kind", ["truncated", "no image", "unequal"])
def test_a_spoilt_slice(run: Runs, slices: Path, tmp_path: Path, kind: str) -> None:
    spoil(slices, kind)
    assert_refused(run("fuse", slices, "-o", tmp_path / "out"), "z2.png")
    assert names(tmp_path) == ["beads"]


def test_what_is_no_stack(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    assert_refused(run("fuse", tmp_path / "absent", "-o", tmp_path / "out"), "no file or folder")
    assert_refused(run("fuse", slices / "z0.png", "-o", tmp_path / "out"), "contains one image")
    for path in slices.glob("z[1-3].png"):
        path.unlink()
    assert_refused(
        run("fuse", slices, "-o", tmp_path / "out"), "contains one image: a focus stack is a folder of slices"
    )
    (slices / "z0.png").unlink()
    assert_refused(run("fuse", slices, "-o", tmp_path / "out"), "no images")
    path = tmp_path / "series.ome.tif"
    both = np.stack([stack, stack])
    tifffile.imwrite(path, both, photometric="minisblack", metadata={"axes": "TZYX"})
    assert_refused(run("fuse", path, "-o", tmp_path / "out"), "T = 2, Z = 4, Y = 40, X = 48")
    assert not (tmp_path / "out").exists()


def test_a_probable_mistake_is_a_warning(run: Runs, tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 255, (20, 8, 40), dtype=np.uint8)
    done = run("fuse", io.write_stack(tmp_path / "a.tif", stack), "-o", tmp_path / "b.tif")
    assert done.code == 0
    assert done.err.startswith("warning: 20 slices of 8 x 40 px")
    assert done.err.count("\n") == 1


def test_a_full_disk(run: Runs, slices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_focusfuse.io.write.imwrite", full)
    assert_refused(run("fuse", slices, "-o", tmp_path / "out"), "No space left on device")
    assert names(tmp_path) == ["beads"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("a defect")])
def test_defects_do_not_stop_a_batch(
    run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    io.write_stack(tmp_path / "a.tif", stack)
    iter_fuse = api.iter_fuse

    def sometimes(data: Any, **options: Any) -> Any:
        if data.chunks[0] == (1,) * 4 and not sometimes.failed:
            sometimes.failed = True
            raise error
        return iter_fuse(data, **options)

    sometimes.failed = False
    monkeypatch.setattr("napari_focusfuse.api._stack_jobs.iter_fuse", sometimes)
    done = run("fuse", tmp_path / "a.tif", slices, "-o", tmp_path / "out")
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith(f"failed: {tmp_path / 'a.tif'}: ")
    assert ("Traceback" in done.err) == isinstance(error, RuntimeError)
    assert names(tmp_path / "out") == ["beads"]


def test_interrupted(
    run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was finished stays and is said; nothing else does."""
    io.write_stack(tmp_path / "a.tif", stack)
    iter_save = api.iter_save

    def interrupt(folder: Path, *args: Any, **options: Any) -> Any:
        if folder.name == "beads":
            raise KeyboardInterrupt
        return iter_save(folder, *args, **options)

    monkeypatch.setattr("napari_focusfuse.api._stack_jobs.iter_save", interrupt)
    done = run("fuse", tmp_path / "a.tif", slices, "-o", tmp_path / "out")
    assert done.code == 130
    assert done.err.startswith("interrupted: ")
    assert done.err.count("\n") == 1
    assert done.out.startswith(f"done: {tmp_path / 'a.tif'} -> ")
    assert names(tmp_path / "out") == ["a"]


@pytest.mark.slow
def test_as_a_process(slices: Path, tmp_path: Path) -> None:
    """Exit codes and streams as a shell sees them; stderr is no terminal, so there is no bar."""

    def fuse(stack: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "napari_focusfuse", "fuse", str(stack), "-o", str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = fuse(slices)
    assert (done.returncode, done.stderr) == (0, "")
    refused = fuse(tmp_path / "absent")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "absent" in refused.stderr


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--zarr",), "OME-Zarr"),
        (("--fill-depth", "--zarr"), "a filled depth map and OME-Zarr"),
        (("--refractive-index", "1.33", "--z-step", "1"), "a refractive index"),
    ],
)
def test_what_an_image_alone_cannot_hold_is_not_ignored(
    run: Runs, slices: Path, tmp_path: Path, flags: tuple[str, ...], named: str
) -> None:
    for more in ((), ("--all-positions",)):
        done = run("fuse", slices, "-o", tmp_path / "out.tif", "--method", "sf", *flags, *more)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert f"takes the fused image only: give a folder for {named}, or leave" in done.err
        assert not (tmp_path / "out.tif").exists()
