"""Training by focus ranking by the public functions: files, interruptions, models without a decoder, one stack."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import napari_focusfuse as ff
from napari_focusfuse import api, models
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.training import encoder
from napari_focusfuse.core.training.steps import RankReport, RankState
from napari_focusfuse.errors import FocusFuseError, ModelError, TrainingError

CONFIG = ff.RankConfig(steps=4, stacks=1, crop=16, procedural=0, validate_every=2, learning_rate=1e-2)
PAPER = ff.TrainConfig(epochs=1, batch=6, crop=32, crops_per_image=2)


@pytest.fixture(scope="module", autouse=True)
def _few_stacks():
    """A stack of each scale to validate on: less to compute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "_STACKS", 3)
        yield


@pytest.fixture(scope="module")
def images(scene) -> list[np.ndarray]:
    return list(scene.stack[:3])


@pytest.fixture(scope="module")
def focused(images, tmp_path_factory):
    """A model that was trained to rank, and what the training gave."""
    out = tmp_path_factory.mktemp("focus") / "focused"
    return out, ff.train(images, CONFIG, out=out, licence="CC0-1.0")


def test_the_encoder_alone_is_written_and_fuses(focused, scene):
    out, result = focused
    model = models.load_model(out)
    assert model.network is None
    assert model.encoder.variant == "none"
    assert not model.encoder.training
    assert (result.recipe, result.unit, result.ended) == ("focus", "step", "all steps are done")
    assert [entry.step for entry in result.log] == [2, 4]
    assert result.kept in (2, 4)
    decision = ff.decide(scene.stack, model=out)
    assert (decision.info["model"], decision.info["model_sha256"]) == ("focused", model.sha256)


def test_the_card_says_how(focused):
    out, result = focused
    card = ff.model_card(str(out))
    facts = models.card_facts(card)
    found, loss = result.scores["found"], result.scores["loss"]
    assert (facts.title, facts.recipe, facts.licence) == ("SESF encoder, none", "focus", "CC0-1.0")
    assert facts.scores == f"{100 * found:.1f} % of the pixels found, loss {loss:.4f}"
    assert f"{100 * found:.1f} %" in result.told
    assert loss == pytest.approx(min(entry.val_loss for entry in result.log), abs=1e-4)
    assert "- training images: 2 (2 arrays)\n" in card
    assert "- procedural: 0\n" in card
    assert card.count("\n| ") == 3
    assert "- end of the training: all steps are done" in card


@pytest.mark.slow
def test_without_images_textures_are_computed(tmp_path):
    result = ff.train(None, replace(CONFIG, steps=1), out=tmp_path / "mine")
    card = ff.model_card(str(tmp_path / "mine"))
    assert "training images: none, textures are computed" in card
    assert "licence of the training images: none needed" in card
    assert result.scores["found"] > 0
    with pytest.raises(TrainingError, match="no images are too few"):
        ff.train(None, PAPER, out=tmp_path / "paper")


def test_one_small_image_suffices(images, tmp_path):
    small = images[0][:12, :15]
    result = ff.train([small], replace(CONFIG, steps=1), out=tmp_path / "mine")
    assert np.isfinite(result.scores["loss"])
    assert "validation images, never trained on: none" in ff.model_card(str(tmp_path / "mine"))


def test_interrupted_and_resumed_it_gives_the_same_weights(images, tmp_path, focused):
    work = api.iter_train(images, CONFIG, out=tmp_path / "mine")
    for step in work:
        if isinstance(step, RankReport) and step.done == 3:
            break
    work.close()
    assert models.load_state(tmp_path / "mine").step == 2
    assert api.recipe_to_resume(tmp_path / "mine") == "focus"
    ff.train(images, out=tmp_path / "mine", resume=True)
    whole, resumed = (models.load_model(out) for out in (focused[0], tmp_path / "mine"))
    assert whole.sha256 == resumed.sha256
    mine, theirs = (models.load_state(out) for out in (focused[0], tmp_path / "mine"))
    torch.testing.assert_close(mine.moments, theirs.moments, rtol=0, atol=0)


