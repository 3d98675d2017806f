"""The widget "Train a model" by the recipes other than the paper's; the trainings are tiny."""

from dataclasses import replace

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api, models
from napari_focusfuse.config import ADAPTATIONS, DEFAULT_RECIPE
from napari_focusfuse.core.encode.network import Encoder

PLUGIN, WIDGET = "napari-focusfuse", "Train a model"
TINY = ff.RankConfig(steps=4, stacks=1, crop=16, procedural=0, validate_every=2, learning_rate=1e-2)
EDGES = ff.CandidateConfig(steps=2, stacks=1, crop=48, validate_every=1, scene_steps=2)


@pytest.fixture(scope="module")
def simulated():
    return ff.simulate((48, 56), 6, blur=1.5, seed=3)


@pytest.fixture
def encoder(networks, models_folder):
    """A model of one's own without a decoder."""
    models.save_model(networks["none"].encoder, models_folder / "encoder", "# Encoder")
    return "encoder"


@pytest.fixture
def decided(models_folder):
    """A model of one's own with a decision head, and another one with a candidate head as well."""
    for name, edges in (("decided", False), ("edged", True)):
        models.save_model(Encoder("none", decides=True, judges=edges).eval(), models_folder / name, f"# {name}")
    return "decided"


@pytest.fixture
def small_scenes(monkeypatch):
    """Few and small scenes to train and to validate on."""
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.ScoredScenes.side", 64)
    monkeypatch.setattr("napari_focusfuse.core.training.candidate_head.Validation.count", 1)


@pytest.fixture
def training(viewer, models_folder, encoder, decided, qtbot):
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    qtbot.waitUntil(lambda: "sesf-cse" in widget.form.start.choices, timeout=30_000)
    return widget


@pytest.fixture
def truth(viewer, training, simulated):
    """Two sharp images, ticked by hand: one is validated on."""
    layer = viewer.add_image(np.stack([simulated.truth, simulated.truth[::-1]]), name="truth")
    training.form.images.choose([layer])
    return layer


def test_a_model_is_trained_and_offered(viewer, training, truth, finish, notes, tmp_path):
    _, fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    training.form.set_value(TINY)
    training.run()
    finish(training)
    assert notes == []
    text = training.panel.status.text()
    assert "The model 'my model' is ready (all steps are done): step" in text
    assert "It finds the sharpest slice or its neighbour at" in text
    assert "my model" in fusing.model.choices
    ff.train(list(truth.data), TINY, out=tmp_path / "same")
    assert ff.load_model("my model").sha256 == ff.load_model(tmp_path / "same").sha256
    assert ff.load_model("my model").network is None


def test_the_plots_show_how_it_goes(viewer, training, truth, finish, qtbot):
    training.form.set_value(TINY)
    training.run()
    finish(training)
    losses, example = training.plots.losses, training.plots.example
    qtbot.waitUntil(lambda: training.plots._checks == 2, timeout=5000)
    training.plots._draw()
    curves = {line.get_label(): line.get_ydata() for line in losses.axes.lines}
    state = models.load_state(training.form.target.value().parent / "my model")
    np.testing.assert_allclose(curves["validation"], [entry.val_loss for entry in state.log])
    assert len(curves["training"]) == 4
    assert losses.axes.get_xlabel() == "steps"
    texts = [text.get_text() for text in example.axes.texts]
    assert texts[:4] == ["slice 0, sharp", "slice 3", "picked", "truth"]
    assert f"validation: {100 * state.log[-1].val_found:.1f} % found" in texts
    (strip,) = example.axes.images
    shown = np.asarray(strip.get_array())
    np.testing.assert_allclose(shown[:, -96:], np.broadcast_to(shown[0, -1], (96, 96, 3)))
    picked = training.plots._history.example.picked
    right = np.isclose(shown[:, -96 - 4 - 96 : -96 - 4], shown[0, -1]).all(axis=2)
    np.testing.assert_array_equal(right, picked == 0)


def test_stop_keeps_the_best_model(training, truth, finish, qtbot):
    training.form.set_value(replace(TINY, steps=5000))
    training.run()
    qtbot.waitUntil(lambda: bool(getattr(training.plots._history, "log", ())), timeout=60_000)
    training.panel.cancel_button.click()
    finish(training)
    assert "is ready (stopped)" in training.panel.status.text()
    assert ff.load_model("my model").sha256


def test_what_can_be_trained_on_follows_the_recipe(training, viewer, notes):
    form = training.form
    assert form.recipe.recipe == DEFAULT_RECIPE
    form.recipe.kind.value = "focus"
    assert training.about.text() == "Open sharp images or a stack first, or choose a folder."
    form.images.kind.value = "computed"
    assert form.problem() is None
    assert training.panel.run_button.isEnabled()
    assert (form.setup().images, form.setup().title) == ([], "computed textures")
    form.recipe.kind.value = "paper"
    assert form.images.kind.value == "layers"
    assert "computed" not in form.images.kind.choices
    assert not training.panel.run_button.isEnabled()
    small = viewer.add_image(np.random.default_rng(0).random((20, 30)), name="small")
    assert training.about.text().startswith("All images are smaller than a crop")
    form.recipe.kind.value = "focus"
    assert form.problem() is None
    stack = viewer.add_image(np.zeros((4, 20, 30)), name="stack")
    assert form.images.ticked() == [small]
    form.images.choose([stack])
    assert "Blurred slices would be taken for sharp images" in form.images.about.text()


