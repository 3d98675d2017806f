"""The widget "Fuse focus stack", docked by its manifest."""

import gc
import json
import math
import time
import weakref

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_focusfuse.config import FusionConfig, LoGConfig, MWGConfig
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.errors import FocusFuseWarning, StackError
from napari_focusfuse.gui.layers.source import KEY

PLUGIN, WIDGET = "napari-focusfuse", "Fuse focus stack"


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.5), units=("um", "um", "um"), axis_labels=("z", "y", "x")
    )


@pytest.fixture
def image_alone(widget):
    """A method that gives the fused image alone: one layer instead of five, where the maps do not matter."""
    widget.method.value = "max"


def names(viewer):
    return [layer.name for layer in viewer.layers]


RESULTS = ["cells fused", "cells decision", "cells depth (µm)", "cells confidence", "cells flags"]


def tagged(tag):
    return [name.replace("cells", f"cells {tag}") for name in RESULTS]


@pytest.mark.usefixtures("one_thread")
def test_a_simulated_stack_is_fused_end_to_end(viewer, widget, finish, notes):
    """The real thing: shipped weights and core, and the truth to compare with."""
    from napari_focusfuse.core.simulate import simulate

    scene = simulate((80, 100), 8, blur=1.2, z_step=1.5, seed=1)
    viewer.add_image(scene.stack, name="scene", scale=(1.5, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))
    widget.run()
    finish(widget)
    assert notes == []
    fused, depth = viewer.layers["scene fused"].data, viewer.layers["scene depth (µm)"].data

    def error(image):
        return np.sqrt(np.mean((image.astype(float) - scene.truth) ** 2))

    assert fused.dtype == np.uint16
    assert error(fused) < 0.5 * min(error(image) for image in scene.stack)
    known = np.isfinite(depth)
    assert known.mean() > 0.5
    assert np.median(np.abs(depth - scene.depth * scene.z_step)[known]) < scene.z_step
    assert widget.panel.status.text()


def test_without_a_layer_it_says_what_to_do(widget, fusion, notes):
    assert not widget.panel.run_button.isEnabled()
    assert "Open a focus stack first" in widget.about.text()
    widget.run()
    assert "Open a focus stack first" in notes[0].message
    assert fusion.calls == []


def test_a_layer_opened_later_is_offered_and_described(viewer, widget, cells):
    assert widget.layer == cells
    assert widget.panel.run_button.isEnabled()
    assert widget.about.text().startswith("6 slices of 16 x 20 px, uint16\nStack along ")
    assert widget.stack.axis == 0
    assert widget.stack.z_step.length() == 2
    assert widget.stack.pixel_sizes() == (0.5, 0.5)


def test_a_run_gives_the_layers(viewer, widget, cells, fusion, finish, stack):
    widget.panel.run_button.click()
    assert not widget.panel.run_button.isEnabled()
    assert widget.panel.cancel_button.isEnabled()
    finish(widget)
    assert names(viewer) == ["cells", *RESULTS]
    np.testing.assert_array_equal(viewer.layers["cells fused"].data, stack.max(0))
    np.testing.assert_allclose(viewer.layers["cells fused"].scale, (0.5, 0.5))
    assert widget.panel.status.text() == "6 slices fused."
    assert widget.panel.run_button.isEnabled()
    assert not widget.panel.cancel_button.isEnabled()
    assert not widget.panel.progress.isVisible()


def test_the_settings_reach_the_core(viewer, widget, cells, fusion, finish):
    config = FusionConfig(preset="paper", radius=7, softness=math.inf, min_region=0.02, series=True)
    widget.set_value(config)
    assert widget.value() == config
    widget.device.value = "cpu"
    widget.stack.z_step.set_length(3.0)
    widget.run()
    finish(widget)
    (call,) = fusion.calls
    assert call["config"] == config
    assert (call["model"], call["device"], call["axis"], call["rgb"]) == ("default", "cpu", 0, False)
    np.testing.assert_array_equal(call["z"], 3.0 * np.arange(6))
    kept = viewer.layers["cells fused"].metadata[KEY]
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert kept["config"]["radius"] == 7
    assert kept["z_step"] == 3.0
    assert kept["made_by"]["method"] == "sesf"


