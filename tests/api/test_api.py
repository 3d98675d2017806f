"""The public contract."""

from dataclasses import replace
from importlib.metadata import version

import dask.array as da
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import ModelError, OutputError, StackError, TrainingError


def test_public_names_are_there():
    for name in ff.__all__:
        assert getattr(ff, name) is not None
    assert {"fuse", "iter_fuse", "decide", "blend", "load_model", "train", "simulate", "FusionConfig"} <= set(dir(ff))


def test_fuse_is_decide_then_blend(scene):
    steps = []
    result = ff.fuse(scene.stack, progress=steps.append)
    decision = ff.decide(scene.stack)
    np.testing.assert_array_equal(result.decision.labels, decision.labels)
    np.testing.assert_array_equal(result.image, ff.blend(scene.stack, decision))
    assert steps[-1].done == steps[-1].total
    assert decision.info["model"] == "sesf-focus"
    assert len(decision.info["model_sha256"]) == 64


def test_iter_fuse_returns_the_same(scene):
    work = ff.iter_fuse(scene.stack, axis=0)
    assert isinstance(next(work), ff.Progress)
    np.testing.assert_array_equal(drain(work).image, ff.fuse(scene.stack).image)


def test_the_decision_fuses_another_channel(scene):
    decision = ff.decide(scene.stack)
    other = (scene.stack // 7).astype(np.uint8)
    image = ff.blend(other, decision)
    assert (image.shape, image.dtype) == (scene.truth.shape, np.uint8)
    with pytest.raises(StackError, match="same geometry"):
        ff.blend(other[:, 1:], decision)


def test_dask_lists_and_other_axes_are_the_same(scene):
    plain = ff.fuse(scene.stack).image
    np.testing.assert_array_equal(ff.fuse(da.from_array(scene.stack, chunks=(1, 50, 50))).image, plain)
    np.testing.assert_array_equal(ff.fuse(list(scene.stack)).image, plain)
    np.testing.assert_array_equal(ff.fuse(np.moveaxis(scene.stack, 0, 2), axis=2).image, plain)


def test_zarr(scene, tmp_path):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(tmp_path / "stack.zarr", shape=scene.stack.shape, chunks=(1, 64, 64), dtype="uint16")
    array[:] = scene.stack
    np.testing.assert_array_equal(ff.fuse(array).image, ff.fuse(scene.stack).image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "no method 'magic': choose one of sesf, sf"),
        ({"method": "lp", "config": ff.FusionConfig()}, "FusionConfig has no settings of the method 'lp'"),
        ({"config": ff.PyramidConfig()}, "PyramidConfig has no settings of the method 'sesf'"),
        ({"device": "abacus"}, "no device 'abacus' here: choose one of auto, cpu"),
        ({"device": "cpu:x"}, "no device 'cpu:x'"),
        ({"device": "cuda:99"}, "no device 'cuda:99'"),
        ({"z": ["a"] * 7}, "must be numbers"),
        ({"model": "best"}, "no model 'best'"),
        ({"z": [1.0]}, "1 positions for 7 slices"),
    ],
)
def test_refusals(scene, options, message):
    with pytest.raises(ff.FocusFuseError, match=message):
        ff.fuse(scene.stack, **options)


@pytest.mark.parametrize("method", [method.name for method in ff.list_methods() if not method.needs])
def test_every_other_method(scene, method):
    steps = []
    result = ff.fuse(scene.stack, method=method, progress=steps.append)
    assert (result.image.shape, result.image.dtype) == (scene.truth.shape, np.uint16)
    assert steps[-1].done == steps[-1].total
    assert (result.info["method"], result.info["version"]) == (method, version("napari-focusfuse"))
    np.testing.assert_array_equal(drain(ff.iter_fuse(list(scene.stack), method=method)).image, result.image)
    if result.decision is None:
        with pytest.raises(ff.FocusFuseError, match=f"'{method}' makes an image but no decision"):
            ff.decide(scene.stack, method=method)
    else:
        decision = ff.decide(scene.stack, method=method)
        np.testing.assert_array_equal(ff.blend(scene.stack, decision), result.image)


def test_settings_of_other_methods(scene):
    plain, deeper = (ff.fuse(scene.stack, method="lp", config=config) for config in (None, ff.PyramidConfig(levels=2)))
    assert (plain.image != deeper.image).any()
    assert deeper.info["config"] == {"levels": 2}


def test_the_decision_of_another_method_is_saved_and_edited(scene, tmp_path):
    decision = ff.decide(scene.stack, method="log", config=ff.LoGConfig(sigma=2))
    decision.save(tmp_path / "decision.npz")
    loaded = ff.load_decision(tmp_path / "decision.npz")
    assert loaded.info["config"] == {"sigma": 2.0, "radius": 5}
    mask = np.zeros(decision.shape, bool)
    mask[10:20, 10:20] = True
    edited = loaded.with_edits(np.full(decision.shape, 4), mask)
    np.testing.assert_array_equal(ff.blend(scene.stack, edited)[mask], scene.stack[4][mask])


@pytest.mark.slow
def test_train_writes_a_model_that_fuses(scene, tmp_path):
    images = list(scene.stack)
    config = ff.TrainConfig(epochs=2, batch=6, crop=32, crops_per_image=4, learning_rate=1e-3)
    result = ff.train(images, config, out=tmp_path / "mine", licence="simulated, free")
    assert len(result.log) == 2
    assert ff.fuse(scene.stack, model=tmp_path / "mine").decision.info["model"] == "mine"
    card = ff.model_card(str(tmp_path / "mine"))
    assert "simulated, free" in card
    assert f"PSNR {result.scores['psnr']:.2f} dB" in card
    with pytest.raises(OutputError, match="already contains a model"):
        ff.train(images, config, out=tmp_path / "mine")
    longer = replace(config, epochs=3)
    assert len(ff.train(images, longer, out=tmp_path / "mine", resume=True).log) == 3


def test_a_training_that_fails_keeps_the_best_model(scene, tmp_path, monkeypatch):
    from napari_focusfuse.core.training import recipes

    whole = recipes.iter_train

    def failing(*args, **options):
        for report in whole(*args, **options):
            yield report
            if report.state is not None:
                raise TrainingError("the loss is no longer a number")

    monkeypatch.setattr(recipes, "iter_train", failing)
    config = ff.TrainConfig(epochs=2, batch=6, crop=32, crops_per_image=4)
    with pytest.raises(TrainingError, match="the best model so far is in"):
        ff.train(list(scene.stack), config, out=tmp_path / "mine")
    assert ff.load_model(tmp_path / "mine").name == "mine"


def test_train_refusals(tmp_path, scene):
    with pytest.raises(ModelError, match="nothing to resume"):
        ff.train(list(scene.stack), out=tmp_path / "none", resume=True)
    with pytest.raises(TrainingError, match="one image is too few"):
        ff.train([np.zeros((99, 99))], out=tmp_path / "one")
    with pytest.raises(TrainingError, match="64 x 64"):
        ff.train([np.zeros((9, 9))] * 12, out=tmp_path / "small")
    assert not (tmp_path / "small").exists()