def test_what_it_can_start_from_follows_the_recipe(training, encoder):
    form = training.form
    form.recipe.kind.value = "paper"
    assert encoder not in form.start.choices
    form.recipe.kind.value = "focus"
    assert encoder in form.start.choices
    form.start.value = encoder
    assert form.value().learning_rate == ff.RANK_ADAPTING.learning_rate
    form.recipe.kind.value = "paper"
    assert form.start.value == ""
    assert form.value() == ff.TrainConfig()
    form.start.value = "sesf-cse"
    form.recipe.kind.value = "focus"
    assert form.start.value == "sesf-cse"
    assert form.setup().options["start"] == "sesf-cse"
    form.start.value = ""
    assert form.value() == ff.RankConfig()


def test_adapting_a_model_without_a_decoder(training, viewer, encoder, simulated, finish, notes):
    viewer.add_image(simulated.stack, name="cells")
    training.tasks.setCurrentIndex(1)
    form = training.adapt_form
    assert form.value() == ADAPTATIONS[api.trained_by("default")]
    form.model.value = encoder
    assert form.value() == ff.RANK_ADAPTING
    form.set_value(replace(TINY, steps=2))
    training.run()
    finish(training)
    assert notes == []
    made, _ = training.report.made
    text = training.report.text.text()
    assert "Slices found" in text
    assert f"{100 * made.scores[1]['found']:.1f} %" in text
    assert ff.load_model("cells adapted").network is None
    assert form.target.value().name == "cells adapted 2"
    form.model.value = "sesf-cse"
    assert form.value() == ff.ADAPTING


def test_a_decision_needs_a_model_to_start_from(training, viewer, finish, notes):
    form = training.form
    form.set_value(ff.DecideConfig(steps=2, crop=48, validate_every=2, scene_steps=2))
    assert "choose a model to start from" in form.problem()
    form.start.value = "sesf-focus"
    assert form.problem() is None or "images" in form.problem()


def test_edges_need_a_model_with_a_decision_head(training, encoder):
    form = training.form
    form.recipe.kind.value = "focus"
    form.images.kind.value = "computed"
    form.start.value = encoder
    form.recipe.kind.value = "candidates"
    assert form.start.value == ""
    assert not {encoder, "sesf-cse"} & set(form.start.choices)
    assert {"decided", "edged"} <= set(form.start.choices)
    assert training.about.text().startswith("A candidate head needs a model with a decision head: choose one")
    assert not training.panel.run_button.isEnabled()
    form.start.value = "decided"
    assert form.problem() is None
    assert form.value() == ff.CandidateConfig()


def test_smaller_steps_are_for_what_has_learnt_something(training, encoder):
    form = training.form
    for recipe, kind, new, learnt in (
        ("decide", ff.DecideConfig, encoder, "decided"),
        ("candidates", ff.CandidateConfig, "decided", "edged"),
    ):
        form.recipe.kind.value = recipe
        form.start.value = new
        assert form.value() == kind()
        form.start.value = learnt
        assert form.value().learning_rate == ADAPTATIONS[recipe].learning_rate


def test_edges_are_learned(training, small_scenes, finish, notes, qtbot):
    training.form.set_value(EDGES)
    training.form.images.kind.value = "computed"
    training.form.start.value = "decided"
    training.run()
    finish(training)
    assert notes == []
    assert api.trained_by("my model") == "candidates"
    qtbot.waitUntil(lambda: training.plots._checks == 2, timeout=5000)
    training.plots._draw()
    texts = [text.get_text() for text in training.plots.example.axes.texts]
    assert texts[:4] == ["true image", "sharpest slice", "fused", "slices off"]
    assert texts[5:] == ["0", "1", "2", "3", "4+"]


def test_adapting_a_model_with_an_edge_head(training, viewer, simulated, small_scenes, finish, notes):
    viewer.add_image(simulated.stack, name="cells")
    training.tasks.setCurrentIndex(1)
    form = training.adapt_form
    form.model.value = "edged"
    assert form.value() == ff.CANDIDATE_ADAPTING
    form.model.value = "decided"
    assert form.value() == ff.DECIDE_ADAPTING
    form.recipe.kind.value = "candidates"
    assert training.about.text().startswith("The model lacks the part that the recipe candidates trains")
    assert not training.panel.run_button.isEnabled()
    form.model.value = "edged"
    form.set_value(EDGES)
    training.run()
    finish(training)
    assert notes == []
    assert "Slices found" in training.report.text.text()
    assert ff.load_model("cells adapted").encoder.candidates is not None