def test_slices_are_brought_to_one_brightness(viewer, widget, cells, fusion, finish):
    box = widget.form.equalise
    assert not box.value
    for wanted in (True, False):
        box.value = wanted
        widget.method.value = "variance"
        widget.run()
        finish(widget)
        assert fusion.calls[-1].get("equalise", False) is wanted


def test_brightness_in_the_recipe_and_under_the_brush(viewer, widget, finish, tmp_path):
    """What is painted comes from slices as bright as those that were fused."""
    stack = np.random.default_rng(0).integers(100, 120, (3, 40, 48)).astype(np.uint16)
    stack[1] *= 2
    viewer.add_image(stack, name="lamp")
    widget.form.equalise.value = True
    widget.method.value = "variance"
    widget.run()
    finish(widget)
    assert viewer.layers["lamp fused"].data.max() < 200
    retoucher = widget.results.retoucher
    decision = retoucher.layer("decision")
    labels = decision.data.copy()
    labels[:] = 2
    decision.data = labels
    widget.save(tmp_path / "out")
    finish(widget)
    made = json.loads((tmp_path / "out" / "recipe.json").read_text())["made by"]
    assert made["equalised"][1] == pytest.approx(made["equalised"][0] / 2, rel=0.05)
    assert tifffile.imread(tmp_path / "out" / "fused.ome.tif").max() < 200


def test_the_refractive_index_stretches_the_depth_and_is_in_the_recipe(viewer, widget, cells, fusion, finish, tmp_path):
    import tifffile

    assert widget.stack.medium.text() == "1 (air)"
    widget.stack.z_step.set_length(2.0)
    widget.stack.medium.setValue(1.33)
    widget.run()
    finish(widget)
    np.testing.assert_allclose(fusion.calls[0]["z"], 2.66 * np.arange(6))
    assert viewer.layers["cells fused"].metadata[KEY]["z_step"] == 2.0
    widget.save(tmp_path / "cells")
    finish(widget)
    recipe = json.loads((tmp_path / "cells" / "recipe.json").read_text(encoding="utf-8"))
    assert (recipe["refractive_index"], recipe["z_step_um"]) == (1.33, 2.0)
    depth = tifffile.imread(tmp_path / "cells" / "depth.ome.tif")
    np.testing.assert_allclose(depth, viewer.layers["cells depth (µm)"].data, rtol=1e-6)


def test_layers_that_the_form_does_not_look_at_change_nothing_in_it(viewer, widget, cells, fusion, finish):
    """It took a third of a second of each run, in which the layers of a result come one by one."""
    told = []
    widget.form.changed.connect(lambda: told.append(viewer.layers[-1].name))
    widget.run()
    finish(widget)
    viewer.add_labels(np.zeros((4, 4), np.uint8))
    viewer.layers.remove("cells depth (µm)")
    assert told == []
    viewer.add_shapes([[0, 0], [8, 8]], shape_type="rectangle", name="part")
    assert told == ["part"]
    cells.name = "beads"
    assert len(told) > 1
    assert widget.stack.layer_box.current_choice == "beads"


def test_without_a_z_step_no_refractive_index_is_asked_for(widget, cells):
    widget.stack.medium.setValue(1.33)
    widget.stack.z_step.set_length(None)
    assert not widget.stack.medium.isEnabled()
    assert widget.stack.refractive_index() == 1
    widget.stack.z_step.set_length(2.0)
    assert widget.stack.medium.isEnabled()


def test_every_method_is_offered_and_says_what_it_does(widget):
    assert list(widget.method.choices) == list(METHODS)
    assert widget.method.value == "sesf"
    for method in METHODS.values():
        widget.method.value = method.name
        assert method.description in widget.method.tooltip
        assert method.citation in widget.method.tooltip


def test_settings_that_the_method_does_not_use_are_off(widget):
    def enabled():
        parts = (widget.config.boxes["preset"].native, widget.model.native, widget.device.native, widget.folder_button)
        return {part.isEnabled() for part in parts}

    config = FusionConfig(preset="paper", radius=7)
    widget.set_value(config)
    assert enabled() == {True}
    widget.method.value = "sf"
    assert enabled() == {False}
    widget.method.value = "sesf"
    assert enabled() == {True}
    assert widget.value() == config


