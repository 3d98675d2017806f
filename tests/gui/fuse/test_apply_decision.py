"""Fusing all positions, and decisions that are carried to other layers."""

import json
import threading

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QTimer

from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.layers.under_cursor import hit_at

PLUGIN, WIDGET = "napari-focusfuse", "Fuse focus stack"
LABELS = ("t", "c", "z", "y", "x")
MAPS = ("decision", "depth", "confidence", "flags")


@pytest.fixture
def values(stack):
    """(t, c, z, y, x) = (3, 2, 6, 16, 20)."""
    return np.stack([[np.roll(stack, t, axis=0) // (c + 1) for c in range(2)] for t in range(3)])


@pytest.fixture
def cells(viewer, values):
    units = ("s", "pixel", "um", "um", "um")
    return viewer.add_image(values, name="cells", scale=(1, 1, 2, 0.5, 0.5), units=units, axis_labels=LABELS)


@pytest.fixture
def carrier(widget):
    """Its widget fuses by a quick method that decides."""
    widget.method.value = "log"
    return widget.carrier


@pytest.fixture
def slow(monkeypatch):
    """Fusing all positions waits after its first step until it is let go."""
    from napari_focusfuse import api

    go, whole = threading.Event(), api.iter_fuse_hyperstack

    def work(*args, **options):
        steps = whole(*args, **options)
        yield next(steps)
        go.wait(10)
        return (yield from steps)

    monkeypatch.setattr(api, "iter_fuse_hyperstack", work)
    yield go
    go.set()


def named(role):
    return "cells depth (µm)" if role == "depth" else f"cells {role}"


def names(viewer):
    return [layer.name for layer in viewer.layers]


def shown(layer):
    """What the viewer shows of a layer."""
    return layer.__wrapped__._slice.image.view


def fuse_all(widget, finish, decide_on=0):
    widget.form.positions.positions.value = True
    choice = next(c for c in widget.form.positions.decide_on.choices if c[1] == decide_on)
    widget.form.positions.decide_on.value = choice
    widget.run()
    finish(widget)


def test_the_rows_show_where_there_is_a_choice(viewer, widget, carrier, stack, cells):
    form = widget.form.positions
    assert form.positions.native.isVisibleTo(widget)
    assert [choice[1] for choice in form.decide_on.choices] == ["sum", 0, 1, "each"]
    assert not form.decide_on.enabled
    form.positions.value = True
    assert form.decide_on.enabled
    assert widget.about.text() == "6 slices of 16 x 20 px, uint16\nat each position: 3 time points x 2 channels"
    widget.method.value = "max"
    assert not form.decide_on.enabled
    plain = viewer.add_image(stack, name="plain")
    widget.layer = plain
    assert not form.positions.native.isVisibleTo(widget)
    assert not form.decide_on.native.isVisibleTo(widget)
    assert not form.whole
    series = viewer.add_image(np.stack([stack] * 3), name="series", axis_labels=("t", "z", "y", "x"))
    widget.layer = series
    assert form.positions.native.isVisibleTo(widget)
    assert not form.decide_on.native.isVisibleTo(widget)


def test_axes_without_names_may_be_channels(viewer, widget, carrier, stack):
    viewer.add_image(np.stack([stack, stack]), name="cells")
    widget.stack.axis = 1
    assert list(widget.form.positions.decide_on.choices) == [(None, "each"), (0, "sum"), (0, 0), (0, 1)]


def test_all_positions_become_layers_with_the_further_axes(viewer, widget, carrier, cells, finish, values, notes):
    from napari_focusfuse import api

    fuse_all(widget, finish)
    assert notes == []
    assert names(viewer) == ["cells", "cells fused", *(named(role) for role in MAPS)]
    z = [0, 2, 4, 6, 8, 10]
    decisions = [api.decide(values[t, 0], method="log", z=z) for t in range(3)]
    fused = viewer.layers["cells fused"]
    assert fused.data.shape == (3, 2, 1, 16, 20)
    np.testing.assert_array_equal(fused.data[2, 1, 0], api.blend(values[2, 1], decisions[2]))
    np.testing.assert_array_equal(viewer.layers["cells decision"].data[1, 0, 0], decisions[1].index + 1)
    np.testing.assert_array_equal(viewer.layers["cells depth (µm)"].data[1, 0, 0], decisions[1].depth)
    assert tuple(fused.axis_labels) == LABELS
    assert widget.panel.status.text().startswith("6 slices at each of 3 time points x 2 channels")
    kept = fused.metadata[KEY]
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert (kept["position"], kept["made_by"]["decided_on"], kept["z_step"]) == ({}, 0, 2.0)
    for t, c, k in ((0, 0, 0), (2, 1, 5)):
        for axis, step in enumerate((t, c, k)):
            viewer.dims.set_current_step(axis, step)
        np.testing.assert_array_equal(shown(fused), fused.data[t, c, 0])
        viewer.layers["cells depth (µm)"].visible = True
        np.testing.assert_array_equal(shown(viewer.layers["cells depth (µm)"]), decisions[t].depth)


def test_running_again_updates_the_layers(viewer, widget, carrier, cells, finish):
    fuse_all(widget, finish)
    layers = list(viewer.layers)
    fuse_all(widget, finish)
    assert list(viewer.layers) == layers
    widget.results.replace.setChecked(True)
    fuse_all(widget, finish, "sum")
    assert list(viewer.layers) == layers
    assert [viewer.layers[f"cells {role}"].editable for role in ("decision", "flags")] == [False, False]
    fuse_all(widget, finish, "each")
    assert len(viewer.layers) == 6
    assert viewer.layers["cells depth (µm)"].data.shape == (3, 2, 1, 16, 20)
    widget.form.positions.positions.value = False
    widget.run()
    finish(widget)
    assert len(viewer.layers) == 11


def test_the_result_of_all_is_saved(viewer, widget, carrier, cells, finish, tmp_path):
    fuse_all(widget, finish)
    assert widget.save_button.isEnabled()
    widget.save(tmp_path / "out")
    finish(widget)
    saved = tifffile.TiffFile(tmp_path / "out" / "fused.ome.tif").series[0]
    assert (saved.axes, saved.shape) == ("TCYX", (3, 2, 16, 20))
    np.testing.assert_array_equal(saved.asarray(), viewer.layers["cells fused"].data[:, :, 0])
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text("utf-8"))
    assert (recipe["pixel_size_um"], recipe["z_step_um"]) == ([0.5, 0.5], 2.0)


def test_a_run_that_was_cancelled_leaves_what_is_saved_as_it_was(
    viewer, widget, carrier, cells, finish, values, slow, tmp_path, qtbot
):
    slow.set()
    fuse_all(widget, finish)
    slow.clear()
    other = viewer.add_image(values, name="other", scale=(1, 1, 9, 7, 7), units=cells.units, axis_labels=LABELS)
    widget.layer = other
    widget.form.positions.positions.value = True
    widget.run()
    qtbot.waitUntil(lambda: widget.panel.progress.format() != "loading the method…")
    widget.cancel()
    slow.set()
    finish(widget)
    assert widget.results.current.title == "cells"
    widget.save(tmp_path / "out")
    finish(widget)
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text("utf-8"))
    assert (recipe["pixel_size_um"], recipe["z_step_um"]) == ([0.5, 0.5], 2.0)


def test_the_looks_of_maps_follow_another_run(viewer, widget, carrier, cells, finish, values):
    fuse_all(widget, finish)
    assert viewer.layers["cells depth (µm)"].contrast_limits == [0, 10]
    widget.stack.z_step.set_length(4.0)
    fuse_all(widget, finish)
    assert viewer.layers["cells depth (µm)"].contrast_limits == [0, 20]
    widget.method.value = "max"
    widget.run()
    finish(widget)
    assert names(viewer)[-1] == "cells max fused"
    assert not viewer.layers["cells log fused"].visible


def test_the_memory_limit_holds_for_all_positions(viewer, widget, carrier, cells, finish, monkeypatch):
    from napari_focusfuse.gui.common import preferences as _preferences

    monkeypatch.setattr(_preferences, "preferences", lambda: _preferences.Preferences(memory=1e-4))
    widget.method.value = "sesf"
    fuse_all(widget, finish)
    assert "more than the limit" in widget.panel.status.text()


def test_no_refractive_index_is_asked_for_where_it_is_not_used(widget, carrier, cells):
    box = widget.stack.medium
    box.setValue(1.33)
    assert box.isEnabled()
    widget.form.positions.positions.value = True
    assert not box.isEnabled()
    assert "Not available when all positions are fused" in box.toolTip()
    assert widget.stack.positions() == [2.0 * k for k in range(6)]
    widget.stack.z_step.set_length(3.0)
    assert not box.isEnabled()
    widget.form.positions.positions.value = False
    assert box.isEnabled()
    assert "Not available" not in box.toolTip()
    np.testing.assert_allclose(widget.stack.positions(), 3.99 * np.arange(6))


def test_layers_of_all_positions_come_one_by_one(viewer, widget, carrier, cells, finish, qtbot):
    """All at once they would keep the viewer for half a second."""
    widget.form.positions.positions.value = True
    widget.run()
    seen = []
    viewer.layers.events.inserted.connect(lambda event: QTimer.singleShot(0, lambda: seen.append(len(viewer.layers))))
    finish(widget)
    assert seen == [2, 3, 4, 5, 6]


def test_layers_of_all_positions_are_gone_if_their_coming_is_ended(viewer, widget, carrier, cells, finish, qtbot):
    widget.form.positions.positions.value = True
    widget.run()
    qtbot.waitUntil(lambda: len(viewer.layers) > 2, timeout=20000)
    widget.cancel()
    finish(widget)
    assert names(viewer) == ["cells"]
    assert widget.results.current is None


def test_methods_without_decision_give_images(viewer, widget, carrier, cells, finish, values):
    widget.method.value = "max"
    widget.form.positions.positions.value = True
    widget.run()
    finish(widget)
    assert names(viewer) == ["cells", "cells fused"]
    np.testing.assert_array_equal(viewer.layers["cells fused"].data[:, :, 0], values.max(2))
    assert not carrier.button.isEnabled()


def test_a_dark_channel_is_warned_of(viewer, widget, carrier, bright_and_dark, finish, notes):
    fuse_all(widget, finish, 1)
    (note,) = notes
    assert "channel 1 is dark" in note.message
    assert "decide on channel 0 or the sum" in note.message


def test_a_stack_that_shows_nothing_is_warned_of(viewer, widget, fusion, stack, finish, notes, monkeypatch):
    from napari_focusfuse.gui.fuse import result_panel as _panel

    monkeypatch.setattr(_panel, "doubt", lambda decision: "the decision map is a guess")
    viewer.add_image(stack, name="far red")
    widget.run()
    finish(widget)
    assert [note.message for note in notes] == ["far red: the decision map is a guess."]


@pytest.fixture
def bright_and_dark(viewer):
    from napari_focusfuse.core.simulate import simulate

    scene = simulate((48, 56), 6, seed=1).stack
    dark = np.random.default_rng(0).poisson(100, scene.shape).astype(np.uint16)
    return viewer.add_image(np.stack([scene, dark]), name="two", axis_labels=LABELS[1:])


def test_cancel_leaves_no_layer(viewer, widget, carrier, cells, finish, slow, qtbot):
    widget.form.positions.positions.value = True
    widget.run()
    qtbot.waitUntil(lambda: widget.panel.progress.format() != "loading the method…")
    widget.cancel()
    slow.set()
    finish(widget)
    assert names(viewer) == ["cells"]
    assert not widget.save_button.isEnabled()


def test_the_layer_may_be_renamed_and_go_in_the_middle(viewer, widget, carrier, cells, finish, slow, notes):
    widget.form.positions.positions.value = True
    widget.run()
    cells.name = "renamed"
    viewer.layers.clear()
    slow.set()
    finish(widget)
    assert names(viewer) == ["cells fused", *(named(role) for role in MAPS)]
    assert notes == []


def test_closing_the_viewer_in_the_middle_is_quiet(make_napari_viewer, values, slow, notes):
    viewer = make_napari_viewer()
    viewer.add_image(values, axis_labels=LABELS)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.method.value = "log"
    widget.form.positions.positions.value = True
    widget.run()
    viewer.close()
    slow.set()
    assert notes == []


def opened(carrier, layer=None):
    carrier.choose(layer)
    return carrier.dialog


def test_a_decision_is_applied_to_layers_of_the_same_geometry(viewer, widget, carrier, stack, finish, notes):
    from napari_focusfuse import api

    place = {"axis_labels": LABELS[2:], "scale": (2, 0.5, 0.5), "units": "um"}
    viewer.add_image(stack, name="DAPI", **place)
    viewer.add_image(stack // 3, name="GFP", colormap="green", **place)
    viewer.add_image(stack[:5], name="short", **place)
    viewer.add_image(stack[:, 1:], name="low", **place)
    assert not carrier.button.isEnabled()
    widget.layer = viewer.layers["DAPI"]
    widget.run()
    finish(widget)
    carrier.button.click()
    dialog = carrier.dialog
    rows = [dialog.layers.item(row).text() for row in range(dialog.layers.count())]
    assert rows == ["GFP", "low (15 x 20 px, not 16 x 20)", "short (5 slices, not 6)"]
    assert [target.layer.name for target in dialog.chosen()] == ["GFP"]
    assert not dialog.where_box.isVisibleTo(dialog)
    dialog.apply_button.click()
    finish(widget)
    assert notes == []
    fused, decision = viewer.layers["GFP fused"], api.decide(stack, method="log", z=[0, 2, 4, 6, 8, 10])
    np.testing.assert_array_equal(fused.data, api.blend(stack // 3, decision))
    assert fused.colormap.name == "green"
    np.testing.assert_allclose(fused.scale, (0.5, 0.5))
    note = fused.metadata[KEY]
    assert note["decision_from"]["source"] == "DAPI"
    assert note["source_id"] == str(viewer.layers["GFP"].unique_id)
    assert widget.panel.status.text() == "Fused 1 layer with the decision map of 'DAPI'."
    viewer.layers.selection = {fused}
    assert hit_at(viewer, (0, 1, 1)).text() == "fused with the decision map of 'DAPI'"
    before = list(viewer.layers)
    opened(carrier).apply_button.click()
    finish(widget)
    assert list(viewer.layers) == before


def test_a_retouched_decision_is_the_one_that_is_applied(viewer, widget, carrier, stack, finish):
    """What is painted counts when the decision is applied."""
    for name in ("DAPI", "GFP"):
        viewer.add_image(stack, name=name, axis_labels=LABELS[2:])
    widget.layer = viewer.layers["DAPI"]
    widget.run()
    finish(widget)
    decision = viewer.layers["DAPI decision"]
    decision.data = np.full_like(decision.data, 5)
    opened(carrier).apply_button.click()
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["GFP fused"].data, stack[4])


def test_other_channels_and_times_of_the_same_layer(viewer, widget, carrier, cells, values, finish):
    from napari_focusfuse import api

    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(1, 0)
    widget.run()
    finish(widget)
    viewer.dims.set_current_step(1, 1)
    expected = api.blend(values[1, 1], api.decide(values[1, 0], method="log", z=[0, 2, 4, 6, 8, 10]))
    for where, name, shape, at in (
        ("channels", "cells (t = 1) fused", (2, 1, 16, 20), (1, 0)),
        ("all", "cells fused", (3, 2, 1, 16, 20), (1, 1, 0)),
        ("here", "cells (t = 1, c = 1) fused", (16, 20), ()),
    ):
        dialog = opened(carrier)
        assert [dialog.where_box.itemData(k) for k in range(3)] == ["channels", "all", "here"]
        dialog.where_box.setCurrentIndex(dialog.where_box.findData(where))
        dialog.apply_button.click()
        finish(widget)
        fused = viewer.layers[name].data
        assert fused.shape == shape
        np.testing.assert_array_equal(fused[at], expected)
    assert "cells (t = 1, c = 0) decision" in viewer.layers


def test_decisions_of_each_time_are_carried_to_another_layer(viewer, widget, carrier, values, finish):
    from napari_focusfuse import api

    for c, name in enumerate(("DAPI", "GFP")):
        viewer.add_image(values[:, c], name=name, axis_labels=("t", "z", "y", "x"))
    viewer.add_image(values[:2, 1], name="shorter", axis_labels=("t", "z", "y", "x"))
    widget.layer = viewer.layers["DAPI"]
    widget.form.positions.positions.value = True
    widget.run()
    finish(widget)
    dialog = opened(carrier, viewer.layers["GFP"])
    rows = [dialog.layers.item(row).text() for row in range(dialog.layers.count())]
    assert rows == ["GFP", "shorter (no t of length 3)"]
    assert not dialog.where_box.isVisibleTo(dialog)
    dialog.apply_button.click()
    finish(widget)
    fused = viewer.layers["GFP fused"].data
    assert fused.shape == (3, 1, 16, 20)
    for t in range(3):
        np.testing.assert_array_equal(fused[t, 0], api.blend(values[t, 1], api.decide(values[t, 0], method="log")))


def test_a_layer_that_goes_before_apply_is_left_out(viewer, widget, carrier, stack, finish):
    for name in ("DAPI", "GFP", "RFP"):
        viewer.add_image(stack, name=name, axis_labels=LABELS[2:])
    widget.layer = viewer.layers["DAPI"]
    widget.run()
    finish(widget)
    dialog = opened(carrier)
    viewer.layers.remove("RFP")
    dialog.apply_button.click()
    finish(widget)
    assert "GFP fused" in viewer.layers
    assert "RFP fused" not in viewer.layers


def test_a_carried_image_does_not_replace_the_result_of_its_layer(viewer, widget, carrier, stack, finish):
    for name in ("DAPI", "GFP"):
        viewer.add_image(stack, name=name, axis_labels=LABELS[2:])
    for name in ("GFP", "DAPI"):
        widget.layer = viewer.layers[name]
        widget.run()
        finish(widget)
    opened(carrier).apply_button.click()
    finish(widget)
    assert {"GFP log fused", "GFP log decision", "GFP by DAPI fused"} <= set(names(viewer))
    widget.layer = viewer.layers["GFP"]
    own = viewer.layers["GFP by DAPI fused"].data.copy()
    widget.run()
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["GFP by DAPI fused"].data, own)
    assert "GFP log 2 fused" not in viewer.layers


def test_without_a_decision_or_a_layer_it_says_what_to_do(viewer, widget, carrier, stack, finish, notes):
    carrier.choose()
    assert "Fuse a focus stack first" in notes[0].message
    assert carrier.dialog is None
    viewer.add_image(stack, name="DAPI")
    widget.run()
    finish(widget)
    dialog = opened(carrier)
    assert "No other image layer" in dialog.about.text()
    assert not dialog.apply_button.isEnabled()
    dialog.reject()
