"""The widget "Train a model", docked by its manifest; the trainings are real and tiny."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import api, models
from napari_focusfuse.gui.common.preferences import shown_path
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.train.panel import Watched

PLUGIN, WIDGET = "napari-focusfuse", "Train a model"
TINY = {"batch": 4, "crop": 24, "crops_per_image": 4, "epochs": 2}


@pytest.fixture(scope="module")
def simulated():
    return ff.simulate((48, 56), 6, blur=1.5, seed=3)


@pytest.fixture
def training(viewer, models_folder, qtbot):
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    qtbot.waitUntil(lambda: "sesf-cse" in widget.form.start.choices, timeout=30_000)
    widget.form.set_value(ff.TrainConfig(**TINY))
    widget.adapt_form.model.value = "sesf-cse"
    widget.adapt_form.set_value(replace(widget.adapt_form.value(), **TINY))
    return widget


@pytest.fixture
def cells(viewer, training, simulated):
    return viewer.add_image(
        simulated.stack, name="cells", scale=(2, 0.5, 0.5), units=("um",) * 3, axis_labels=("z", "y", "x")
    )


@pytest.fixture
def endless(training):
    """A training that goes on until it is stopped."""
    training.form.set_value(replace(training.form.value(), epochs=5000))


@pytest.fixture
def begun(training, cells, endless, qtbot):
    """An endless training under way, one epoch done."""
    training.run()
    qtbot.waitUntil(lambda: bool(getattr(training.plots._history, "log", ())), timeout=60_000)
    return training


def bare(layer):
    return getattr(layer, "__wrapped__", layer)


def names(viewer):
    return [layer.name for layer in viewer.layers]


def test_a_model_is_trained_and_fuses(viewer, training, cells, finish, models_folder, simulated, notes, qtbot):
    _, fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    assert training.form.problem() is None
    training.panel.run_button.click()
    assert not training.form.isEnabled()
    finish(training)
    assert notes == []
    assert "The model 'my model' is ready (all epochs are done)" in training.panel.status.text()
    assert ff.load_model("my model").name == "my model"
    assert "my model" in fusing.model.choices
    assert fusing.model.value == "default"
    qtbot.waitUntil(lambda: "my model" in training.form.start.choices)
    training.use_button.click()
    assert fusing.model.value == "my model"
    fusing.run()
    finish(fusing)
    expected = ff.fuse(simulated.stack, model="my model", z=np.arange(6) * 2)
    np.testing.assert_array_equal(viewer.layers["cells fused"].data, expected.image)
    made_by = viewer.layers["cells fused"].metadata[KEY]["made_by"]
    assert made_by["model_sha256"] == ff.load_model("my model").sha256
    assert training.form.target.value().name == "my model 2"


def test_the_trained_model_is_that_of_the_library(training, cells, finish, simulated, tmp_path):
    training.run()
    finish(training)
    ff.train(list(simulated.stack), training.form.value(), out=tmp_path / "same")
    assert models.load_model(tmp_path / "same").sha256 == ff.load_model("my model").sha256


def test_the_plots_show_how_it_goes(viewer, training, cells, finish, qtbot):
    training.run()
    finish(training)
    losses, example = training.plots.losses, training.plots.example
    qtbot.waitUntil(lambda: training.plots._checks == 2, timeout=5000)
    training.plots._draw()
    curves = {line.get_label(): line.get_ydata() for line in losses.axes.lines}
    log = models.load_state(api.models_folder() / "my model").log
    np.testing.assert_allclose(curves["validation"], [entry.val_crop for entry in log])
    assert len(curves["training"]) == 2 * 5
    assert losses.axes.get_yscale() == "log"
    assert f"reconstructed, {log[-1].val_psnr:.1f} dB" in [text.get_text() for text in example.axes.texts]
    assert len(example.axes.images) == 1
    from napari.utils.theme import get_theme

    for theme in ("light", "dark"):
        viewer.theme = theme
        for plot in (losses, example):
            shown = tuple(round(255 * part) for part in plot.axes.figure.get_facecolor()[:3])
            assert shown == tuple(get_theme(theme).background.as_rgb_tuple()[:3])


def test_paths_are_shown_as_people_know_them(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert shown_path(tmp_path / "models" / "mine") == str(Path("~/models/mine"))
    assert shown_path(tmp_path.parent / "mine") == str(tmp_path.parent / "mine")


def test_stop_keeps_the_best_model(begun, finish, models_folder):
    assert begun.panel.cancel_button.text() == "Stop"
    begun.panel.cancel_button.click()
    assert not begun.panel.pause_button.isEnabled()
    finish(begun)
    assert "is ready (stopped)" in begun.panel.status.text()
    assert str(models_folder / "my model") in begun.panel.status.text()
    assert ff.load_model("my model").sha256
    assert begun.form.isEnabled()


def test_pause_and_continue(begun, finish, qtbot):
    steps = []
    begun.panel.pause_button.click()
    assert begun.panel.pause_button.text() == "Continue"
    qtbot.wait(500)
    history = begun.plots._history
    before = len(history.steps)
    qtbot.wait(500)
    assert len(history.steps) == before
    assert begun.panel.progress.format() == "paused"
    begun.panel.stepped.connect(steps.append)
    begun.panel.pause_button.click()
    assert begun.panel.pause_button.text() == "Pause"
    qtbot.waitUntil(lambda: len(history.steps) > before, timeout=20_000)
    qtbot.waitUntil(lambda: any(isinstance(step, Watched) for step in steps), timeout=20_000)
    begun.panel.stop()
    finish(begun)


def test_what_is_paused_can_be_stopped(begun, finish, qtbot):
    begun.panel.pause_button.click()
    qtbot.wait(300)
    begun.panel.cancel_button.click()
    finish(begun)
    assert "is ready (stopped)" in begun.panel.status.text()


def test_stop_before_there_is_anything_to_keep(training, cells, finish, models_folder, monkeypatch):
    def reading(*_, **__):
        while True:
            yield ff.Progress(0, 9, "reading image 1 of 9")

    monkeypatch.setattr(api, "iter_train", reading)
    training.run()
    training.panel.cancel_button.click()
    finish(training)
    assert "was cancelled" in training.panel.status.text()
    assert not list(models_folder.iterdir())


@pytest.mark.parametrize("paused", [False, True])
def test_closing_napari_knows_of_the_training_and_stops_it(begun, viewer, finish, models_folder, paused, qtbot):
    manager = bare(viewer.window)._task_status_manager
    assert any("Training on cells" in status for status in manager.get_status())
    if paused:
        begun.panel.toggle_pause()
        qtbot.wait(200)
    manager.cancel_all()
    finish(begun)
    assert models.load_model(models_folder / "my model").sha256
    assert sorted(file.name for file in (models_folder / "my model").iterdir()) == [
        "card.md",
        "checkpoint.safetensors",
        "model.safetensors",
    ]


def test_a_layer_that_is_deleted_meanwhile_does_no_harm(begun, viewer, cells, finish, notes):
    viewer.layers.remove(cells)
    begun.panel.stop()
    finish(begun)
    assert "is ready" in begun.panel.status.text()
    assert notes == []
    assert not begun.panel.run_button.isEnabled()


def test_a_name_that_is_taken(training, cells, finish, models_folder):
    training.run()
    finish(training)
    before = ff.load_model("my model").sha256
    training.form.target.name.setText("my model")
    assert "already contains a model" in training.about.text()
    assert not training.panel.run_button.isEnabled()
    training.form.target.overwrite.value = True
    assert training.panel.run_button.isEnabled()
    training.form.set_value(replace(training.form.value(), seed=4))
    training.run()
    finish(training)
    assert ff.load_model("my model").sha256 != before


@pytest.mark.parametrize("name", ["", "sesf-cse", "default", "a/b", "x?"])
def test_names_that_cannot_be_given(training, cells, name):
    training.form.target.name.setText(name)
    assert not training.panel.run_button.isEnabled()
    assert training.about.text()


def test_what_cannot_be_trained_on_is_said(training, viewer, notes):
    assert training.about.text() == "Open sharp images or a stack first, or choose a folder."
    assert not training.panel.run_button.isEnabled()
    training.run()
    assert [note.message for note in notes] == [training.about.text()]
    viewer.add_image(np.zeros((6, 20, 90)), name="small")
    assert training.about.text().startswith("All images are smaller than a crop of 24 x 24 px")
    training.form.set_value(replace(training.form.value(), crop=20))
    assert training.panel.run_button.isEnabled()


def test_images_of_one_value(training, viewer, finish, notes):
    viewer.add_image(np.zeros((6, 40, 40)), name="flat")
    training.run()
    finish(training)
    assert "there is nothing to learn from" in training.panel.status.text()
    assert len(notes) == 1


def test_nan_pixels(training, viewer, simulated, finish):
    stack = simulated.stack.astype(np.float32)
    stack[:, :10] = np.nan
    viewer.add_image(stack, name="holes")
    training.run()
    finish(training)
    assert "is ready" in training.panel.status.text()


def test_a_folder_with_a_file_that_cannot_be_read(training, simulated, finish, notes, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for k, image in enumerate(simulated.stack):
        (images / f"{k}.png").write_bytes(imagecodecs.png_encode(image))
    (images / "broken.png").write_bytes(b"nothing")
    training.form.images.choose_folder(str(images))
    training.form.target.set_parent_folder(tmp_path / "elsewhere")
    training.run()
    finish(training)
    assert [note.message for note in notes] == ["1 of 7 files cannot be read and are left out: broken.png"]
    model = str(tmp_path / "elsewhere" / "my model")
    assert f"It is in {model}." in training.panel.status.text()
    training.use()
    fusing = training._viewer.window.dock_widgets[f"Fuse focus stack ({PLUGIN})"]
    assert fusing.model.value == model


def test_a_place_that_cannot_be_written(training, cells, finish, tmp_path, notes):
    (tmp_path / "file").write_text("x")
    training.form.target.set_parent_folder(tmp_path / "file")
    training.run()
    finish(training)
    assert "cannot write" in training.panel.status.text()
    assert len(notes) == 1


def test_starting_from_a_model_keeps_its_variant_and_takes_small_steps(training, cells, finish):
    training.form.start.value = "sesf-cse"
    assert not training.form.recipe.boxes["variant"].enabled
    assert training.form.value().learning_rate == ff.ADAPTING.learning_rate
    training.form.start.value = ""
    assert training.form.value().learning_rate == ff.TrainConfig().learning_rate
    training.form.start.value = "sesf-cse"
    training.form.licence.setText("CC0-1.0")
    training.run()
    finish(training)
    card = ff.model_card("my model")
    assert "started from: sesf-cse" in card
    assert "CC0-1.0; of sesf-cse, which it started from" in card


def adapt(training, finish):
    training.tasks.setCurrentIndex(1)
    training.run()
    finish(training)


def test_adapting_to_a_stack(training, viewer, cells, finish, simulated, notes, models_folder):
    before = ff.load_model().sha256
    adapt(training, finish)
    assert notes == []
    made, _ = training.report.made
    assert ff.load_model().sha256 == before
    assert ff.load_model("cells adapted").sha256
    expected = [ff.decide(simulated.stack, model=name).index for name in ("sesf-cse", "cells adapted")]
    text = training.report.text.text()
    assert f"{100 * (expected[0] != expected[1]).mean():.1f} %" in text
    assert f"{made.scores[1]['psnr']:.1f} dB" in text
    assert training.shown.currentWidget() is training.report
    assert names(viewer) == ["cells"]
    training.report.show_button.click()
    training.report.show_button.click()
    shown = ["cells decision, sesf-cse", "cells decision, cells adapted"]
    assert names(viewer) == ["cells", *shown]
    for name, index in zip(shown, expected, strict=True):
        layer = viewer.layers[name]
        np.testing.assert_array_equal(layer.data, index + 1)
        np.testing.assert_allclose(layer.scale, (0.5, 0.5))
        assert tuple(map(str, layer.units)) == ("micrometer", "micrometer")
    assert training.adapt_form.stack.layer is bare(cells)


def test_a_copy_is_called_a_copy(training, cells, finish):
    """In the report and in the line below the buttons alike; the report is text without markup."""
    training.tasks.setCurrentIndex(1)
    training.adapt_form.set_value(replace(training.adapt_form.value(), learning_rate=0.1, epochs=1))
    adapt(training, finish)
    text, status = training.report.text.text(), training.panel.status.text()
    assert training.report.made[0].result.kept == 0
    assert "<" not in text
    assert "the adapted model is a copy of it" in text
    assert "better score" not in text
    assert status.startswith("The model 'cells adapted' is a copy of 'sesf-cse' (all epochs are done).")


def test_adapting_a_stack_along_another_axis_at_the_time_shown(training, viewer, simulated, finish):
    values = np.stack([np.zeros_like(simulated.stack), simulated.stack])
    viewer.add_image(np.moveaxis(values, 1, 2), name="movie", axis_labels=("t", "y", "z", "x"))
    viewer.dims.set_point(0, 1)
    training.tasks.setCurrentIndex(1)
    adapt(training, finish)
    made, source = training.report.made
    np.testing.assert_array_equal(made.index[0], ff.decide(simulated.stack, model="sesf-cse").index)
    assert source.position == {"t": 1}


def test_a_stack_that_cannot_be_adapted_to(training, viewer):
    training.tasks.setCurrentIndex(1)
    assert training.about.text().startswith("Open a focus stack first")
    viewer.add_image(np.zeros((5, 20, 90)), name="small")
    assert training.about.text().startswith("The slices are smaller than a crop of 24 x 24 px")
    viewer.layers.clear()
    viewer.add_image(np.zeros((90, 90)), name="one")
    assert "is a single image" in training.about.text()
    assert not training.panel.run_button.isEnabled()


def test_a_closed_widget_is_let_go(viewer, simulated, models_folder, finish, qtbot):
    viewer.add_image(simulated.stack, name="cells")
    dock, training = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    qtbot.waitUntil(lambda: "sesf-cse" in training.form.start.choices, timeout=30_000)
    training.form.set_value(replace(training.form.value(), **TINY))
    training.run()
    finish(training)
    qtbot.wait(300)
    gone = weakref.ref(training)
    viewer.window.remove_dock_widget(dock)
    dock = training = None
    qtbot.wait(50)
    gc.collect()
    assert gone() is None
    viewer.theme = "light"
    viewer.dims.set_point(0, 2)


def test_closing_the_dock_stops_the_training(begun, viewer, models_folder, qtbot):
    viewer.window.remove_dock_widget(begun)
    qtbot.waitUntil(lambda: not begun.panel.busy, timeout=20_000)
    assert models.load_model(models_folder / "my model").sha256
    begun.deleteLater()
    qtbot.wait(10)
