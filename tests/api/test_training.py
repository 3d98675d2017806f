"""Training by the public functions: files, interruptions, and models to start from."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file

import napari_focusfuse as ff
from napari_focusfuse import api, models
from napari_focusfuse.core.training.autoencoder import TrainReport
from napari_focusfuse.errors import FocusFuseWarning, OutputError, TrainingError

CONFIG = ff.TrainConfig(epochs=3, batch=6, crop=32, crops_per_image=4)


@pytest.fixture
def folder(scene, tmp_path) -> Path:
    """Images in files."""
    out = tmp_path / "images"
    out.mkdir()
    for k, image in enumerate(scene.stack):
        (out / f"{k}.png").write_bytes(imagecodecs.png_encode(image))
    return out


def test_files_that_cannot_be_read_are_named_and_left_out(folder, tmp_path):
    (folder / "broken.tif").write_bytes(b"II*\0nothing")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(FocusFuseWarning, match=r"2 of 9 files cannot be read and are left out: broken.tif, cut.png"):
        result = ff.train(folder, replace(CONFIG, epochs=1), out=tmp_path / "mine")
    assert result.kept == 1
    assert "training images: 6 (" in ff.model_card(str(tmp_path / "mine"))


def test_no_file_can_be_read(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    with pytest.raises(TrainingError, match="holds no images"):
        ff.train(images, out=tmp_path / "mine")
    (images / "broken.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(TrainingError, match=r"1 of 1 files cannot be read, and no image is left: .*broken.tif"):
        ff.train(images, out=tmp_path / "mine")
    with pytest.raises(ff.FocusFuseError, match="absent"):
        ff.train(tmp_path / "absent", out=tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_stacks_and_colours_in_files_are_images_too(tmp_path, rng):
    images = tmp_path / "images"
    images.mkdir()
    tifffile.imwrite(
        images / "stack.tif", rng.integers(0, 4000, (5, 40, 44)).astype(np.uint16), photometric="minisblack"
    )
    tifffile.imwrite(images / "colour.tif", rng.integers(0, 255, (48, 40, 3)).astype(np.uint8), photometric="rgb")
    work = api.iter_train(images, replace(CONFIG, epochs=1), out=tmp_path / "mine")
    texts = [step.what for step in work]
    assert texts[:2] == ["reading file 1 of 2", "reading file 2 of 2"]
    assert "training images: 5 (" in ff.model_card(str(tmp_path / "mine"))


def test_nan_pixels_do_no_harm(scene, tmp_path):
    images = [image.astype(np.float32) for image in scene.stack]
    images[1][5:20, 5:20] = np.nan
    images[2][:] = np.nan
    with pytest.warns(FocusFuseWarning, match="of one value"):
        result = ff.train(images, replace(CONFIG, epochs=1), out=tmp_path / "mine")
    assert np.isfinite(result.log[0]).all()


def test_arrays_that_are_no_images(tmp_path):
    for wrong in (np.zeros((3, 40, 40, 40)), np.zeros((40, 40, 2)), np.zeros((40, 40), complex)):
        with pytest.raises(TrainingError, match="image 1 is an array of"):
            ff.train([wrong] * 3, CONFIG, out=tmp_path / "mine")


def test_a_place_that_cannot_be_written_is_noticed_before_training(scene, tmp_path):
    (tmp_path / "file").write_text("x")
    seen = []
    with pytest.raises(OutputError, match="cannot write"):
        ff.train(list(scene.stack), CONFIG, out=tmp_path / "file" / "mine", progress=seen.append)
    assert not any(isinstance(step, TrainReport) for step in seen)


def test_the_best_model_is_there_after_each_epoch(scene, tmp_path):
    out = tmp_path / "mine"
    work = api.iter_train(list(scene.stack), CONFIG, out=out)
    for step in work:
        if getattr(step, "state", None) is not None:
            break
    model = models.load_model(out)
    torch.testing.assert_close(model.network.state_dict(), step.state.best, rtol=0, atol=0)
    assert "not yet, it is running or was interrupted" in ff.model_card(str(out))
    work.close()
    assert sorted(file.name for file in out.iterdir()) == ["card.md", "checkpoint.safetensors", "model.safetensors"]


def test_stopped_before_the_first_epoch_nothing_is_left(scene, tmp_path):
    work = api.iter_train(list(scene.stack), CONFIG, out=tmp_path / "mine")
    for step in work:
        if isinstance(step, TrainReport):
            break
    work.close()
    assert not (tmp_path / "mine").exists()


def test_stop_keeps_the_best_model(scene, tmp_path):
    seen = []
    work = api.iter_train(list(scene.stack), CONFIG, out=tmp_path / "mine", stop=lambda: len(seen) > 1)
    from napari_focusfuse.core.progress import drain

    result = drain(work, lambda step: seen.append(step) if isinstance(step, TrainReport) else None)
    assert (result.ended, len(result.log)) == ("stopped", 1)
    assert models.load_model(tmp_path / "mine").sha256
    assert "end of the training: stopped" in ff.model_card(str(tmp_path / "mine"))


@pytest.mark.slow
def test_overwriting_keeps_the_old_model_until_the_new_one_is_complete(scene, tmp_path):
    images, out, new = list(scene.stack), tmp_path / "mine", replace(CONFIG, seed=5, epochs=2)
    ff.train(images, replace(CONFIG, epochs=1), out=out)
    before, card = models.load_model(out).sha256, ff.model_card(str(out))
    with pytest.raises(OutputError, match="allow overwriting"):
        ff.train(images, CONFIG, out=out)
    for resume in (False, True):  # interrupted after the first epoch, and again in the second
        work = api.iter_train(images, new, out=out, overwrite=True, resume=resume)
        for step in work:
            if isinstance(step, TrainReport) and (resume or step.state is not None):
                break
        work.close()
        assert (models.load_model(out).sha256, ff.model_card(str(out))) == (before, card)
        assert len(models.load_state(out).log) == 1
    ff.train(images, new, out=out, resume=True)
    after = models.load_model(out).sha256
    assert after != before
    ff.train(images, new, out=tmp_path / "whole")
    assert models.load_model(tmp_path / "whole").sha256 == after


def test_fine_tuning_keeps_variant_and_terms(scene, tmp_path):
    images = list(scene.stack)
    ff.train(images, replace(CONFIG, variant="scse", epochs=1), out=tmp_path / "first", licence="CC-BY-4.0")
    gentle = replace(CONFIG, epochs=1, learning_rate=1e-4)
    result = ff.train(images, gentle, out=tmp_path / "second", start=tmp_path / "first")
    assert models.load_model(tmp_path / "second").encoder.variant == "scse"
    card = ff.model_card(str(tmp_path / "second"))
    assert f"started from: first (sha256 {models.load_model(tmp_path / 'first').sha256[:12]})" in card
    assert "licence of the training images: not stated; of first, which it started from: CC-BY-4.0" in card
    assert result.kept in (0, 1)
    state = models.load_state(tmp_path / "second")
    assert state.origin.startswith("first")
    assert np.isfinite(state.start_loss)


def test_fine_tuning_of_what_is_not_there(scene, tmp_path):
    with pytest.raises(ff.FocusFuseError, match="no model 'best'"):
        ff.train(list(scene.stack), CONFIG, out=tmp_path / "mine", start="best")


KILLED = """
import os, signal
import numpy as np, torch
import napari_focusfuse as ff
from napari_focusfuse.core.training.autoencoder import TrainReport

