"""Models: shipped, saved, damaged."""

import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_focusfuse import models
from napari_focusfuse.core.network import SESFNet
from napari_focusfuse.errors import ModelError, OutputError


@pytest.fixture
def folder(networks, tmp_path):
    models.save_model(networks["scse"], tmp_path / "mine", "# Mine")
    return tmp_path / "mine"


def test_shipped_models_load_and_have_cards():
    assert "sesf-cse" in models.list_models()
    for name in models.list_models():
        model = models.load_model(name)
        assert model.name == name
        assert not model.network.training
        card = models.model_card(name)
        for word in ("licence", "seed", "date"):
            assert word in card
        score = re.search(r"PSNR ([\d.]+) dB", card)
        assert score is not None
        assert float(score[1]) >= 32
        assert (models.WEIGHTS / name / "model.safetensors").stat().st_size < 400_000


def test_default_is_an_alias():
    assert models.load_model().sha256 == models.load_model(models.ALIASES["default"]).sha256


def test_saved_and_loaded(networks, folder):
    model = models.load_model(folder)
    assert (model.name, model.encoder.variant) == ("mine", "scse")
    for key, value in networks["scse"].state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, rtol=0, atol=0)
    assert models.model_card(str(folder)) == "# Mine"
    assert not list(folder.glob("*.part"))


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(ModelError, match=r"no model 'best'.*default, sesf-cse"):
        models.load_model("best")


def test_a_truncated_file(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ModelError, match="cannot be read"):
        models.load_model(folder)


def test_a_flipped_bit(folder):
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        models.load_model(folder)


def test_another_architecture(folder):
    file = folder / "model.safetensors"
    save_file(load_file(file), file, {"architecture": "unet-9"})
    with pytest.raises(ModelError, match=r"another architecture \(unet-9\)"):
        models.load_model(folder)


def test_tensors_that_do_not_fit(folder):
    file = folder / "model.safetensors"
    tensors = SESFNet("none").state_dict()
    header = {"architecture": "sesf-1", "variant": "cse", "sha256": models._digest(tensors)}
    save_file(tensors, file, header)
    with pytest.raises(ModelError, match="does not fit"):
        models.load_model(folder)


def test_a_checkpoint_of_another_make(networks, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(
        models._packed(networks["cse"].state_dict(), {"architecture": "sesf-1", "variant": "cse"})
    )
    with pytest.raises(ModelError, match="start the training anew"):
        models.load_state(tmp_path)


def test_nothing_to_resume(tmp_path):
    with pytest.raises(ModelError, match="nothing to resume"):
        models.load_state(tmp_path)


def test_a_place_that_cannot_be_written(networks, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        models.save_model(networks["cse"], tmp_path / "file" / "model", "")
