"""``focusfuse replay``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

Runs = Callable[..., Any]


def test_writes_and_checks(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "sf", "--z-step", "2", "--fill-depth").code == 0
    folder = tmp_path / "out" / "beads"
    done = run("replay", folder / "recipe.json", "-o", tmp_path / "again")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"done: {folder / 'recipe.json'} -> {tmp_path / 'again'} (4 slices")
    for file in folder.iterdir():
        assert file.name == "recipe.json" or file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    done = run("replay", folder, "--check")
    assert (done.code, done.out) == (0, f"identical: {folder}\n")
    (folder / "flags.ome.tif").unlink()
    done = run("replay", folder, "--check")
    assert (done.code, done.err) == (1, f"differs: {folder}: flags.ome.tif\n")


def test_refusals(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "sf").code == 0
    folder = tmp_path / "out" / "beads"
    for args, says in (
        ((), "say what to do"),
        (("--check", "-o", tmp_path / "again"), "say what to do"),
        (("-o", folder), "exists"),
    ):
        done = run("replay", folder, *args)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert says in done.err
    (slices / "z9.png").write_bytes((slices / "z1.png").read_bytes())
    done = run("replay", folder, "--check")
    assert done.code == 2
    assert "no longer holds the same files (z9.png)" in done.err
    moved = slices.rename(tmp_path / "moved")
    assert run("replay", folder, "--check", "--source", moved).code == 0


def test_refractive_index_needs_a_step(run: Runs, slices: Path, tmp_path: Path) -> None:
    done = run("fuse", slices, "-o", tmp_path / "out", "--refractive-index", "1.33")
    assert done.code == 2
    assert "needs the z-step" in done.err
    assert not (tmp_path / "out").exists()
    done = run("fuse", slices, "-o", tmp_path / "out", "--refractive-index", "0.5", "--z-step", "1")
    assert (done.code, "from 1 to 5" in done.err) == (2, True)


def test_time_points_and_channels(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cells.ome.tif", np.stack([stack, stack // 2]), metadata={"axes": "CZYX"})
    args = ("--all-positions", "--decide-on", "1", "--method", "log", "--z-step", "2")
    assert run("fuse", tmp_path / "cells.ome.tif", "-o", tmp_path / "out", *args).code == 0
    folder = tmp_path / "out" / "cells"
    done = run("replay", folder, "-o", tmp_path / "again")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"done: {folder} -> {tmp_path / 'again'} (4 slices: ")
    for file in folder.glob("*.tif"):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    done = run("replay", folder, "--check")
    assert (done.code, done.out) == (0, f"identical: {folder}\n")


def test_a_preference_is_noted(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--prefer", "nearer").code == 0
    recipe = json.loads((tmp_path / "out" / "beads" / "recipe.json").read_text("utf-8"))
    assert recipe["made by"]["config"]["prefer"] == "nearer"
    assert run("replay", tmp_path / "out" / "beads", "--check").code == 0
    assert run("fuse", slices, "-o", tmp_path / "two", "--prefer", "bigger").code == 2
