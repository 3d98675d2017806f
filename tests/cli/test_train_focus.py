"""``focusfuse train`` by the recipes focus and candidates."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import models
from napari_focusfuse.config import RECIPES
from napari_focusfuse.core.encode.network import Encoder

Runs = Callable[..., Any]
SMALL = ("--steps", 2, "--stacks", 1, "--crop", 16, "--procedural", 0, "--validate-every", 1)


@pytest.fixture
def images(tmp_path: Path, stack: np.ndarray) -> Path:
    """A folder of small training images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for k, image in enumerate(stack):
        (folder / f"{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder


def test_every_setting_of_either_recipe_is_a_flag_with_its_default(run: Runs) -> None:
    shown = " ".join(run("train", "--help").out.replace("│", " ").split())
    for config in RECIPES.values():
        for field in dataclasses.fields(config):
            assert f"--{field.name.replace('_', '-')}" in shown
    assert "[default: paper: 0.001, focus: 0.0015, decide: 0.003, candidates: 0.003]" in shown
    assert "--steps INT Batches. [default: focus: 5000, decide: 5000, candidates: 4000]" in shown
    assert "[choices: paper, focus, decide, candidates] [default: paper]" in shown


def test_train_resume_and_list(run: Runs, images: Path, slices: Path, models_folder: Path) -> None:
    out = models_folder / "mine"
    done = run("train", images, "-o", out, "--recipe", "focus", "--licence", "CC0-1.0", *SMALL)
    assert (done.code, done.err) == (0, "")
    first, _, last = done.out.splitlines()
    assert first.startswith("training, step 1 of 2: loss ")
    assert "% found), " in first
    assert "steps/s, " in first
    assert last.startswith(f"model: {out} (step ")
    assert "finds the sharpest slice or its neighbour at" in last
    listed = run("models").out
    assert "mine: SESF encoder, none. " in listed
    assert "    recipe: focus\n    scores: " in listed
    assert "% of the pixels found" in listed
    assert "licence of the training images: CC0-1.0" in listed
    assert run("fuse", slices, "-o", out.parent / "fused.tif", "--model", "mine").code == 0
    again = run("train", images, "-o", out, "--resume")
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith(f"model: {out} (step ")
    changed = run("train", images, "-o", out, "--resume", "--steps", 3)
    assert "begun with other settings" in changed.err
    other = run("train", images, "-o", out, "--resume", "--recipe", "paper")
    assert (other.code, other.err.count("\n")) == (2, 1)
    assert "started with the recipe focus, not paper" in other.err
    paper = run("train", images, "-o", out.parent / "paper", "--start", "mine", "--crop", 16)
    assert "'mine' has no decoder" in paper.err


@pytest.mark.slow
def test_without_images(run: Runs, tmp_path: Path) -> None:
    done = run("train", "-o", tmp_path / "mine", "--recipe", "focus", "--crop", 16, "--steps", 1)
    assert (done.code, done.err) == (0, "")
    assert "textures are computed" in ff.model_card(str(tmp_path / "mine"))


@pytest.fixture
def small_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and small scenes to train and to validate on."""
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.ScoredScenes.side", 64)
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.Validation.count", 1)


@pytest.mark.slow
def test_an_edge_head_for_a_model_with_a_decision_head(run: Runs, models_folder: Path, small_scenes: None) -> None:
    models.save_model(Encoder("none", decides=True).eval(), models_folder / "decided", "# Decided")
    start = ("--recipe", "candidates", "--start", "decided")
    settings = ("--steps", 1, "--crop", 48, "--stacks", 1, "--validate-every", 1, "--scene-steps", 1)
    done = run("train", "-o", models_folder / "mine", *start, *settings)
    assert (done.code, done.err) == (0, "")
    assert ff.load_model("mine").encoder.candidates is not None
    listed = run("models").out
    assert "mine: SESF encoder with a decision head and a candidate head, none. " in listed
    assert "    recipe: candidates\n" in listed
    again = run("train", "-o", models_folder / "mine", "--resume")
    assert (again.code, again.err) == (0, "")
    large = run("train", "-o", models_folder / "large", *start, "--crop", 193)
    assert (large.code, large.err) == (2, "error: crop must be from 48 to 176, not 193\n")


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ((), "candidates are judged with a model that has a decision head: name one to start from"),
        (("--start", "sesf-cse"), "the model 'sesf-cse' has no decision head"),
        (("--start", "encoder"), "the model 'encoder' has no decision head, which the recipe candidates builds on"),
    ],
)
def test_edges_need_a_decision_head(run: Runs, models_folder: Path, start: tuple[str, ...], says: str) -> None:
    models.save_model(Encoder("none").eval(), models_folder / "encoder", "# Encoder")
    done = run("train", "-o", models_folder / "mine", "--recipe", "candidates", *start)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"error: {says}")
    assert not (models_folder / "mine").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--recipe", "focus", "--epochs", 3), "--epochs belongs to the recipe paper, and this is focus: leave it out"),
        (("--recipe", "focus", "--ssim-weight", 3), "--ssim-weight belongs to the recipe paper"),
        (("--validate-every", 3), "--validate-every belongs to the recipe focus, and this is paper"),
        (("--recipe", "depth"), "--recipe"),
        (("--recipe", "focus", "--steps", 0), "steps must be at least 1"),
        (("--recipe", "focus", "--resume"), "nothing to resume"),
        ((), "no images are too few"),
    ],
)
def test_what_is_refused(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[Any, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("train", "-o", "out", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert not Path("out").exists()
