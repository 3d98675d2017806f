"""The widget "Retouch the fused image", docked by its manifest, and what follows the paint."""

import gc
import weakref
from dataclasses import replace
from functools import partial

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Flag, FusionResult
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.result_parts import parts_of
from napari_focusfuse.gui.layers.results import note_of
from napari_focusfuse.gui.layers.source import take
from napari_focusfuse.gui.retouch.session import iter_show_and_follow, retoucher_of, show_and_follow
from napari_focusfuse.gui.retouch.tools import _pick_once, peek

PLUGIN, FUSE, WIDGET = "napari-focusfuse", "Fuse focus stack", "Retouch the fused image"


def soft(stack, *, axis=0, rgb=False, z=None, **_options):
    """A result that mixes the three brightest slices of each pixel."""
    from napari_focusfuse.core.result import Decision

    slices = Stack(stack, axis, rgb, z)
    pixels = np.stack([slices[k] for k in range(len(slices))])
    grey = pixels.mean(-1) if rgb else pixels
    labels = np.argsort(-grey.astype(float), axis=0, kind="stable")[:3].astype(np.int16)
    weights = np.broadcast_to(np.array([0.6, 0.3, 0.1], np.float32)[:, None, None], labels.shape).copy()
    maps = (slices.z[labels[0]].astype(np.float32), weights[0].copy(), np.zeros(slices.shape, np.uint16))
    decision = Decision(labels, weights, *maps, slices.z, {"method": "sesf"})
    return FusionResult(drain(iter_blend(slices, decision)), decision, "6 slices.", decision.info)


@pytest.fixture
def large():
    """Five slices of 60 x 70 px."""
    return np.random.default_rng(1).integers(100, 4000, (5, 60, 70)).astype(np.uint16)


def show(viewer, data, **arguments):
    """Show the fusion of an array; gives its retoucher."""
    source_layer = viewer.add_image(data, name="cells", **arguments)
    source = take(source_layer, propose_axis(source_layer)[0], viewer.dims.point)
    result = soft(source.data, axis=source.axis, rgb=source.rgb)
    note = {"source_id": source.layer_id, "position": source.position, "slices": source.slices, "z_step": None}
    retoucher = show_and_follow(viewer, source, result, note)
    retoucher.layer("decision").visible = True
    return retoucher


@pytest.fixture
def model():
    """A viewer without a window is enough for layers."""
    return ViewerModel()


@pytest.fixture
def shown(model, qapp):
    """Show the fusion of an array in the model; gives its retoucher."""
    return partial(show, model)


@pytest.fixture
def settled(qtbot):
    """Wait until the layers show what is painted; then they must be the whole retouched result, to the bit."""

    def settled(retoucher, edited=None):
        qtbot.waitUntil(lambda: not retoucher.busy, timeout=10_000)
        whole = drain(retoucher.work()())
        shown = {role: retoucher.layer(role) for role in ("fused", "depth", "confidence", "flags")}
        wanted = {"fused": whole.image, **{name: getattr(whole.decision, name) for name in list(shown)[1:]}}
        for role, layer in shown.items():
            if layer is not None:
                np.testing.assert_array_equal(layer.data, wanted[role], err_msg=role)
        if edited is not None:
            assert retoucher.edited == edited
        return whole

    return settled


def stroke(layer, label, *points):
    """One stroke of the brush, as the mouse makes it."""
    with layer.block_history():
        for point in points:
            layer.paint(point, label)


