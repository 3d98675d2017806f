"""The widget "Align focus stack", docked by its manifest."""

import json

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

import napari_focusfuse as ff
from napari_focusfuse.gui.layers.axes import positions_of

PLUGIN, WIDGET, KEY = "napari-focusfuse", "Align focus stack", "napari-focusfuse"


@pytest.fixture(scope="module")
def drifting():
    """(5, 80, 96) uint16, which drifts by some px."""
    return ff.simulate((80, 96), 5, surface="steps", blur=0.5, flaws=ff.Flaws(drift=2), seed=1).stack


@pytest.fixture
def layer(viewer, drifting):
    place = {"scale": (2, 0.5, 0.25), "translate": (1, 3, 4), "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}
    return viewer.add_image(drifting, name="cells", **place)


@pytest.fixture
def aligning(viewer, layer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]


def test_the_aligned_stack_lies_on_its_source(viewer, aligning, drifting, finish):
    aligning.run()
    finish(aligning)
    expected = ff.align(drifting)
    layer = viewer.layers["cells aligned"]
    np.testing.assert_array_equal(layer.data, expected.stack)
    np.testing.assert_allclose(layer.scale, (2, 0.5, 0.25))
    y0, _, x0, _ = expected.valid
    np.testing.assert_allclose(layer.translate, (1, 3 + 0.5 * y0, 4 + 0.25 * x0))
    assert tuple(map(str, layer.units)) == ("micrometer",) * 3
    assert tuple(layer.axis_labels) == ("z", "y", "x")
    note = layer.metadata[KEY]
    assert json.loads(json.dumps(note, allow_nan=False)) == note
    assert note["source"] == "cells"
    np.testing.assert_array_equal(note["transforms"]["matrices"], expected.transforms.matrices)
    assert aligning.panel.status.text() == f"{expected.summary}. The new layer is 'cells aligned': fuse it."
    assert [len(line.get_xdata()) for line in aligning.shifts.axes.get_lines()] == [5, 5]
    assert not viewer.layers["cells"].visible
    aligning.layer = layer
    assert aligning.stack.problem() is None


def test_uneven_positions_stay_with_the_slices(viewer, aligning, layer, finish):
    z = [0.0, 1.0, 2.0, 3.0, 4.0 + 1]
    layer.metadata[KEY] = {"z": z}
    aligning.run()
    finish(aligning)
    aligned = viewer.layers["cells aligned"]
    assert positions_of(aligned, 0) == z


def test_aligning_again_brings_the_layer_up_to_date(viewer, aligning, drifting, finish):
    aligning.run()
    finish(aligning)
    layer = viewer.layers["cells aligned"]
    copy = viewer.add_image(layer.data, name="mine", metadata=dict(layer.metadata))
    layer.name, layer.colormap, viewer.layers["cells"].visible = "moved", "magma", True
    aligning.set_value(ff.AlignConfig(kind="translation", edges="nan"))
    aligning.run()
    finish(aligning)
    expected = ff.align(drifting, config=aligning.value())
    assert [layer.name for layer in viewer.layers] == ["cells", "moved", "mine"]
    np.testing.assert_array_equal(layer.data, expected.stack)
    assert copy.data.shape != layer.data.shape
    np.testing.assert_allclose(layer.translate, (1, 3, 4))
    assert layer.colormap.name == "magma"
    assert layer.metadata[KEY]["config"]["kind"] == "translation"
    assert aligning.panel.status.text().endswith("'moved' was updated.")
    assert viewer.layers.selection.active == layer
    assert viewer.layers["cells"].visible


def test_nothing_is_added_where_nothing_is_to_be_aligned(viewer, aligning, finish):
    viewer.layers["cells"].data = ff.simulate((80, 96), 5, surface="steps", blur=0.5, seed=1).stack
    aligning.run()
    finish(aligning)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    assert aligning.panel.status.text().startswith("No correction needed")


def test_an_aligned_layer_of_a_former_run_does_not_outlive_what_it_shows(viewer, aligning, finish):
    aligning.run()
    finish(aligning)
    steady = ff.simulate((80, 96), 5, surface="steps", blur=0.5, seed=1).stack
    viewer.layers["cells"].data = steady
    aligning.run()
    finish(aligning)
    layer = viewer.layers["cells aligned"]
    np.testing.assert_array_equal(layer.data, steady)
    np.testing.assert_allclose(layer.translate, viewer.layers["cells"].translate)
    text = aligning.panel.status.text()
    assert text.startswith("No correction needed")
    assert text.endswith("'cells aligned' was updated.")


def test_it_says_what_would_be_aligned(viewer, aligning, drifting):
    aligning.layer = viewer.add_image(drifting, name="plain")
    assert aligning.about.text().startswith("5 slices of 80 x 96 px, uint16")
    assert "z-step" not in aligning.about.text()


def test_settings_are_a_view(aligning):
    config = ff.AlignConfig(kind="affine", edges="nan", reference=2)
    aligning.set_value(config)
    assert aligning.value() == config


def test_transforms_are_used_for_another_layer(viewer, aligning, drifting, finish):
    assert not aligning.reuse.enabled
    aligning.run()
    finish(aligning)
    other = viewer.add_image(drifting // 2, name="other")
    aligning.layer = other
    aligning.reuse.value = True
    assert not aligning.kind.enabled
    aligning.run()
    finish(aligning)
    np.testing.assert_allclose(viewer.layers["other aligned"].data, viewer.layers["cells aligned"].data / 2, atol=2)


def test_transforms_are_saved_and_loaded(viewer, aligning, finish, monkeypatch, tmp_path, notes):
    path = tmp_path / "t.json"
    aligning.run()
    finish(aligning)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    aligning.save_button.click()
    assert "Saved in" in aligning.panel.status.text()
    first = aligning.transforms.matrices
    aligning.transforms = None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    aligning.load_button.click()
    assert aligning.reuse.value
    np.testing.assert_array_equal(aligning.transforms.matrices, first)
    path.write_text("{}")
    aligning.load_button.click()
    assert "contains no transforms" in notes[0].message


def test_a_time_point_of_a_rotated_layer_is_aligned_in_place(viewer, drifting, finish):
    layer = viewer.add_image(
        np.stack([drifting, drifting]),
        name="times",
        axis_labels=("t", "z", "y", "x"),
        scale=(1, 2, 0.5, 0.5),
        rotate=30,
    )
    aligning = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    aligning.layer = layer
    viewer.dims.set_point(0, 1)
    aligning.run()
    finish(aligning)
    made = next(layer for layer in viewer.layers if "aligned" in layer.name)
    assert made.name == "times (t = 1) aligned"
    valid = made.metadata[KEY]["valid"]
    there = layer.data_to_world((1, 2, valid[0] + 5, valid[2] + 7))[1:]
    np.testing.assert_allclose(made.data_to_world((2, 5, 7)), there)


def test_the_command_aligns_the_selected_layer(viewer, layer, finish):
    from napari_focusfuse.gui.commands import align_focus_stack

    viewer.layers.selection = {layer}
    align_focus_stack(viewer)
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    finish(widget)
    assert "cells aligned" in viewer.layers


def test_what_cannot_be_aligned_is_said(viewer, aligning, finish, notes):
    viewer.layers["cells"].data = np.zeros((5, 80, 96), np.uint16)
    aligning.run()
    finish(aligning)
    assert "flat" in notes[0].message
    assert "flat" in aligning.panel.status.text()


def test_closing_the_dock_stops_the_run(viewer, layer, qtbot):
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.run()
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: not widget.panel.busy, timeout=20_000)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    widget.deleteLater()
    qtbot.wait(10)
