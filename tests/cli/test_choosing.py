"""What of an input is taken: a channel, some slices, no foreign picture; noted so that it can be done again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

import napari_focusfuse as ff
from napari_focusfuse import io

Runs = Callable[..., Any]


@pytest.fixture
def channels(tmp_path: Path, stack: np.ndarray) -> Path:
    """Two channels in one folder, the second mirrored."""
    folder = tmp_path / "cells"
    folder.mkdir()
    for dye, images in (("DAPI", stack), ("GFP", stack[:, ::-1])):
        for k, image in enumerate(images):
            (folder / f"cells_w{dye}_z{k}.png").write_bytes(imagecodecs.png_encode(np.ascontiguousarray(image)))
    return folder


def recipe(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "recipe.json").read_text("utf-8"))


def replays(run: Runs, folder: Path, source: Path) -> bool:
    """Whether the result can be made again, also from another place."""
    moved = source.rename(source.with_name("moved"))
    there = run("replay", folder, "--check", "--source", moved).code == 0
    moved.rename(source)
    return there and run("replay", folder, "--check").code == 0


def test_one_channel_of_a_folder(run: Runs, channels: Path, tmp_path: Path) -> None:
    done = run("fuse", channels, "-o", tmp_path / "out", "--method", "sf")
    assert (done.code, "choose one channel" in done.err, "--channel" in done.err) == (2, True, True)
    for channel in ("wGFP", 1):
        out = tmp_path / f"out{channel}" / "cells"
        assert run("fuse", channels, "-o", out.parent, "--method", "sf", "--channel", channel).code == 0
        assert [Path(entry["path"]).name for entry in recipe(out)["inputs"]] == [
            f"cells_wGFP_z{k}.png" for k in range(4)
        ]
        assert replays(run, out, channels)
    done = run("fuse", channels, "-o", tmp_path / "out", "--channel", "Cy5")
    assert "has no channel 'Cy5': choose from 0 (wDAPI), 1 (wGFP)" in done.err


@pytest.fixture
def series(tmp_path: Path, stack: np.ndarray) -> Path:
    """A folder of two time points with two channels each, slice by slice; a lamp that flickers, and a foreign file."""
    folder = tmp_path / "series"
    folder.mkdir()
    for t, c, k in np.ndindex(2, 2, 4):
        image = np.roll(stack[k], 5 * t + 3 * c, axis=1) // (2 if k == 1 + t else 1)
        (folder / f"a_t{t:03d}_z{k}_c{c}.png").write_bytes(imagecodecs.png_encode(image))
    (folder / "overview.png").write_bytes(imagecodecs.png_encode(stack[0]))
    return folder


@pytest.mark.parametrize("options", [("--channel", "1"), ()])
def test_parts_of_all_positions(run: Runs, series: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Channel, slices, what is excluded and one brightness for each time point; and the same again by the recipe."""
    args = (*options, "--slices", "0:4:2", "--exclude", "over*", "--equalise", "--z-step", "0.5")
    out = tmp_path / "out" / "series"
    done = run("fuse", series, "-o", out.parent, "--all-positions", "--decide-on", "each", "--method", "sf", *args)
    assert (done.code, done.err) == (0, "")
    told = recipe(out)
    assert (told["z"], told["z_step_um"], told["source"]["slices"]) == ([0, 1], 1, [0, 4, 2])
    assert (told["source"]["exclude"], told["made by"]["equalised"]) == (["over*"], True)
    assert len(told["inputs"]) == (4 if options else 8)
    fused = io.read_stack(out / "fused.ome.tif")
    assert fused.axes == ("TYX" if options else "TCYX")
    one = tmp_path / "one.tif"
    planes = [io.read_image(series / f"a_t001_z{k}_c1.png") for k in (0, 2)]
    io.write_stack(one, np.stack(planes))
    assert run("fuse", one, "-o", tmp_path / "one.ome.tif", "--method", "sf", "--equalise").code == 0
    image = fused.data[1] if options else fused.data[1, 1]
    np.testing.assert_array_equal(image, io.read_image(tmp_path / "one.ome.tif"))
    assert replays(run, out, series)


def test_slices_along_another_axis(run: Runs, stack: np.ndarray, tmp_path: Path) -> None:
    """Positions along z say nothing about time."""
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([stack, stack[::-1]]), metadata={"axes": "TZYX", "PhysicalSizeZ": 2.0})
    out = tmp_path / "out" / "a"
    args = ("--all-positions", "--axis", "T", "--slices", "0:2", "--method", "max")
    assert run("fuse", path, "-o", out.parent, *args).code == 0
    np.testing.assert_array_equal(io.read_stack(out / "fused.ome.tif").data, np.maximum(stack, stack[::-1]))
    assert recipe(out)["z_step_um"] is None
    assert run("replay", out, "--check").code == 0


def test_all_channels_of_a_folder(run: Runs, channels: Path, tmp_path: Path) -> None:
    assert run("fuse", channels, "-o", tmp_path / "out", "--method", "sf", "--decide-on", "each").code == 0
    fused = io.read_stack(tmp_path / "out" / "cells" / "fused.ome.tif")
    assert (fused.axes, [channel.name for channel in fused.channels]) == ("CYX", ["wDAPI", "wGFP"])
    assert run("replay", tmp_path / "out" / "cells", "--check").code == 0


