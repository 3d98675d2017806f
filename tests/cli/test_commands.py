"""The other commands, and what all share."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api, io
from napari_focusfuse.cli import _terminal
from napari_focusfuse.core import simulate

Runs = Callable[..., Any]


def test_version_and_help(run: Runs) -> None:
    assert run("--version").out.strip() == version("napari-focusfuse")
    shown = run("--help")
    assert shown.code == 0
    for command in ("align", "bench", "demo", "fuse", "measure", "methods", "models", "train"):
        assert command in shown.out
    assert run("fuse", "--help").out.count("--softness") == 1
    assert run().out == shown.out


def test_help_is_light() -> None:
    """Help needs none of the heavy packages."""
    code = (
        "import sys; from napari_focusfuse.cli import main; main(['fuse', '--help'])\n"
        "print(sorted({'torch', 'dask', 'scipy', 'skimage', 'tifffile', 'napari'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [("fuze",), ("--bogus",), ("models", "--bogus"), ("models", "no-such-model")])
def test_unknown_words(run: Runs, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert arguments[-1] in done.err


def test_models(run: Runs) -> None:
    listed = run("models")
    assert listed.code == 0
    lines = [line for line in listed.out.splitlines() if not line.startswith(" ")]
    assert [line.split(" (")[0].split(":")[0] for line in lines] == ff.list_models()
    assert "scores: PSNR 39.70 dB" in listed.out
    assert "licence of the training images: research use only" in listed.out
    assert [line.split(":")[0] for line in lines if "(default)" in line] == [f"{api.default_model()} (default)"]
    assert run("models", "default").out.strip() == ff.model_card("default").strip()


def test_methods(run: Runs) -> None:
    lines = run("methods").out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["sesf (default)", *(m.name for m in ff.list_methods()[1:])]
    assert all(method.citation in line for method, line in zip(ff.list_methods(), lines, strict=True))


def test_without_memory(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise MemoryError

    monkeypatch.setattr(api, "list_models", full)
    done = run("models")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: not enough memory: close other programs or give smaller images\n"


@pytest.mark.slow
def test_demo(run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = ff.sample_scene()
    monkeypatch.setattr(simulate, "sample_scene", lambda: scene)
    done = run("demo", "-o", tmp_path / "demo")
    assert (done.code, done.err) == (0, "")
    file = io.read_stack(tmp_path / "demo" / "sample.ome.tif")
    np.testing.assert_array_equal(file.data, scene.stack)
    assert (file.z_step, file.pixel_size) == (scene.z_step, (scene.pixel_size, scene.pixel_size))
    assert str(tmp_path / "demo" / "sample") in done.out
    depth = io.read_image(tmp_path / "demo" / "sample" / "depth.ome.tif")
    assert np.nanmedian(np.abs(depth - scene.depth * scene.z_step)) < scene.z_step / 2
    again = run("demo", "-o", tmp_path / "demo")
    assert again.code == 2
    assert "exists" in again.err


@pytest.fixture
def images(tmp_path: Path, stack: np.ndarray) -> Path:
    """A folder of small training images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for k, image in enumerate(stack):
        (folder / f"{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder


@pytest.mark.slow
def test_train_and_use_the_model(run: Runs, images: Path, slices: Path, tmp_path: Path) -> None:
    small = ("--crop", 16, "--batch", 2, "--variant", "none", "--epochs", 1)
    out = tmp_path / "mine"
    done = run("train", images, "-o", out, "--validation", images, "--licence", "CC0-1.0", *small)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith("training, epoch 1 of 1")
    assert done.out.splitlines()[-1].startswith(f"model: {out} (")
    assert "CC0-1.0" in run("models", out).out
    assert run("fuse", slices, "-o", tmp_path / "fused.tif", "--model", out).code == 0
    refused = run("train", images, "-o", out, *small)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    small = (*small[:-1], 2)
    assert run("train", images, "-o", out, "--validation", images, "--resume", *small).code == 0


def test_every_setting_of_training_is_a_flag(run: Runs) -> None:
    shown = run("train", "--help").out
    for field in dataclasses.fields(ff.TrainConfig):
        assert f"--{field.name.replace('_', '-')}" in shown
    for word in ("--start", "--device", "--overwrite", "--resume", "--licence"):
        assert word in shown


def test_training_from_a_model_with_a_time_budget(run: Runs, images: Path, tmp_path: Path) -> None:
    small = ("--crop", 16, "--batch", 2, "--minutes", 0.001, "--device", "cpu")
    done = run("train", images, "-o", tmp_path / "mine", "--start", "sesf-cse", *small)
    assert (done.code, done.err) == (0, "")
    assert "crops/s" in done.out
    assert "the 0.001 minutes are over)" in done.out
    refused = run("train", images, "-o", tmp_path / "mine", *small)
    assert "allow overwriting" in refused.err
    assert run("train", images, "-o", tmp_path / "mine", "--overwrite", *small).code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "absent", "-o", "out"), "absent"),
        (("train", "images", "-o", "out", "--resume"), "nothing to resume"),
        (("train", "images", "-o", "out", "--epochs", "0"), "epochs must be at least 1"),
        (("train", "images", "-o", "out", "--variant", "xse"), "--variant"),
        (("train", "images", "-o", "out", "--device", "abacus"), "no device 'abacus'"),
        (("train", "images", "-o", "out", "--start", "best"), "no model 'best'"),
        (("train", "images", "-o", "out", "--minutes", "-1"), "minutes must be at least 0"),
    ],
)
def test_wrong_training(
    run: Runs, images: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(images.parent)
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert not Path("out").exists()


def test_an_interrupted_training_can_go_on(
    run: Runs, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(api, "iter_train", interrupted)
    done = run("train", images, "-o", tmp_path / "out")
    assert done.code == 130
    assert done.err == "interrupted: the training so far is kept, continue with --resume\n"


def test_a_bar_only_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> Any:
        for k in range(3):
            yield ff.Progress(k + 1, 3, f"slice {k + 1} of 3")
        return "result"

    assert _terminal.with_bar(work(), "beads") == "result"
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert _terminal.with_bar(work(), "beads") == "result"
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "beads, slice 3 of 3" in shown.err
    assert "3/3" in shown.err
