"""Result layers: made, updated in place, never over an edit. A viewer model without a window is enough."""

import json
import math

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.result_parts import flag_colours, legend, parts_of, seen_limits
from napari_focusfuse.gui.layers.results import is_result, iter_show_result, plain, show_result
from napari_focusfuse.gui.layers.source import KEY, take

ROLES = ["fused", "decision", "depth", "confidence", "flags"]


@pytest.fixture
def model(stack):
    model = ViewerModel()
    layer = model.add_image(
        stack, name="cells", scale=(2, 0.5, 0.25), translate=(9, 3, 4), units="um", axis_labels=("z", "y", "x")
    )
    layer.colormap, layer.contrast_limits, layer.blending = "green", (100, 3000), "additive"
    return model


def note(source, z_step=2.0, **more):
    return {
        **more,
        "source_id": source.layer_id,
        "position": source.position,
        "slices": source.slices,
        "z_step": z_step,
    }


@pytest.fixture
def fuse(make_result):
    """Take the stack of a layer, fuse it and show the result."""

    def fuse(model, layer=None, z_step=2.0):
        layer = model.layers["cells"] if layer is None else layer
        source = take(layer, propose_axis(layer)[0], model.dims.point)
        z = None if z_step is None else np.arange(source.slices) * z_step
        result = make_result(source.data, axis=source.axis, rgb=source.rgb, z=z)
        show_result(model, source, result, note(source, z_step))
        return result

    return fuse


def called(role, unit="µm"):
    return f"cells depth ({unit})" if role == "depth" else f"cells {role}"


def names(model):
    return [layer.name for layer in model.layers]


def test_all_layers_lie_on_the_source(model, fuse):
    result = fuse(model)
    assert names(model) == ["cells", *map(called, ROLES)]
    for layer in list(model.layers)[1:]:
        np.testing.assert_allclose(layer.scale, (0.5, 0.25))
        np.testing.assert_allclose(layer.translate, (3, 4))
        assert layer.axis_labels == ("y", "x")
        assert [str(unit) for unit in layer.units] == ["micrometer"] * 2
        assert is_result(layer)
    np.testing.assert_array_equal(model.layers["cells fused"].data, result.image)
    np.testing.assert_array_equal(model.layers["cells decision"].data, result.decision.index + 1)
    np.testing.assert_array_equal(model.layers[called("depth")].data, result.decision.depth)
    assert np.nanmax(model.layers[called("depth")].data) == 8.0


def test_what_is_seen_first_is_the_fused_image(model, fuse):
    fuse(model)
    assert [layer.visible for layer in model.layers] == [False, True, False, False, False, False]
    assert model.layers.selection == {model.layers["cells fused"]}
    fused, source = model.layers["cells fused"], model.layers["cells"]
    assert (fused.colormap, fused.blending) == (source.colormap, source.blending)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_limits_are_those_of_what_is_seen(kind):
    image = np.linspace(20, 200, 3 * 64 * 80).reshape(3, 64, 80).astype(kind)
    image[0, 0, :3] = 255
    if kind is np.float32:
        image[1, 4, 4] = np.nan
    low, high = seen_limits(image)
    assert (low, high) == pytest.approx((20, 200), abs=1)
    assert seen_limits(np.full((8, 9), 7, kind)) == (7, 8)
    assert seen_limits(np.full((8, 9), np.nan)) == (0, 1)


def test_a_fused_image_has_limits_of_its_own(model, fuse):
    fuse(model)
    fused, source = model.layers["cells fused"], model.layers["cells"]
    assert tuple(fused.contrast_limits) == seen_limits(fused.data) != tuple(source.contrast_limits)


def test_the_view_does_not_jump(model, fuse):
    model.scene.camera.center, model.scene.camera.zoom = (0, 5, 5), 7
    model.dims.set_point(0, 13.0)
    before = model.scene.camera.center, model.scene.camera.zoom, model.dims.point, model.dims.ndim
    fuse(model)
    fuse(model)
    assert (model.scene.camera.center, model.scene.camera.zoom, model.dims.point, model.dims.ndim) == before


def test_slices_have_ordered_colours(model, fuse):
    fuse(model)
    decision = model.layers["cells decision"]
    colours = decision.colormap.map(np.arange(7))
    assert colours[0, 3] == 0
    assert (colours[1:, 3] == 1).all()
    brightness = colours[1:, :3] @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(brightness) > 0.03).all()


@pytest.mark.parametrize(("slices", "dtype"), [(254, np.uint8), (300, np.uint16)])
def test_every_slice_has_a_label(slices, dtype, fuse):
    model = ViewerModel()
    values = np.zeros((slices, 2, slices), np.uint8)
    values[np.arange(slices), :, np.arange(slices)] = 9
    model.add_image(values, name="cells", axis_labels=("z", "y", "x"))
    fuse(model)
    decision = model.layers["cells decision"]
    assert decision.data.dtype == dtype
    np.testing.assert_array_equal(decision.data[0], np.arange(1, slices + 1))


