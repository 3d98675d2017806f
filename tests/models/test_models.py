"""Models: shipped, saved, damaged."""

import os
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_focusfuse import models
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.errors import ModelError, OutputError
from napari_focusfuse.models import checkpoint


@pytest.fixture
def folder(networks, tmp_path):
    models.save_model(networks["scse"], tmp_path / "mine", "# Mine")
    return tmp_path / "mine"


def test_shipped_models_load_and_have_cards():
    assert "sesf-cse" in models.shipped_models()
    for name in models.shipped_models():
        model = models.load_model(name)
        assert model.name == name
        assert not model.encoder.training
        card = models.model_card(name)
        for word in ("licence", "seed", "date"):
            assert word in card
        what, least = (r"PSNR ([\d.]+) dB", 32) if model.network else (r"([\d.]+) % of the pixels found", 65)
        score = re.search(what, card)
        assert score is not None
        assert float(score[1]) >= least
        assert (models.WEIGHTS / name / "model.safetensors").stat().st_size < 1_500_000


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


def test_a_pickle_with_the_name_of_a_model_is_never_loaded(networks, folder):
    torch.save(networks["scse"].state_dict(), folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"cannot be read \(.*get the file again"):
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


def test_an_architecture_of_the_future(folder):
    file = folder / "model.safetensors"
    save_file(load_file(file), file, {"architecture": "sesf-2", "variant": "cse"})
    with pytest.raises(ModelError, match=r"\(sesf-2\): update napari-focusfuse"):
        models.load_model(folder)


def test_a_file_of_another_program(folder):
    save_file({"x": torch.ones(3)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="does not say what it contains"):
        models.load_model(folder)


def resized():
    tensors = SESFNet("cse").state_dict()
    tensors["decoder.3.bias"] = torch.zeros(2)
    return tensors


@pytest.mark.parametrize(
    ("tensors", "variant"),
    [
        (SESFNet("none").state_dict(), "cse"),
        ({"x": torch.ones(3)}, "cse"),
        (resized(), "cse"),
        (SESFNet("cse").state_dict(), "xse"),
    ],
    ids=["another variant", "other tensors", "another shape", "an unknown variant"],
)
def test_tensors_that_do_not_fit(folder, tensors, variant):
    header = {"architecture": "sesf-1", "variant": variant, "sha256": checkpoint.digest(tensors)}
    save_file(tensors, folder / "model.safetensors", header)
    with pytest.raises(ModelError, match="does not fit"):
        models.load_model(folder)


def test_weights_that_are_no_numbers(folder):
    network = SESFNet("cse")
    with torch.no_grad():
        network.decoder[-1].bias[0] = torch.nan
    models.save_model(network, folder, "")
    with pytest.raises(ModelError, match="weights that are not numbers"):
        models.load_model(folder)


def test_models_of_ones_own_are_found_by_name(networks, models_folder):
    models.save_model(networks["sse"], models_folder / "my beads", "# Beads")
    (models_folder / "no model").mkdir()
    assert models.list_models() == [*models.shipped_models(), "my beads"]
    assert models.load_model("my beads").encoder.variant == "sse"
    assert models.model_card("my beads") == "# Beads"


def test_a_model_of_ones_own_does_not_hide_one_that_comes_along(networks, models_folder):
    models.save_model(networks["sse"], models_folder / "sesf-cse", "# False")
    assert models.list_models().count("sesf-cse") == 1
    assert models.load_model("sesf-cse").encoder.variant == "cse"
    for name in ("sesf-cse", "default", "", "a/b", "..", "x.", "nul?"):
        with pytest.raises(ModelError, match=r"name of a (built-in )?model"):
            models.check_name(name)
    models.check_name("µ beads 2.1")


def test_facts_of_a_card():
    facts = models.card_facts(models.model_card("sesf-cse"))
    assert facts.title == "SESF encoder-decoder, cse"
    assert facts.recipe == "paper"
    assert facts.licence.startswith("research use only")
    assert facts.scores.startswith("PSNR ")
    assert models.card_facts("") == models.CardFacts("", "", "", "", "")


def test_a_disk_that_is_full_leaves_the_old_model(networks, folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    before = models.load_model(folder).sha256
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        models.save_model(networks["cse"], folder, "# New")
    assert models.load_model(folder).sha256 == before
    assert sorted(file.name for file in folder.iterdir()) == ["card.md", "model.safetensors"]


def test_a_checkpoint_of_another_make(networks, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(
        checkpoint.packed(networks["cse"].state_dict(), {"architecture": "sesf-1", "variant": "cse"})
    )
    with pytest.raises(ModelError, match="start the training again"):
        models.load_state(tmp_path)


def test_nothing_to_resume(tmp_path):
    with pytest.raises(ModelError, match="nothing to resume"):
        models.load_state(tmp_path)


def test_a_place_that_cannot_be_written(networks, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        models.save_model(networks["cse"], tmp_path / "file" / "model", "")
    with pytest.raises(OutputError, match="cannot write"):
        models.check_folder(tmp_path / "file" / "model")
    models.check_folder(tmp_path / "new" / "model")
    assert not list((tmp_path / "new" / "model").iterdir())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.int8])
def test_weights_of_another_type(folder, kind):
    tensors = {name: value.to(kind) for name, value in SESFNet("cse").state_dict().items()}
    save_file(tensors, folder / "model.safetensors", {"architecture": "sesf-1", "variant": "cse", "sha256": "0"})
    with pytest.raises(ModelError, match=r"holds weights of type (BF16|F16|F8_E4M3|I8), not those"):
        models.load_model(folder)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "x" * 300])
def test_names_that_nothing_can_have(name):
    with pytest.raises(ModelError, match="there is no model") as caught:
        models.load_model(name)
    assert len(str(caught.value)) < 500


def test_headers_that_say_too_much(folder):
    for header in ({"architecture": "sesf-" + "9" * 5000}, {"architecture": "sesf-1", "variant": "c" * 9999}):
        tensors = {"y" * 5000: torch.ones(3)}
        save_file(tensors, folder / "model.safetensors", {**header, "sha256": checkpoint.digest(tensors)})
        with pytest.raises(ModelError, match=r"another architecture|does not fit") as caught:
            models.load_model(folder)
        assert len(str(caught.value)) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(folder):
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")
    assert models.model_card(str(folder)).endswith("has no card.")
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(ModelError, match="there is no model"):
        models.load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"config": "[]"},
        {"config": "{"},
        {"config": '{"epochs": "3"}'},
        {"config": '{"epochs": 3, "colour": 1}'},
        {"log": '[{"epoch": "1"}]'},
        {"log": "[1]"},
        {"log": "[" * 10**5},
        {"origin": "[1]"},
        {"recipe": "other"},
        {"variant": "sse"},
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_with(networks, tmp_path, change):
    network = networks["cse"]
    held = network.state_dict()
    tensors = {f"{part}/{key}": held[key].clone() for part in ("network", "best") for key in held}
    header = {**checkpoint.header_of(network), "recipe": "paper", "config": "{}", "log": "[]"}
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(checkpoint.packed(tensors, header))
    assert models.load_state(tmp_path).log == []
    path.write_bytes(checkpoint.packed(tensors, {**header, **change}))
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors (is not a checkpoint|does not fit)"):
        models.load_state(tmp_path)
    for wrong in ("best/x", "moments/1.other", "moments/9999.step", "moments/0.exp_avg"):
        path.write_bytes(checkpoint.packed({**tensors, wrong: torch.ones(7)}, header))
        with pytest.raises(ModelError, match="is not a checkpoint"):
            models.load_state(tmp_path)