def test_advanced_holds_the_settings_of_the_method(widget):
    def shown():
        return {name for name, form in widget.form.settings.items() for box in form.boxes.values() if seen(box.native)}

    def seen(box):
        return box.isVisibleTo(widget.advanced)

    widget.advanced.button.click()
    assert shown() == {"sesf"}
    for method in METHODS.values():
        widget.method.value = method.name
        assert shown() == ({method.name} if method.config else set())
        assert widget.advanced.isEnabled() == (method.config is not None)
        if method.config is not None:
            assert widget.form.how()["config"] == method.config()


def test_settings_of_a_method_that_contradict_each_other_are_refused_in_words(viewer, widget, cells, fusion, notes):
    widget.method.value = "mwg"
    boxes = widget.form.settings["mwg"].boxes
    boxes["small"].value = 0.75
    assert widget.form.how()["config"] == MWGConfig(small=0.75)
    boxes["large"].value = 0.5
    widget.run()
    assert fusion.calls == []
    assert "small must be at most large" in notes[-1].message


def test_a_method_that_decides_gives_all_layers(viewer, widget, cells, fusion, finish):
    widget.method.value = "log"
    widget.run()
    finish(widget)
    (call,) = fusion.calls
    assert (call["method"], call["config"]) == ("log", LoGConfig())
    assert not call.keys() & {"model", "device"}
    assert names(viewer) == ["cells", *RESULTS]
    kept = viewer.layers["cells fused"].metadata[KEY]
    assert (kept["method"], kept["made_by"]["method"]) == ("log", "log")
    assert (kept["config"], "model" in kept) == ({"sigma": 1.0, "radius": 5}, False)


def test_without_a_decision_only_the_image_is_shown(viewer, widget, cells, fusion, finish, tmp_path):
    widget.run()
    finish(widget)
    assert names(viewer) == ["cells", *RESULTS]
    widget.method.value = "lp"
    widget.run()
    finish(widget)
    assert names(viewer)[6:] == ["cells lp fused"]
    assert viewer.layers["cells lp fused"].metadata[KEY]["made_by"] == {"method": "lp"}
    widget.save(tmp_path / "out")
    finish(widget)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["fused.ome.tif", "recipe.json"]


@pytest.mark.parametrize("name", ["lp", "mwg"])
def test_other_methods_end_to_end(viewer, widget, cells, finish, notes, name):
    widget.method.value = name
    widget.run()
    finish(widget)
    assert notes == []
    fused = viewer.layers["cells fused"].data
    assert (fused.shape, fused.dtype) == ((16, 20), np.uint16)
    assert widget.panel.status.text().startswith("6 slices")


def test_without_a_known_z_step_depth_is_in_slices(viewer, widget, stack, fusion, finish):
    viewer.add_image(stack, name="cells", scale=(2, 1, 1))
    assert widget.stack.z_step.length() is None
    assert widget.stack.z_step.text() == "not known"
    assert "Depth will be in slices: the z-step is not known." in widget.about.text()
    widget.run()
    finish(widget)
    assert fusion.calls[0]["z"] is None
    assert np.nanmax(viewer.layers["cells depth (slices)"].data) == 4


def test_spacing_follows_the_layer(widget, cells):
    cells.scale = (4, 0.1, 0.2)
    assert widget.stack.z_step.length() == 4
    assert widget.stack.pixel_sizes() == pytest.approx((0.1, 0.2))
    cells.units = ("nm", "nm", "nm")
    assert widget.stack.z_step.length() == 0.004


@pytest.mark.usefixtures("image_alone")
def test_another_axis_can_be_chosen(viewer, widget, stack, fusion, finish):
    viewer.add_image(np.moveaxis(stack, 0, 1), name="cells", scale=(1, 9, 1), units=("um", "um", "um"))
    widget.stack.axis = 1
    assert widget.stack.z_step.length() == 9
    assert widget.about.text().startswith("6 slices of 16 x 20 px")
    widget.run()
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["cells fused"].data, stack.max(0))