def test_unknown_depth_is_transparent_and_does_not_stretch_the_colours(model, fuse):
    fuse(model)
    depth = model.layers[called("depth")]
    assert depth.colormap.map(np.array([np.nan]))[0, 3] == 0
    assert tuple(depth.contrast_limits) == (np.nanmin(depth.data), np.nanmax(depth.data))
    assert depth.colorbar.visible


def test_flags_are_told_in_words(model, fuse):
    fuse(model)
    layer = model.layers["cells flags"]
    told = dict(zip(layer.features["index"], layer.features["flag"], strict=True))
    assert set(told) >= set(np.unique(layer.data))
    assert all(word for value, word in told.items() if value)


def test_a_pair_has_no_depth(fuse):
    model = ViewerModel()
    model.add_image(np.random.default_rng(0).random((2, 8, 9)), name="cells")
    fuse(model)
    assert names(model) == ["cells", "cells fused", "cells decision", "cells confidence", "cells flags"]


def test_a_method_without_a_decision_gives_the_image_alone(model, make_result):
    source = take(model.layers["cells"], 0, (0, 0, 0))
    result = make_result(source.data)
    object.__setattr__(result, "decision", None)
    show_result(model, source, result, note(source))
    assert names(model) == ["cells", "cells fused"]


def test_running_again_updates_in_place(model, fuse):
    fuse(model)
    layers = list(model.layers)
    layers[1].contrast_limits = (7, 8)
    layers[3].visible = True
    layers[3].name = "my heights"
    model.layers.selection = {layers[0]}
    model.layers["cells"].data = model.layers["cells"].data[::-1]
    result = fuse(model)
    assert list(model.layers) == layers
    np.testing.assert_array_equal(layers[1].data, result.image)
    np.testing.assert_array_equal(layers[2].data, result.decision.index + 1)
    assert layers[1].contrast_limits == [7, 8]
    assert layers[3].visible
    assert layers[3].name == "my heights"
    assert model.layers.selection == {layers[0]}


def test_depth_limits_follow_the_data_until_they_are_changed_by_hand(model, fuse):
    fuse(model, z_step=2.0)
    depth = model.layers[called("depth")]
    fuse(model, z_step=20.0)
    assert depth.contrast_limits == [20, 80]
    depth.contrast_limits = (30, 50)
    fuse(model, z_step=20.0)
    assert depth.contrast_limits == [30, 50]
    fuse(model, z_step=None)
    assert depth.contrast_limits == [1, 4]


def test_an_edited_decision_is_kept(model, fuse):
    fuse(model)
    first = list(model.layers)[1:]
    kept = [layer.data.copy() for layer in first]
    first[1].paint((4, 4), 5)
    edited = first[1].data.copy()
    fuse(model)
    assert len(model.layers) == 11
    for layer, before in zip(first, kept, strict=True):
        if layer is not first[1]:
            np.testing.assert_array_equal(layer.data, before)
    np.testing.assert_array_equal(first[1].data, edited)
    fuse(model)
    assert len(model.layers) == 11


def test_an_edit_that_was_undone_is_no_edit(model, fuse):
    fuse(model)
    decision = model.layers["cells decision"]
    decision.paint((4, 4), 5)
    decision.undo()
    fuse(model)
    assert len(model.layers) == 6


@pytest.mark.parametrize("role", ROLES)
def test_a_deleted_layer_is_made_again(model, role, fuse):
    fuse(model)
    model.layers.remove(called(role))
    others = list(model.layers)
    fuse(model)
    assert len(model.layers) == 6
    assert set(others) < set(model.layers)
    assert called(role) in names(model)


def test_a_copy_made_by_the_user_is_left_alone(model, fuse):
    fuse(model)
    model.layers.selection = {model.layers["cells fused"]}
    data, arguments, _ = model.layers["cells fused"].as_layer_data_tuple()
    copy = model.add_image(data.copy(), **{**arguments, "name": "copy"})
    before = copy.data.copy()
    model.layers["cells"].data = model.layers["cells"].data[::-1]
    fuse(model)
    np.testing.assert_array_equal(copy.data, before)
    assert not is_result(copy)
    assert len(model.layers) == 7


def test_a_depth_that_no_longer_holds_is_removed(model, fuse):
    fuse(model)
    model.layers["cells"].data = model.layers["cells"].data[:2]
    fuse(model)
    assert names(model) == ["cells", "cells fused", "cells decision", "cells confidence", "cells flags"]
    assert len(model.layers["cells decision"].colormap.colors) == 4


def test_each_time_point_has_its_own_layers(stack, fuse):
    model = ViewerModel()
    model.add_image(np.stack([stack, stack[::-1]]), name="cells", axis_labels=("t", "z", "y", "x"))
    model.dims.set_point(0, 0)
    fuse(model)
    model.dims.set_point(0, 1)
    fuse(model)
    fuse(model)
    assert names(model)[1::5] == ["cells (t = 0) fused", "cells (t = 1) fused"]
    assert len(model.layers) == 11
    assert model.layers["cells (t = 1) fused"].metadata[KEY]["position"] == {"t": 1}