def test_a_stroke_shows_undo_and_redo_follow(shown, settled, large):
    retoucher = shown(large)
    before = {role: retoucher.layer(role).data.copy() for role in ("fused", "depth", "confidence", "flags", "decision")}
    layer = retoucher.layer("decision")
    layer.brush_size = 9
    stroke(layer, 3, (20, 20), (22, 26), (25, 30))
    whole = settled(retoucher)
    painted = layer.data != before["decision"]
    assert 50 < painted.sum() < 300
    np.testing.assert_array_equal(retoucher.layer("fused").data[painted], large[2][painted])
    assert (retoucher.layer("depth").data[painted] == 2).all()
    assert (retoucher.layer("confidence").data[painted] == 1).all()
    assert (retoucher.layer("flags").data[painted] == Flag.EDITED).all()
    assert whole.info["edits"]["pixels"] == painted.sum() == retoucher.edited
    stroke(layer, 5, (22, 26), (40, 50))
    two = settled(retoucher).image
    layer.undo()
    one = settled(retoucher).image
    np.testing.assert_array_equal(one, whole.image)
    layer.undo()
    settled(retoucher, 0)
    for role, values in before.items():
        np.testing.assert_array_equal(retoucher.layer(role).data, values)
    layer.redo()
    layer.redo()
    np.testing.assert_array_equal(settled(retoucher).image, two)


def test_what_a_hidden_layer_undoes_is_not_lost(shown, settled, large):
    """napari tells nothing of it; it is seen at the latest when the layer is, or when the result is saved."""
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    stroke(layer, 3, (20, 20))
    settled(retoucher)
    layer.visible = False
    layer.undo()
    assert drain(retoucher.work()()) is retoucher.result
    settled(retoucher, 0)
    layer.redo()
    layer.visible = True
    settled(retoucher)
    assert retoucher.edited > 0


@pytest.mark.parametrize("how", ["undo", "array", "data"])
def test_the_layers_follow_a_hidden_one_however_it_changes(shown, settled, large, qtbot, how):
    retoucher = shown(large)
    layer, fused = retoucher.layer("decision"), retoucher.layer("fused")
    before = fused.data.copy()
    stroke(layer, 3, (20, 20))
    settled(retoucher)
    painted = retoucher.edited
    layer.visible = False
    if how == "undo":
        layer.undo()
        qtbot.waitUntil(lambda: retoucher.edited == 0, timeout=5_000)
        np.testing.assert_array_equal(fused.data, before)
        layer.redo()
        qtbot.waitUntil(lambda: retoucher.edited == painted, timeout=5_000)
    elif how == "array":
        layer.data[40:50, 40:50] = layer.data[40:50, 40:50] % 5 + 1
        qtbot.waitUntil(lambda: retoucher.edited == painted + 100, timeout=5_000)
    else:
        layer.undo()
        other = layer.data != 2
        layer.data = np.full_like(layer.data, 2)
        qtbot.waitUntil(lambda: retoucher.edited == other.sum(), timeout=5_000)
        np.testing.assert_array_equal(fused.data[other], large[1][other])
    settled(retoucher)


def test_the_first_result_stays_as_it_was(shown, settled, large):
    retoucher = shown(large)
    image, depth = retoucher.result.image.copy(), retoucher.result.decision.depth.copy()
    stroke(retoucher.layer("decision"), 1, (30, 30))
    settled(retoucher)
    np.testing.assert_array_equal(retoucher.result.image, image)
    np.testing.assert_array_equal(retoucher.result.decision.depth, depth)


def test_the_order_of_strokes_does_not_matter(shown, settled, large):
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    layer.brush_size = 7
    stroke(layer, 2, (30, 30))
    settled(retoucher)
    stroke(layer, 4, (30, 36))
    first = settled(retoucher).image
    retoucher.forget()
    settled(retoucher, 0)
    stroke(layer, 4, (30, 36))
    stroke(layer, 2, (30, 30))
    stroke(layer, 4, (30, 36))
    np.testing.assert_array_equal(settled(retoucher).image, first)


