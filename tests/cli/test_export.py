"""``focusfuse export``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_focusfuse import io

Runs = Callable[..., Any]


def test_every_format(run: Runs, slices: Path, tmp_path: Path) -> None:
    pytest.importorskip("trimesh")
    pytest.importorskip("x3pio")
    sizes = ("--z-step", "2", "--pixel-size", "0.5")
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "sf", *sizes, "--refractive-index", "1.5").code == 0
    result = tmp_path / "out" / "beads"
    for suffix in ("stl", "ply", "x3p", "tif"):
        out = result.parent / f"beads.{suffix}"
        done = run("export", result, "-o", out)
        assert (done.code, done.out, done.err) == (0, f"done: {result} -> {out}\n", "")
        assert run("export", result, "-o", out).code == 2
    depth = io.read_image(result / "depth.ome.tif")
    np.testing.assert_allclose(io.read_image(result.parent / "beads.tif"), depth, rtol=1e-6)
    assert run("export", result, "-o", out, "--overwrite", "--z-step", "4", "--fill").code == 0
    filled = io.read_image(out)
    assert np.isfinite(filled).all()
    sure = np.isfinite(depth) & (io.read_image(result / "confidence.ome.tif") >= 0.5)
    np.testing.assert_allclose(filled[sure], 2 * depth[sure], rtol=1e-5)


def test_sizes_must_be_known(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "sf").code == 0
    result, out = tmp_path / "out" / "beads", tmp_path / "z.tif"
    for sizes, says in (((), "needs the pixel size"), (("--pixel-size", "1"), "need the z-step")):
        done = run("export", result, "-o", out, *sizes)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert says in done.err
    assert not out.exists()
    assert run("export", result, "-o", out, "--pixel-size", "1", "--z-step", "3").code == 0
    depth = io.read_image(result / "depth.ome.tif")
    np.testing.assert_allclose(io.read_image(out), 3 * depth, rtol=1e-6)


@pytest.mark.parametrize("size", [("--z-step", "0"), ("--z-step", "nan"), ("--pixel-size", "-1")])
def test_sizes_must_be_lengths(run: Runs, tmp_path: Path, size: tuple[str, str]) -> None:
    done = run("export", tmp_path, "-o", tmp_path / "z.tif", *size)
    assert (done.code, f"{size[0]} must be greater than 0" in done.err) == (2, True)


def test_a_result_without_depth(run: Runs, slices: Path, tmp_path: Path) -> None:
    assert run("fuse", slices, "-o", tmp_path / "out", "--method", "max").code == 0
    done = run("export", tmp_path / "out" / "beads", "-o", tmp_path / "z.tif")
    assert (done.code, "contains no depth map" in done.err) == (2, True)
    done = run("export", slices, "-o", tmp_path / "z.tif")
    assert (done.code, "recipe.json" in done.err) == (2, True)