def test_resuming_by_the_other_recipe(images, tmp_path, focused):
    with pytest.raises(TrainingError, match="started with the recipe focus, not paper"):
        ff.train(images, PAPER, out=focused[0], resume=True)
    with pytest.raises(TrainingError, match="started with the recipe focus, not paper"):
        api.recipe_to_resume(focused[0], "paper")
    ff.train(images, PAPER, out=tmp_path / "paper")
    with pytest.raises(TrainingError, match="started with the recipe paper, not focus"):
        ff.train(images, CONFIG, out=tmp_path / "paper", resume=True)
    assert api.recipe_to_resume(tmp_path / "paper") == "paper"


def test_starting_from_a_model(images, tmp_path, focused):
    """By focus from any, by the paper's recipe from one with a decoder only."""
    out = tmp_path / "mine"
    ff.train(images, replace(CONFIG, steps=1), out=out, start="sesf-cse")
    model = models.load_model(out)
    assert (model.network, model.encoder.variant) == (None, "cse")
    assert "started from: sesf-cse" in ff.model_card(str(out))
    assert isinstance(models.load_state(out), RankState)
    ff.train(images, replace(CONFIG, steps=1), out=tmp_path / "again", start=focused[0])
    with pytest.raises(TrainingError, match="'focused' has no decoder, which the recipe paper trains as well"):
        ff.train(images, PAPER, out=tmp_path / "paper", start=focused[0])
    assert not (tmp_path / "paper").exists()


def test_the_best_model_is_kept_when_the_loss_is_no_longer_a_number(images, tmp_path, monkeypatch):
    real, calls = encoder.rank_loss, []

    def failing(shares, batch):
        calls.extend([1] if shares.requires_grad else [])  # a step, not the validation
        return real(shares, batch) * (float("nan") if len(calls) > 3 else 1)

    monkeypatch.setattr(encoder, "rank_loss", failing)
    with pytest.raises(TrainingError, match=r"no longer a number.*; the best model so far is in .*mine"):
        ff.train(images, CONFIG, out=tmp_path / "mine")
    assert models.load_model(tmp_path / "mine").sha256
    assert models.load_state(tmp_path / "mine").step == 2


def test_adapting_a_model_without_a_decoder(focused, scene, tmp_path):
    config = replace(CONFIG, steps=2)
    made = ff.adapt(scene.stack, model=focused[0], config=config, out=tmp_path / "mine")
    before, after = (scores["found"] for scores in made.scores)
    assert 0 <= before <= 1
    assert 0 <= after <= 1
    assert made.result.recipe == "focus"
    for index, model in zip(made.index, (focused[0], tmp_path / "mine"), strict=True):
        np.testing.assert_array_equal(index, ff.decide(scene.stack, model=model).index)
    assert "parts of the fused image of one stack" in ff.model_card(str(tmp_path / "mine"))
    with pytest.raises(FocusFuseError, match="has no decoder"):
        ff.adapt(scene.stack, model=focused[0], config=PAPER, out=tmp_path / "paper")


def test_what_a_model_is_adapted_by(focused, scene, tmp_path, monkeypatch):
    taken = []

    def noted(split, folder, beginning, *_, around):
        taken.append((beginning.config, [image.shape for image in split[0] + split[1]]))
        raise FocusFuseError("enough")
        yield

    monkeypatch.setattr("napari_focusfuse.api._adapting.iter_fit", noted)
    for model in (focused[0], "sesf-cse"):
        with pytest.raises(FocusFuseError, match="enough"):
            ff.adapt(scene.stack, model=model, out=tmp_path / "mine")
    assert [config for config, _ in taken] == [ff.RANK_ADAPTING, ff.ADAPTING]
    assert taken[0][1] == [(96, 53), (96, 53), (96, 22)]