@pytest.mark.usefixtures("image_alone")
def test_time_and_channel_are_where_the_sliders_are(viewer, widget, stack, fusion, finish):
    values = np.stack([[stack + 10 * c + 100 * t for c in range(2)] for t in range(3)])
    viewer.add_image(values, name="cells", axis_labels=("t", "c", "z", "y", "x"))
    viewer.dims.set_point(0, 2)
    viewer.dims.set_point(1, 1)
    assert widget.stack.axis == 2
    assert "at t = 2, c = 1" in widget.about.text()
    point = viewer.dims.point
    widget.run()
    viewer.dims.set_point(0, 0)
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["cells (t = 2, c = 1) fused"].data, stack.max(0) + 210)
    assert tuple(viewer.dims.point)[1:] == tuple(point)[1:]
    assert viewer.dims.point[0] == 0


@pytest.mark.usefixtures("image_alone")
def test_rgb_dask_and_pyramids(viewer, widget, fusion, finish):
    values = np.random.default_rng(0).integers(0, 255, (5, 64, 48, 3)).astype(np.uint8)
    lazy = da.from_array(values, chunks=(1, -1, -1, -1))
    layer = viewer.add_image([lazy, lazy[:, ::2, ::2]], name="cells", rgb=True, multiscale=True)
    assert widget.layer == layer
    assert widget.about.text().startswith("5 slices of 64 x 48 px, RGB, uint8\n")
    widget.run()
    finish(widget)
    assert isinstance(fusion.stacks[0], da.Array)
    assert viewer.layers["cells fused"].rgb
    assert viewer.layers["cells fused"].data.shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("shape", "hint"), [((16, 20), "'cells' is a single image"), ((1, 16, 20), "only one slice along z")]
)
def test_what_is_no_stack_cannot_be_run(viewer, widget, fusion, shape, hint):
    viewer.add_image(np.zeros(shape), name="cells", axis_labels=("z", "y", "x")[-len(shape) :])
    assert hint in widget.about.text()
    assert not widget.panel.run_button.isEnabled()


def test_cancel_stops_soon_and_leaves_no_layer(viewer, widget, cells, fusion, finish, qtbot):
    fusion.go.clear()
    widget.run()
    qtbot.waitUntil(lambda: widget.panel.progress.format() == "slice 1 of 6")
    start = time.monotonic()
    widget.panel.cancel_button.click()
    assert not widget.panel.cancel_button.isEnabled()
    fusion.go.set()
    finish(widget)
    assert time.monotonic() - start < 2
    assert names(viewer) == ["cells"]
    assert fusion.closed.is_set()
    assert "cancelled" in widget.panel.status.text()
    assert widget.panel.run_button.isEnabled()


@pytest.mark.usefixtures("one_thread")
def test_cancel_in_the_real_core_stops_within_two_seconds(viewer, widget, finish, qtbot):
    rng = np.random.default_rng(0)
    viewer.add_image(rng.integers(0, 4000, (8, 700, 700)).astype(np.uint16), name="cells")
    widget.run()
    qtbot.waitUntil(lambda: widget.panel.progress.value() > 0, timeout=20_000)
    start = time.monotonic()
    widget.cancel()
    finish(widget)
    assert time.monotonic() - start < 2
    assert names(viewer) == ["cells"]


def test_a_cancelled_run_leaves_the_last_result(viewer, widget, cells, fusion, finish, qtbot):
    widget.run()
    finish(widget)
    before = {layer.name: layer.data.copy() for layer in viewer.layers}
    cells.data = cells.data[::-1]
    fusion.go.clear()
    widget.run()
    widget.cancel()
    fusion.go.set()
    finish(widget)
    assert names(viewer) == list(before)
    for name in RESULTS:
        np.testing.assert_array_equal(viewer.layers[name].data, before[name])
    assert widget.save_button.isEnabled()


@pytest.mark.usefixtures("image_alone")
@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StackError("slice 3 cannot be read: copy it again"), "slice 3 cannot be read: copy it again"),
        (RuntimeError("out of memory"), "Fusing cells failed unexpectedly (RuntimeError: out of memory)."),
        (ValueError("odd"), "Fusing cells failed unexpectedly (ValueError: odd)."),
    ],
)
def test_an_error_is_one_sentence_and_the_widget_is_ready_again(
    viewer, widget, cells, fusion, finish, notes, error, sentence
):
    fusion.error = error
    widget.run()
    finish(widget)
    assert [note.message for note in notes] == [sentence]
    assert widget.panel.status.text() == sentence
    assert names(viewer) == ["cells"]
    fusion.error = None
    widget.panel.run_button.click()
    finish(widget)
    assert names(viewer) == ["cells", "cells fused"]