def test_each_source_has_its_own_layers(model, stack, fuse):
    other = model.add_image(stack + 1, name="other")
    fuse(model)
    fuse(model, other)
    assert len(model.layers) == 12


def test_the_result_is_shown_though_the_source_is_gone(model, make_result):
    source = take(model.layers["cells"], 0, (0, 0, 0))
    model.layers.clear()
    show_result(model, source, make_result(source.data), note(source))
    assert names(model) == [called(role) for role in ROLES]


def test_rgb_stays_rgb(fuse):
    model = ViewerModel()
    values = np.random.default_rng(0).integers(0, 255, (5, 8, 9, 3)).astype(np.uint8)
    model.add_image(values, name="cells", rgb=True)
    result = fuse(model)
    fused = model.layers["cells fused"]
    assert fused.rgb
    assert fused.data.shape == (8, 9, 3)
    np.testing.assert_array_equal(fused.data, result.image)


def test_provenance_is_plain_json(model, fuse):
    fuse(model)
    for layer, role in zip(list(model.layers)[1:], ROLES, strict=True):
        kept = layer.metadata[KEY]
        assert json.loads(json.dumps(kept, allow_nan=False)) == kept
        assert kept["role"] == role


def test_plain_knows_numpy_and_infinity():
    given = {"a": np.float32(0.5), "b": (np.int64(1), None, True), "c": math.inf, "d": np.arange(2), 3: object}
    assert plain(given) == {"a": 0.5, "b": [1, None, True], "c": "inf", "d": [0, 1], "3": str(object)}


def iterate(model, make_result):
    """The steps in which a result is shown."""
    source = take(model.layers["cells"], 0, (0, 0, 0))
    result = make_result(source.data)
    return iter_show_result(model, source, parts_of(source, result), result, note(source))


def test_nothing_large_comes_with_something_else(model, make_result):
    # A real viewer makes for each of these some 10 ms to 100 ms of work.
    made = []

    def made_in(event):
        layer = event.value
        made.append(f"{layer.name} comes")
        assert not any(overlay.visible for overlay in layer._overlays.values())
        for name, overlay in layer._overlays.items():
            overlay.events.visible.connect(lambda name=name: made.append(f"{layer.name} {name}"))

    model.layers.events.inserted.connect(made_in)
    most = 0
    for _ in iterate(model, make_result):
        most, made[:] = max(most, len(made)), []
    assert most == 1


def test_in_the_end_labels_can_be_painted_and_depth_has_its_colour_bar(model, fuse):
    fuse(model)
    for role in ("decision", "flags"):
        overlays = model.layers[f"cells {role}"]._overlays
        assert overlays["polygon"].visible
        assert overlays["brush_stroke"].visible
    assert [model.layers[f"cells {role}"].editable for role in ("decision", "flags")] == [True, False]
    assert model.layers[called("depth")].colorbar.visible
    assert model.layers[called("depth")].name_overlay.visible


def test_ended_early_nothing_is_left(model, make_result):
    kept = list(model.layers)
    steps = len(list(iterate(model, make_result)))
    del model.layers[1:]
    for taken in range(1, steps):
        work = iterate(model, make_result)
        for _ in range(taken):
            next(work)
        work.close()
        assert list(model.layers) == kept


def test_layers_may_go_while_others_come(model, make_result):
    for _ in iterate(model, make_result):
        if "cells decision" in names(model):
            model.layers.remove("cells decision")
        if "cells" in names(model):
            model.layers.remove("cells")
    assert names(model) == [called(role) for role in ROLES if role != "decision"]


def test_names_are_short_and_sort_by_result(model, make_result):
    layer = model.layers["cells"]
    layer.name = "2024-11-30 beetle, left wing, 40x"
    for method in ("log", "sf"):
        source = take(layer, 0, (0, 0, 0))
        show_result(model, source, make_result(source.data, method=method), note(source, method=method))
    made = names(model)[1:]
    assert made[0] == "2024-11-30 beetl… left wing, 40x log fused"
    assert [name.split()[-2] for name in sorted(made) if "depth" not in name] == ["log"] * 4 + ["sf"] * 4
    assert [layer.visible for layer in model.layers][1:] == [False] * 5 + [True] + [False] * 4


def test_flags_have_the_colours_that_the_legend_names():
    flags = np.array([[0, 2, 2 | 16, 32]], np.uint16)
    colours = flag_colours()
    shown = colours.map(flags)[0]
    assert shown[0, 3] == 0
    np.testing.assert_allclose(shown[1], shown[2])
    assert not np.allclose(shown[1], shown[3])
    rows = legend(flags).split("<br>")[1:]
    assert [row.split("</span> ")[1] for row in rows] == [
        "50.0% nothing is sharp here",
        "25.0% two depths compete",
        "25.0% several slices averaged",
    ]
    for row, value in zip(rows, (2, 16, 32), strict=True):
        red, green, blue = (int(row.partition("#")[2][k : k + 2], 16) for k in (0, 2, 4))
        np.testing.assert_allclose(colours.map(np.uint16(value))[:3] * 255, (red, green, blue), atol=0.5)