@pytest.mark.slow
def test_adapting_a_model_with_an_edge_head(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.ScoredScenes.side", 64)
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.Validation.count", 1)
    for name, edges in (("decided", False), ("edged", True)):
        models.save_model(Encoder("none", decides=True, judges=edges).eval(), tmp_path / name, f"# {name}")
    config = replace(ff.CANDIDATE_ADAPTING, steps=1, stacks=1, crop=48)
    made = ff.adapt(scene.stack, model=tmp_path / "edged", config=config, out=tmp_path / "mine")
    assert (made.result.recipe, models.trained_by(tmp_path / "mine")) == ("candidates", "candidates")
    assert all(0 <= scores["found"] <= 1 for scores in made.scores)
    with pytest.raises(
        TrainingError, match="'decided' has no candidate head to adapt: train it by the recipe candidates first"
    ):
        ff.adapt(scene.stack, model=tmp_path / "decided", config=config, out=tmp_path / "other")
    with pytest.raises(TrainingError, match="'sesf-cse' has no decision head to adapt"):
        ff.adapt(scene.stack, model="sesf-cse", config=ff.DECIDE_ADAPTING, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_header_says_what_a_file_holds(focused, tmp_path, networks):
    assert models.trained_by(focused[0]) == "focus"
    assert models.trained_by("sesf-cse") == "paper"
    assert models.trained_by("absent") == "paper"
    models.save_model(networks["sse"].encoder, tmp_path / "mine", "")
    model = models.load_model(tmp_path / "mine")
    torch.testing.assert_close(model.encoder.state_dict(), networks["sse"].encoder.state_dict(), rtol=0, atol=0)


def test_parts_of_a_later_version(tmp_path, networks):
    from napari_focusfuse.models import checkpoint

    encoder = networks["none"].encoder
    header = {**checkpoint.header_of(encoder), "parts": "encoder+head"}
    tensors = {**checkpoint.tensors_of(encoder), "head.weight": torch.ones(3)}
    (tmp_path / "model.safetensors").write_bytes(checkpoint.packed(tensors, header))
    with pytest.raises(ModelError, match=r"parts that are not known \(encoder\+head\): update napari-focusfuse"):
        models.load_model(tmp_path)


@pytest.mark.parametrize("parts", ["encoder", "network"])
def test_parts_that_are_not_there(tmp_path, networks, parts):
    """The header says one thing, the tensors are another."""
    from napari_focusfuse.models import checkpoint

    model = networks["none"] if parts == "encoder" else networks["none"].encoder
    header = {**checkpoint.header_of(model), "parts": parts}
    (tmp_path / "model.safetensors").write_bytes(checkpoint.packed(checkpoint.tensors_of(model), header))
    with pytest.raises(ModelError, match="does not fit"):
        models.load_model(tmp_path)


def test_a_checkpoint_without_a_recipe_is_one_of_the_paper(images, tmp_path):
    """As they were written before there were two."""
    from napari_focusfuse.models import checkpoint

    ff.train(images, PAPER, out=tmp_path)
    tensors, header = checkpoint.checked(tmp_path / "checkpoint.safetensors")
    del header["recipe"]
    (tmp_path / "checkpoint.safetensors").write_bytes(checkpoint.packed(tensors, header))
    assert api.recipe_to_resume(tmp_path) == "paper"
    assert models.load_state(tmp_path).config == PAPER


def test_a_checkpoint_of_a_recipe_that_is_not_known(focused, tmp_path):
    from napari_focusfuse.models import checkpoint

    tensors, header = checkpoint.checked(focused[0] / "checkpoint.safetensors")
    (tmp_path / "checkpoint.safetensors").write_bytes(checkpoint.packed(tensors, {**header, "recipe": "depth"}))
    with pytest.raises(ModelError, match="not a checkpoint that this version can resume"):
        api.recipe_to_resume(tmp_path)
    with pytest.raises(ModelError, match="not a checkpoint that this version can resume"):
        models.load_state(tmp_path)