@pytest.mark.usefixtures("image_alone")
def test_a_warning_of_ours_becomes_a_notification(widget, cells, fusion, finish, notes):
    fusion.warning = FocusFuseWarning("more slices than pixels: check the stack axis")
    widget.run()
    finish(widget)
    assert [note.message for note in notes] == ["more slices than pixels: check the stack axis"]


def test_running_again_updates_the_layers(viewer, widget, cells, fusion, finish):
    widget.run()
    finish(widget)
    layers = list(viewer.layers)
    widget.run()
    finish(widget)
    assert list(viewer.layers) == layers


def test_a_painted_decision_is_kept(viewer, widget, cells, fusion, finish):
    widget.run()
    finish(widget)
    decision = viewer.layers["cells decision"]
    decision.paint((5, 5), 3)
    painted = decision.data.copy()
    widget.run()
    finish(widget)
    np.testing.assert_array_equal(decision.data, painted)
    assert names(viewer) == ["cells", *tagged("sesf"), *tagged("sesf 2")]


def test_a_reopened_widget_updates_the_layers_too(viewer, cells, fusion, finish, qtbot):
    for _ in range(2):
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
        widget.run()
        finish(widget)
        viewer.window.remove_dock_widget(dock)
        widget.deleteLater()
        qtbot.wait(10)
    assert names(viewer) == ["cells", *RESULTS]


def test_a_closed_widget_is_let_go(viewer, cells, fusion, finish, qtbot):
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.run()
    finish(widget)
    gone = weakref.ref(widget)
    viewer.window.remove_dock_widget(dock)
    del dock, widget
    qtbot.wait(50)
    gc.collect()
    assert gone() is None


def test_results_are_not_offered_as_stacks(viewer, widget, cells, fusion, finish):
    widget.run()
    finish(widget)
    assert [layer.name for layer in widget.stack.layer_box.choices] == ["cells"]


def test_renaming_and_reordering_keeps_the_layer(viewer, widget, cells, stack):
    viewer.add_image(stack, name="other")
    widget.layer = cells
    cells.name = "renamed"
    viewer.layers.reverse()
    assert widget.layer == cells
    assert widget.stack.layer_box.current_choice == "renamed"
    viewer.layers.remove(cells)
    assert widget.layer == viewer.layers["other"]


def test_the_source_may_go_while_it_is_fused(viewer, widget, cells, fusion, finish, notes):
    fusion.go.clear()
    widget.run()
    viewer.layers.clear()
    assert not widget.panel.run_button.isEnabled()
    fusion.go.set()
    finish(widget)
    assert names(viewer) == RESULTS
    assert notes == []
    assert not widget.panel.run_button.isEnabled()


def test_closing_the_dock_stops_the_run(viewer, cells, fusion, qtbot):
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    fusion.go.clear()
    widget.run()
    qtbot.waitUntil(lambda: bool(fusion.calls))
    viewer.window.remove_dock_widget(dock)
    fusion.go.set()
    qtbot.waitUntil(fusion.closed.is_set)
    qtbot.waitUntil(lambda: not widget.panel.busy)
    assert names(viewer) == ["cells"]
    viewer.dims.set_point(0, 2)
    viewer.layers.clear()
    widget.deleteLater()
    qtbot.wait(10)


@pytest.mark.usefixtures("image_alone")
def test_hiding_the_dock_does_not_stop_the_run(viewer, widget, cells, fusion, finish):
    fusion.go.clear()
    widget.run()
    widget.parent().hide()
    fusion.go.set()
    finish(widget)
    assert names(viewer) == ["cells", "cells fused"]