def test_the_eraser_gives_pixels_back(shown, settled, large):
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    automatic = layer.data.copy()
    layer.brush_size = 9
    stroke(layer, 3, (20, 20), (20, 30))
    edited = settled(retoucher).image
    stroke(layer, 0, (20, 20))
    settled(retoucher)
    np.testing.assert_array_equal(layer.data[16:25, 16:20], automatic[16:25, 16:20])
    assert (layer.data > 0).all()
    assert retoucher.edited > 0
    layer.undo()
    np.testing.assert_array_equal(settled(retoucher).image, edited)
    layer.redo()
    stroke(layer, 0, (20, 30))
    settled(retoucher, 0)
    np.testing.assert_array_equal(layer.data, automatic)


def test_the_second_best_is_painted_pixel_by_pixel(shown, settled, large):
    from napari_focusfuse.core.retouch import second_best

    retoucher = shown(large)
    layer = retoucher.layer("decision")
    automatic, wanted = layer.data.copy(), second_best(retoucher.result.decision) + 1
    layer.brush_size = 9
    assert retoucher.second == 6
    stroke(layer, retoucher.second, (20, 20), (22, 24))
    settled(retoucher)
    painted = layer.data != automatic
    assert painted.sum() > 50
    np.testing.assert_array_equal(layer.data[painted], wanted[painted])
    after = layer.data.copy()
    stroke(layer, 1, (20, 20))
    settled(retoucher)
    for data, step in ((after, layer.undo), (automatic, layer.undo), (after, layer.redo)):
        step()
        settled(retoucher)
        np.testing.assert_array_equal(layer.data, data)


def test_a_label_that_is_no_slice_changes_nothing(viewer, settled, large):
    retoucher = show(viewer, large)
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    stroke(retoucher.layer("decision"), 17, (20, 20))
    settled(retoucher, 0)
    assert "Label 17 is no slice" in widget.status.text()


def test_filling_and_polygons_are_edits_too(shown, settled, large):
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    layer.paint_polygon([(5, 5), (5, 40), (40, 20)], 2)
    settled(retoucher)
    layer.fill((10, 15), 4)
    whole = settled(retoucher)
    assert (whole.decision.index[8:20, 12:18] == 3).all()
    retoucher.forget()
    settled(retoucher, 0)
    layer.undo()
    np.testing.assert_array_equal(settled(retoucher).image, whole.image)