@pytest.mark.parametrize("single", [False, True])
def test_some_slices(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path, single: bool) -> None:
    source = io.write_stack(tmp_path / "beads.tif", stack) if single else slices
    out = tmp_path / "out" / "beads"
    options = ("--method", "sf", "--slices", "0:4:2", "--z-step", "0.5")
    assert run("fuse", source, "-o", out.parent, *options).code == 0
    told = recipe(out)
    assert (told["z"], told["z_step_um"], told["source"]["slices"]) == ([0, 1], 1, [0, 4, 2])
    assert len(told["inputs"]) == (1 if single else 2)
    index = io.read_map(out, "index")
    np.testing.assert_array_equal(io.read_map(out, "fused"), np.where(index == 0, stack[0], stack[2]))
    if not single:
        assert replays(run, out, source)
    assert run("replay", out, "--check").code == 0


@pytest.mark.parametrize("words", ["3", "a:b", "3:1", "-1:", "::0", "0:1", "0:2:0,3", "1,:3", "3,2", "1,9"])
def test_slices_that_cannot_be(run: Runs, slices: Path, tmp_path: Path, words: str) -> None:
    done = run("fuse", slices, "-o", tmp_path / "out", "--method", "sf", f"--slices={words}")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "slices" in done.err
    assert not (tmp_path / "out").exists()


def test_a_foreign_picture_is_named_and_left_out(run: Runs, slices: Path, tmp_path: Path) -> None:
    """A result beside the slices."""
    (slices / "beads_fused.png").write_bytes((slices / "z3.png").read_bytes())
    out = tmp_path / "out" / "beads"
    done = run("fuse", slices, "-o", out.parent, "--method", "sf")
    assert (done.code, "holds beads_fused.png, unlike the other files by name" in done.err) == (0, True)
    assert "(--exclude beads_fused.png)" in done.err
    assert len(recipe(out)["inputs"]) == 5
    options = ("--exclude", "*_fused*", "--overwrite")
    done = run("fuse", slices, "-o", out.parent, "--method", "sf", *options)
    assert (done.code, done.err, len(recipe(out)["inputs"])) == (0, "", 4)
    assert replays(run, out, slices)


def test_a_list_of_slices(run: Runs, slices: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "beads"
    assert run("fuse", slices, "-o", out.parent, "--method", "sf", "--slices", "0:2,3").code == 0
    assert [Path(entry["path"]).name for entry in recipe(out)["inputs"]] == ["z0.png", "z1.png", "z3.png"]
    assert recipe(out)["source"]["slices"] == {"numbers": [0, 1, 3]}
    assert replays(run, out, slices)


def test_what_looks_like_no_slice_is_named(run: Runs, tmp_path: Path) -> None:
    """A finished picture with the name of a slice: only its look tells."""
    scene = ff.simulate((160, 160), 6, surface="steps", blur=0.8, seed=3)
    for k, image in enumerate([*scene.stack, scene.truth]):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"z{k}.png").write_bytes(imagecodecs.png_encode(image.astype(np.uint16)))
    done = run("fuse", tmp_path / "in", "-o", tmp_path / "out.png", "--method", "sf")
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "z6.png is in focus everywhere, like a fused image" in done.err
    assert "(--exclude z6.png)" in done.err
    options = ("--exclude", "z6.png", "--overwrite")
    assert run("fuse", tmp_path / "in", "-o", tmp_path / "out.png", "--method", "sf", *options).err == ""


def test_aligning_and_measuring_take_the_same(run: Runs, channels: Path, tmp_path: Path) -> None:
    done = run("align", channels, "-o", tmp_path / "a.tif", "--channel", 0, "--slices", "::2", "--z-step", "0.5")
    assert done.code == 0
    aligned = io.read_stack(tmp_path / "a.tif")
    assert (aligned.data.shape[0], aligned.z_step) == (2, pytest.approx(1.0))
    options = ("--method", "max", "--channel", "0")
    assert run("fuse", channels, "-o", tmp_path / "f.tif", *options).code == 0
    whole = run("measure", tmp_path / "f.tif", channels, "--metrics", "qg", "--channel", "0", "--csv").out
    less = run("measure", tmp_path / "f.tif", channels, "--metrics", "qg", "--channel", "0", "--slices", "1:", "--csv")
    assert less.code == 0
    assert whole != less.out


def test_slices_at_one_brightness(run: Runs, slices: Path, stack: np.ndarray, tmp_path: Path) -> None:
    (slices / "z1.png").write_bytes(imagecodecs.png_encode(stack[1] // 2))
    out = tmp_path / "out" / "beads"
    assert run("fuse", slices, "-o", out.parent, "--method", "sf", "--equalise").code == 0
    factors = recipe(out)["made by"]["equalised"]
    assert factors[1] / factors[0] == pytest.approx(2, rel=0.05)
    assert run("replay", out, "--check").code == 0
    done = run("fuse", slices, "-o", tmp_path / "all", "--equalise", "--all-positions", "--method", "sf")
    assert done.code == 0  # one stack is fused as such