def test_closing_the_viewer_in_the_middle_is_quiet(make_napari_viewer, stack, fusion, qtbot, notes):
    viewer = make_napari_viewer()
    viewer.add_image(stack)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    fusion.go.clear()
    widget.run()
    qtbot.waitUntil(lambda: bool(fusion.calls))
    viewer.close()
    fusion.go.set()
    qtbot.waitUntil(fusion.closed.is_set)
    assert notes == []


def test_closing_the_viewer_while_the_layers_come_is_quiet(make_napari_viewer, stack, fusion, qtbot, notes):
    viewer = make_napari_viewer()
    viewer.add_image(stack, name="cells")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.run()
    qtbot.waitUntil(lambda: "cells decision" in names(viewer), timeout=20_000)
    assert widget.panel.busy
    viewer.close()
    qtbot.wait(50)
    assert notes == []
    assert len(viewer.layers) == 0


def test_a_widget_that_goes_while_its_layers_come_leaves_none(viewer, widget, cells, fusion, qtbot, notes):
    widget.run()
    qtbot.waitUntil(lambda: "cells decision" in names(viewer), timeout=20_000)
    viewer.window.remove_dock_widget(widget)
    qtbot.wait(50)
    assert names(viewer) == ["cells"]
    assert notes == []


def test_models_and_devices_are_listed(widget, qtbot):
    from napari_focusfuse import api

    qtbot.waitUntil(lambda: len(widget.model.choices) > 1, timeout=20_000)
    assert list(widget.model.choices) == ["default", *api.list_models()]
    assert list(widget.device.choices) == api.list_devices()


def test_a_model_folder_can_be_chosen(viewer, widget, cells, fusion, finish, monkeypatch, qtbot):
    from qtpy.QtWidgets import QFileDialog

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/models/mine")
    widget.folder_button.click()
    assert widget.model.value == "/models/mine"
    widget.run()
    finish(widget)
    assert fusion.calls[0]["model"] == "/models/mine"


def test_nothing_can_be_saved_before_a_run(widget, cells):
    assert not widget.save_button.isEnabled()


@pytest.mark.parametrize("name", ["cells", 'a/b: "c"'])
def test_saving_writes_what_the_command_line_writes(viewer, widget, cells, fusion, finish, monkeypatch, tmp_path, name):
    from qtpy.QtWidgets import QFileDialog

    cells.name = name
    widget.run()
    finish(widget)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    widget.save_button.click()
    finish(widget)
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "confidence.ome.tif",
        "depth.ome.tif",
        "flags.ome.tif",
        "fused.ome.tif",
        "index.ome.tif",
        "recipe.json",
    ]
    np.testing.assert_array_equal(tifffile.imread(folder / "fused.ome.tif"), viewer.layers[f"{name} fused"].data)
    np.testing.assert_array_equal(tifffile.imread(folder / "depth.ome.tif"), viewer.layers[f"{name} depth (µm)"].data)
    with tifffile.TiffFile(folder / "fused.ome.tif") as file:
        assert 'PhysicalSizeX="0.5"' in file.ome_metadata
    assert str(folder) in widget.panel.status.text()


@pytest.mark.usefixtures("image_alone")
@pytest.mark.parametrize("may", [True, False])
def test_saving_over_a_result_asks(viewer, widget, cells, fusion, finish, monkeypatch, tmp_path, notes, may):
    from qtpy.QtWidgets import QFileDialog, QMessageBox

    widget.run()
    finish(widget)
    widget.save(tmp_path / "cells")
    finish(widget)
    recipe = tmp_path / "cells" / "recipe.json"
    recipe.write_text("mine")
    buttons = QMessageBox.StandardButton
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    monkeypatch.setattr(QMessageBox, "question", lambda *a: asked.append(a[-1]) or (buttons.Yes if may else buttons.No))
    widget.save_button.click()
    finish(widget)
    assert len(asked) == 1
    assert (recipe.read_text() == "mine") is not may
    assert notes == []


@pytest.mark.usefixtures("image_alone")
def test_a_save_that_fails_says_why(widget, cells, fusion, finish, tmp_path, notes):
    widget.run()
    finish(widget)
    (tmp_path / "file").write_text("")
    widget.save(tmp_path / "file" / "cells")
    finish(widget)
    assert len(notes) == 1
    assert str(tmp_path / "file") in notes[0].message
    assert widget.panel.run_button.isEnabled()