@pytest.mark.parametrize("kind", ["lazy", "rgb", "axis", "time", "floats"])
def test_stacks_of_every_kind(shown, settled, large, kind):
    data, arguments = large, {}
    if kind == "lazy":
        data = da.from_array(large, chunks=(2, 20, 30))
    elif kind == "rgb":
        data, arguments = np.stack([large // 16] * 3, axis=-1).astype(np.uint8), {"rgb": True}
    elif kind == "axis":
        data, arguments = np.moveaxis(large, 0, 1), {"axis_labels": ("y", "z", "x")}
    elif kind == "time":
        data, arguments = np.stack([large // 2, large]), {"axis_labels": ("t", "z", "y", "x")}
    elif kind == "floats":
        data = large.astype(np.float32)
        data[2, 18:22, 18:22] = np.nan
    retoucher = shown(data, **arguments)
    layer = retoucher.layer("decision")
    assert layer.data.shape == (60, 70)
    layer.brush_size = 11
    stroke(layer, 3, (20, 20), (25, 28))
    settled(retoucher)
    assert retoucher.edited > 50
    stroke(layer, retoucher.second, (40, 50))
    settled(retoucher)
    layer.undo()
    layer.undo()
    settled(retoucher, 0)


def test_work_that_takes_long_is_done_in_a_thread(shown, settled, large, monkeypatch):
    from napari_focusfuse.gui.retouch import pieces as _retouched

    monkeypatch.setattr(_retouched, "_SMALL", 0)
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    layer.brush_size = 9
    stroke(layer, 3, (20, 20))
    assert retoucher.busy
    assert retoucher.edited == 0
    stroke(layer, 2, (30, 40))
    layer.undo()
    stroke(layer, 4, (22, 22))
    settled(retoucher)
    layer.undo()
    layer.undo()
    settled(retoucher, 0)


def test_what_cannot_be_read_is_said(shown, large, monkeypatch, notes, qtbot):
    retoucher = shown(da.from_array(large, chunks=(1, 60, 70)))

    def fail(_piece):
        raise OSError("no such file")

    monkeypatch.setattr(retoucher._pixels, "retouched", fail)
    monkeypatch.setattr(retoucher._pixels, "retouched_at_once", lambda _piece: None)
    stroke(retoucher.layer("decision"), 3, (20, 20))
    qtbot.waitUntil(lambda: not retoucher.busy)
    assert "Retouching cells failed unexpectedly (no such file)" in notes[0].message


def test_brightness_may_be_matched(shown, settled, large):
    dark = large.copy()
    dark[2] //= 2
    retoucher = shown(dark)
    layer = retoucher.layer("decision")
    layer.brush_size = 15
    stroke(layer, 3, (30, 30))
    plain = settled(retoucher).image[26:34, 26:34].mean()
    retoucher.set_config(RetouchConfig(match_brightness=True))
    bright = settled(retoucher).image[26:34, 26:34].mean()
    assert bright > 1.5 * plain
    stroke(layer, 3, (30, 40))
    settled(retoucher)
    retoucher.set_config(RetouchConfig())
    assert settled(retoucher).image[26:34, 26:34].mean() == pytest.approx(plain)


def test_layers_may_go_or_be_renamed_meanwhile(model, shown, settled, large):
    retoucher = shown(large)
    layer, fused = retoucher.layer("decision"), retoucher.layer("fused")
    model.layers.remove("cells depth (slices)")
    layer.name, fused.name = "mine", "too"
    model.layers.reverse()
    stroke(layer, 3, (20, 20))
    settled(retoucher)
    model.layers.remove(fused)
    model.layers.remove("cells")
    stroke(layer, 2, (40, 40))
    edited = settled(retoucher)
    model.layers.remove(layer)
    assert retoucher.layer("decision") is None
    assert retoucher_of(layer) is None
    np.testing.assert_array_equal(drain(retoucher.work()()).image, edited.image)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
def test_another_result_whose_coming_is_ended_is_no_edit_of_the_first(model, shown, large, qtbot, steps):
    """The layers show all of it, not some of it nor what would follow from painting it."""
    retoucher = shown(large)
    layer = model.layers["cells"]
    layer.data = large[::-1].copy()
    source = take(layer, 0, (0, 0, 0))
    result = soft(source.data)
    parts, note = parts_of(source, result), note_of(model.layers["cells fused"])
    work = iter_show_and_follow(model, source, parts, result, note)
    for _ in range(steps):
        next(work)
    work.close()
    retoucher.look()
    qtbot.wait(50)
    for role, part in parts.items():
        np.testing.assert_array_equal(
            model.layers["cells depth (slices)" if role == "depth" else f"cells {role}"].data,
            part["data"],
            err_msg=role,
        )
    assert retoucher_of(model.layers["cells decision"]) is None


def test_a_decision_that_holds_something_else_is_left_alone(shown, settled, large):
    retoucher = shown(large)
    layer = retoucher.layer("decision")
    stroke(layer, 3, (20, 20))
    edited = settled(retoucher).image
    layer.data = np.zeros((10, 10), int)
    np.testing.assert_array_equal(settled(retoucher).image, edited)


def test_closing_the_viewer_lets_all_go(make_napari_viewer, large):
    viewer = make_napari_viewer()
    source = take(viewer.add_image(large, name="cells"), 0, (0, 0, 0))
    result = soft(large)
    note = {"source_id": source.layer_id, "position": {}, "slices": 5, "z_step": None}
    gone = weakref.ref(show_and_follow(viewer, source, result, note))
    assert gone() is not None
    stroke(viewer.layers["cells decision"], 3, (20, 20))
    viewer.close()
    del source
    gc.collect()
    assert gone() is None


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.5), units=("um", "um", "um"), axis_labels=("z", "y", "x")
    )


@pytest.fixture
def fused(viewer, widget, cells, fusion, finish):
    """The fuse widget after a run."""
    widget.run()
    finish(widget)
    return widget


def retouch(viewer):
    return viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]


def test_the_button_opens_the_widget_and_starts(viewer, fused):
    assert fused.retouch_button.isEnabled()
    fused.retouch_button.click()
    widget = retouch(viewer)
    layer = viewer.layers["cells decision"]
    assert widget.retoucher.layer("decision") == layer
    assert layer.visible
    assert layer.opacity == 0.25
    assert layer.mode == "paint"
    assert widget.paint_button.isChecked()
    assert viewer.layers.selection == {layer}
    widget.paint_button.click()
    assert layer.mode == "pan_zoom"
    assert not layer.visible


def test_the_saved_result_is_the_retouched_one(viewer, fused, finish, tmp_path, stack, settled):
    import tifffile

    layer = viewer.layers["cells decision"]
    layer.brush_size = 5
    stroke(layer, 2, (8, 8))
    retoucher = retoucher_of(layer)
    settled(retoucher)
    fused.save(tmp_path / "out")
    finish(fused)
    saved = {name: tifffile.imread(tmp_path / "out" / f"{name}.ome.tif") for name in ("fused", "index", "flags")}
    edited = (saved["flags"] & Flag.EDITED) > 0
    assert edited.sum() == retoucher.edited > 10
    np.testing.assert_array_equal(saved["index"] + 1, layer.data)
    np.testing.assert_array_equal(saved["fused"], viewer.layers["cells fused"].data)
    np.testing.assert_array_equal(saved["fused"][edited], stack[1][edited])


def test_a_run_never_takes_an_edit_away(viewer, fused, finish, settled):
    layer = viewer.layers["cells decision"]
    stroke(layer, 2, (8, 8))
    retoucher = retoucher_of(layer)
    settled(retoucher)
    image = viewer.layers["cells fused"].data.copy()
    assert note_of(viewer.layers["cells fused"])["edited_pixels"] == retoucher.edited
    viewer.layers.remove(layer)
    fused.run()
    finish(fused)
    np.testing.assert_array_equal(viewer.layers["cells sesf fused"].data, image)
    assert "cells sesf 2 fused" in viewer.layers
    assert retoucher_of(viewer.layers["cells sesf 2 decision"]) is fused.results.retoucher


def test_another_result_in_the_same_layers_is_left_as_it_is(model, shown, settled, large):
    """Neither does the former retoucher take the new labels for paint, nor are edits of other results touched."""
    first = shown(large)
    layer, source = first.layer("decision"), first.source
    note = note_of(layer)
    other = soft(large[::-1])
    image = other.image.copy()
    second = show_and_follow(model, source, replace(other, image=other.image.copy()), note)
    assert second.layer("decision") is layer
    assert retoucher_of(layer) is second
    assert first.layer("decision") is None
    np.testing.assert_array_equal(model.layers["cells fused"].data, image)
    np.testing.assert_array_equal(second.result.image, image)
    stroke(layer, 2, (20, 20))
    painted = layer.data.copy()
    retouched = second.layer("fused").data.copy()
    third = show_and_follow(model, source, soft(large), note)
    assert third.layer("decision") is not layer
    np.testing.assert_array_equal(layer.data, painted)
    np.testing.assert_array_equal(second.layer("fused").data, retouched)
    stroke(third.layer("decision"), 2, (20, 20))
    layer.undo()
    fourth = show_and_follow(model, source, soft(large[::-1]), note)
    assert fourth.layer("decision") is layer
    assert retoucher_of(third.layer("decision")) is third
    stroke(layer, 3, (40, 40))
    assert fourth.edited > 0


def test_without_a_result_it_says_what_to_do(viewer, notes):
    from napari_focusfuse.gui.commands import retouch_image

    retouch_image(viewer)
    assert "Fuse a focus stack first" in notes[0].message
    assert "Fuse a focus stack first" in retouch(viewer).about.text()
    assert not retouch(viewer).paint_button.isEnabled()


def test_a_method_without_a_decision_has_nothing_to_retouch(viewer, widget, cells, fusion, finish):
    widget.method.value = "lp"
    widget.run()
    finish(widget)
    assert not widget.retouch_button.isEnabled()


@pytest.fixture
def panel(viewer, large):
    show(viewer, large, scale=(2, 0.5, 0.5), axis_labels=("z", "y", "x"))
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    panel.start()
    return panel


def test_the_slider_chooses_what_is_painted_and_the_other_way_round(viewer, panel):
    layer, tools = panel.retoucher.layer("decision"), panel.tools
    for k in (0, 3):
        viewer.dims.set_current_step(0, k)
        assert layer.selected_label == k + 1
        assert tools.shown_button.text().startswith(f"Slice {k} (0 to 4)")
    layer.selected_label = 2
    assert viewer.dims.current_step[0] == 1
    tools.second_button.click()
    assert layer.selected_label == 6
    viewer.dims.set_current_step(0, 4)
    assert layer.selected_label == 6
    tools.erase_button.click()
    assert layer.selected_label == 0
    tools.shown_button.click()
    assert layer.selected_label == 5
    layer.selected_label = 0
    assert tools.erase_button.isChecked()


def test_picking_is_for_one_click(viewer, panel):
    from types import SimpleNamespace

    layer = panel.retoucher.layer("decision")
    panel.tools.pick_button.click()
    assert layer.mode == "pick"
    event = SimpleNamespace(type="mouse_press")
    running = _pick_once(layer, event)
    next(running)
    layer.selected_label = 4
    event.type = "mouse_release"
    assert next(running, None) is None
    assert layer.mode == "paint"
    assert viewer.dims.current_step[0] == 3
    assert _pick_once not in layer.mouse_drag_callbacks


def test_brush_and_colours_are_those_of_the_layer(panel):
    layer = panel.retoucher.layer("decision")
    panel.tools.brush.setValue(33)
    panel.tools.colours.setValue(60)
    assert (layer.brush_size, layer.opacity) == (33, 0.6)
    layer.brush_size, layer.opacity = 12, 0.5
    assert (panel.tools.brush.value(), panel.tools.colours.value()) == (12, 50)


def test_undo_redo_and_forget(panel, settled):
    retoucher = panel.retoucher
    layer = retoucher.layer("decision")
    assert not panel.forget_button.isEnabled()
    stroke(layer, 2, (20, 20))
    settled(retoucher)
    count = retoucher.edited
    assert panel.status.text().startswith(f"{count} pixels edited by hand (")
    for button, edited in ((panel.undo_button, 0), (panel.redo_button, count), (panel.forget_button, 0)):
        button.click()
        settled(retoucher, edited)
    assert panel.status.text() == "No edits."
    panel.undo_button.click()
    settled(retoucher, count)


def test_the_source_beside_and_back(viewer, panel):
    grid, layer = viewer.canvas.grid, panel.retoucher.layer("decision")
    before = (grid.enabled, grid.shape, grid.stride)
    layer.opacity = 0.4
    panel.beside_box.click()
    assert grid.enabled
    assert grid.shape == (1, -1)
    assert [other.name for other in viewer.layers if other.visible] == ["cells", "cells fused", "cells decision"]
    assert layer.mode == "paint"
    panel.beside_box.click()
    assert (grid.enabled, grid.shape, grid.stride) == before
    assert layer.opacity == 0.4


@pytest.mark.parametrize("beside", [False, True])
def test_a_comparison_and_the_source_beside_end_each_other(viewer, panel, beside):
    """Each gives back the look that it found: one within the other would leave panes or hidden layers behind."""
    grid, names = viewer.canvas.grid, [layer.name for layer in viewer.layers if layer.visible]
    compare = viewer.window.add_plugin_dock_widget(PLUGIN, "Compare layers")[1]
    compare.grid_box.setChecked(beside)
    panel.beside_box.click()
    compare.compare(viewer.layers["cells"], viewer.layers["cells fused"])
    assert not panel.beside_box.isChecked()
    assert grid.enabled is beside
    assert "cells decision" not in [layer.name for layer in viewer.layers if layer.visible]
    panel.beside_box.click()
    assert not compare.button.isChecked()
    assert [layer.name for layer in viewer.layers if layer.visible] == ["cells", "cells fused", "cells decision"]
    panel.beside_box.click()
    assert not grid.enabled
    assert [layer.name for layer in viewer.layers if layer.visible] == names


def test_the_source_in_place_as_long_as_a_key_is_held(viewer, panel):
    layer = panel.retoucher.layer("decision")
    assert any(str(key) == "S" for key in layer.keymap)
    viewer.layers["cells"].visible, layer.opacity = False, 0.4
    held = peek(layer)
    next(held)
    assert viewer.layers["cells"].visible
    assert (viewer.layers["cells fused"].opacity, layer.opacity) == (0, 0)
    assert next(held, None) is None
    assert not viewer.layers["cells"].visible
    assert (viewer.layers["cells fused"].opacity, layer.opacity) == (1, 0.4)
    assert layer.mode == "paint"


def test_brightness_is_off_where_pixels_are_promised(viewer, panel):
    assert panel.match_box.isEnabled()
    retoucher = panel.retoucher
    strict = replace(retoucher.result.decision, info={"config": {"preset": "quantitative"}})
    note = note_of(retoucher.layer("fused"))
    show_and_follow(viewer, retoucher.source, replace(retoucher.result, decision=strict), note)
    panel.start()
    assert panel.retoucher is not retoucher
    assert not panel.match_box.isEnabled()


def test_another_time_point_is_told(viewer, large):
    show(viewer, np.stack([large, large]), axis_labels=("t", "z", "y", "x"))
    viewer.dims.set_current_step(0, 0)
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    fused_at = panel.retoucher.source.position["t"]
    viewer.dims.set_current_step(0, 1 - fused_at)
    assert f"The viewer shows t = {1 - fused_at}" in panel.status.text()
    panel.start()
    assert viewer.dims.current_step[0] == fused_at
    assert "The viewer shows" not in panel.status.text()


def test_the_newest_or_the_selected_result_is_retouched(viewer, large):
    first = show(viewer, large)
    second = show(viewer, large + 1)
    panel = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]
    assert panel.retoucher is second
    panel.start(first.layer("depth"))
    assert panel.retoucher is first
    viewer.layers.remove(first.layer("decision"))
    assert panel.retoucher is second
    viewer.layers.remove(second.layer("decision"))
    assert panel.retoucher is None
    assert not panel.paint_button.isEnabled()


def test_a_closed_widget_is_let_go(viewer, settled, large, qtbot):
    retoucher = show(viewer, large)
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    panel.start()
    panel.beside_box.click()
    gone = weakref.ref(panel)
    viewer.window.remove_dock_widget(dock)
    assert not viewer.canvas.grid.enabled
    del dock, panel
    qtbot.wait(50)
    gc.collect()
    assert gone() is None
    stroke(retoucher.layer("decision"), 3, (20, 20))
    settled(retoucher)
    assert retoucher.edited > 0


def test_flags_cannot_be_painted(viewer, fused, finish):
    flags = viewer.layers["cells flags"]
    assert not flags.editable
    fused.run()
    finish(fused)
    assert not flags.editable