torch.set_num_threads(1)
config = ff.TrainConfig(epochs=3, batch=6, crop=32, crops_per_image=4)

def report(step):
    if isinstance(step, TrainReport) and step.state is None and step.done >= until > 0:
        os.kill(os.getpid(), signal.SIGKILL)

ff.train(list(np.load(stack)), config, out=out, device="cpu", resume=how == "resume", progress=report)
"""


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="needs SIGKILL")
def test_killed_and_resumed_it_gives_the_same_weights(scene, tmp_path, processes):
    """Killed in the middle of the second epoch and again in the third."""
    stack = tmp_path / "stack.npy"
    np.save(stack, scene.stack)

    def run(out: str, until: int, how: str) -> int:
        told = {"stack": stack, "out": tmp_path / out, "until": until, "how": how}
        process = processes.Process(target=exec, args=(KILLED, told))
        process.start()
        process.join()
        return process.exitcode

    assert run("killed", 24 + 12, "begin") == -9
    assert models.load_model(tmp_path / "killed").name == "killed"
    assert len(models.load_state(tmp_path / "killed").log) == 1
    assert run("killed", 48 + 12, "resume") == -9
    assert run("killed", 0, "resume") == 0
    assert run("whole", 0, "begin") == 0
    for file in ("model.safetensors", "checkpoint.safetensors"):
        killed, whole = (load_file(tmp_path / name / file) for name in ("killed", "whole"))
        assert killed.keys() == whole.keys()
        for key, value in whole.items():
            torch.testing.assert_close(killed[key], value, rtol=0, atol=0)
    logs = [models.load_state(tmp_path / name).log for name in ("killed", "whole")]
    assert [entry._replace(seconds=0) for entry in logs[0]] == [entry._replace(seconds=0) for entry in logs[1]]


@pytest.mark.slow
def test_adapting_to_a_stack(scene, tmp_path, models_folder):
    config = replace(ff.ADAPTING, batch=8, crop=32, crops_per_image=8, epochs=2)
    steps = []
    made = ff.adapt(
        np.moveaxis(scene.stack, 0, 2),
        axis=2,
        config=config,
        out=models_folder / "mine",
        progress=steps.append,
        model="sesf-cse",
    )
    old, new = (scores["psnr"] for scores in made.scores)
    assert new >= old > 20
    assert made.model == "sesf-cse"
    before, after = (ff.decide(scene.stack, model=name).index for name in ("sesf-cse", "mine"))
    np.testing.assert_array_equal(made.index[0], before)
    np.testing.assert_array_equal(made.index[1], after)
    assert made.changed == (before != after).mean() >= made.moved
    texts = {step.what.split(",")[0] for step in steps}
    assert {"deciding with sesf-cse", "epoch 1 of 2", "deciding with the adapted model"} <= texts
    with pytest.raises(OutputError, match="already contains a model"):
        ff.adapt(scene.stack, config=config, out=models_folder / "mine")


def test_the_time_budget_of_an_adaptation_holds_both_decisions(scene, tmp_path, monkeypatch):
    from napari_focusfuse.api import _adapting
    from napari_focusfuse.core import progress

    now, asked = [0.0], []
    decide = _adapting.iter_decide

    def slow(*arguments, **options):
        now[0] += 30
        return (yield from decide(*arguments, **options))

    def fit(*_, around):
        asked.append(around)
        raise TrainingError("enough")

    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(_adapting, "iter_decide", slow)
    monkeypatch.setattr(_adapting, "iter_fit", fit)
    with pytest.raises(TrainingError, match="enough"):
        ff.adapt(scene.stack, config=ff.ADAPTING, out=tmp_path / "mine", model="sesf-cse")
    assert asked == [30]


def test_adapting_that_makes_nothing_better_gives_a_copy(scene, tmp_path):
    ruin = replace(ff.ADAPTING, batch=8, crop=32, crops_per_image=2, epochs=1, learning_rate=1.0)
    made = ff.adapt(scene.stack, config=ruin, out=tmp_path / "mine", model="sesf-cse")
    assert (made.result.kept, made.changed, made.moved) == (0, 0, 0)
    assert made.scores[0] == made.scores[1]
    assert models.load_model(tmp_path / "mine").sha256 == models.load_model("sesf-cse").sha256


def test_adapting_to_two_slices_and_to_small_ones(scene, tmp_path):
    config = replace(ff.ADAPTING, batch=8, crop=32, crops_per_image=2, epochs=1)
    assert ff.adapt(scene.stack[:2], model="sesf-cse", config=config, out=tmp_path / "two").result.log
    with pytest.raises(TrainingError, match="at least 200 x 200 px"):
        ff.adapt(scene.stack, model="sesf-cse", config=replace(config, crop=200), out=tmp_path / "small")
    assert not (tmp_path / "small").exists()
