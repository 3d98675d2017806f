"""What is said of the pixel under the cursor, in the status bar and in the widget."""

import numpy as np
import pytest

from napari_focusfuse.core.focus import Glance
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.gui.layers.result_parts import flag_words
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.layers.under_cursor import hit_at, origin_of, source_at


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.25), units="um", axis_labels=("z", "y", "x"), translate=(0, 3, 4)
    )


@pytest.fixture
def fused(viewer, widget, cells, fusion, finish):
    widget.run()
    finish(widget)
    return widget


def place(y, x):
    return 0, 3 + 0.5 * y, 4 + 0.25 * x


def curve(widget):
    return np.asarray(widget.hover.plot._artists[0].get_ydata())


def hover(viewer, widget, y, x, qtbot, at=place):
    viewer.cursor.position = at(y, x)
    assert widget.hover.where.text().startswith(f"y {y}, x {x}: ")
    qtbot.waitUntil(lambda: widget.hover._latest._future is None, timeout=20_000)
    widget.hover.plot._canvas.draw()


def expected(viewer, stack, y, x, name="cells"):
    k = stack[:, y, x].argmax()
    ends = k in (0, len(stack) - 1)
    depth = "depth not measured" if ends else f"depth {2.0 * k:.3g} µm"
    return f"slice {k} (0 to {len(stack) - 1}) · {depth} · confidence 0.50"


def test_the_line_and_the_curve_are_those_of_the_pixel(viewer, fused, stack, qtbot):
    for y, x in ((5, 9), (15, 0)):
        hover(viewer, fused, y, x, qtbot)
        assert fused.hover.where.text() == f"y {y}, x {x}: {expected(viewer, stack, y, x)}"
        sf = Glance(Stack(stack)).curve(y, x)
        np.testing.assert_allclose(curve(fused), sf / sf.max(), rtol=1e-4)
        assert fused.hover.plot._artists[1].get_xdata()[0] == 2.0 * stack[:, y, x].argmax()
    assert fused.hover.plot.axes.get_xlabel() == "z (µm)"


def test_the_status_bar_says_it_once(viewer, fused, stack):
    viewer.mouse_over_canvas = True
    viewer.cursor.position = place(5, 9)
    text = expected(viewer, stack, 5, 9)
    for chosen in ({"cells fused"}, {"cells"}, {"cells", "cells fused"}):
        viewer.layers.selection = {viewer.layers[name] for name in chosen}
        viewer.update_status_from_cursor()
        status = viewer.status
        line = status["coordinates"] if isinstance(status, dict) else status
        assert line.endswith(f" · {text}")
        assert line.count("slice ") == 1
    viewer.mouse_over_canvas = False
    viewer.status = "Ready"
    assert viewer.status == "Ready"


def test_it_follows_a_layer_that_was_moved_and_stops_with_the_layers(viewer, fused, stack, qtbot):
    for role in ("fused", "decision", "depth (µm)", "confidence", "flags"):
        viewer.layers[f"cells {role}"].translate = (100, 200)
    hover(viewer, fused, 7, 3, qtbot, lambda y, x: (0, 100 + 0.5 * y, 200 + 0.25 * x))
    said = fused.hover.where.text()
    viewer.cursor.position = place(5, 9)
    assert fused.hover.where.text() == said
    viewer.layers.remove("cells depth (µm)")
    viewer.layers.remove("cells flags")
    viewer.cursor.position = (0, 100, 200)
    k = stack[:, 0, 0].argmax()
    assert fused.hover.where.text() == f"y 0, x 0: slice {k} (0 to 5) · depth not measured · confidence 0.50"
    viewer.layers.remove("cells")
    assert fused.hover._reader is None
    viewer.cursor.position = (0, 100.5, 200)
    assert fused.hover.where.text().startswith("y 1, x 0: ")


def test_the_position_shown_is_looked_at(viewer, widget, stack, fusion, finish, qtbot):
    """A result tells of the time point that it was made from; of two the one at the sliders."""
    values = np.stack([stack, stack[::-1]])
    viewer.add_image(values, name="cells", axis_labels=("t", "z", "y", "x"))
    for t in (0, 1):
        viewer.dims.set_point(0, t)
        widget.run()
        finish(widget)
    viewer.layers.selection = set()
    for t in (0, 1):
        viewer.dims.set_point(0, t)
        viewer.cursor.position = (t, 0, 5, 9 - t)
        assert f"slice {values[t, :, 5, 9 - t].argmax()} (0 to 5) · " in widget.hover.where.text()
        qtbot.waitUntil(lambda: widget.hover._latest._future is None, timeout=20_000)
        widget.hover.plot._canvas.draw()
        sf = Glance(Stack(values[t])).curve(5, 9 - t)
        np.testing.assert_allclose(curve(widget), sf / sf.max(), rtol=1e-4)


def test_without_a_decision_it_says_so(viewer, widget, cells, fusion, finish):
    widget.method.value = "lp"
    widget.run()
    finish(widget)
    viewer.cursor.position = place(2, 2)
    assert "this method makes no decision map" in widget.hover.where.text()


def test_new_pixels_are_read_anew(viewer, fused, cells, stack, qtbot):
    hover(viewer, fused, 5, 9, qtbot)
    before = curve(fused)
    cells.data = stack[::-1].copy()
    hover(viewer, fused, 2, 2, qtbot)
    hover(viewer, fused, 5, 9, qtbot)
    np.testing.assert_allclose(curve(fused), before[::-1], rtol=1e-4)


def test_flags_in_words():
    assert flag_words(16 | 8) == ["saturated", "two depths compete"]
    assert flag_words(0) == []


def test_a_result_with_a_time_axis_is_looked_at_where_the_cursor_is(viewer, stack):
    """Results of all time points lie in one layer, whose stack axis has length 1."""
    source = viewer.add_image(np.stack([stack, stack[::-1]]), name="cells", axis_labels=("t", "z", "y", "x"))
    note = {"source_id": str(source.unique_id), "result_id": "r", "axis": "z", "position": {}, "slices": 6}
    index = np.stack([stack.argmax(0), stack[::-1].argmax(0)])[:, None]
    for role, data in (("fused", source.data.max(1)[:, None]), ("decision", (index + 1).astype(np.uint8))):
        add = viewer.add_image if role == "fused" else viewer.add_labels
        layer = add(data, scale=(1, 6, 1, 1), translate=(0, 2.5, 0, 0), axis_labels=("t", "z", "y", "x"), name=role)
        layer.metadata = {KEY: {**note, "z_step": None, "role": role, "layer_id": str(layer.unique_id)}}
    hit = hit_at(viewer, (1, 4, 5, 9))
    assert hit.pixel == (5, 9)
    assert hit.slice == stack[::-1, 5, 9].argmax()
    taken = source_at(hit, origin_of(hit, viewer.layers))
    np.testing.assert_array_equal(taken.data, stack[::-1])


def test_uneven_slices_lie_where_the_file_states_it(viewer, widget, cells, stack, fusion, finish):
    z = [2.0 * k for k in range(len(stack))][::-1]
    cells.metadata[KEY] = {"z": z}
    widget.run()
    finish(widget)
    assert fusion.calls[-1]["z"] == z
    y, x = next((y, x) for y, x in np.ndindex(stack.shape[1:]) if stack[:, y, x].argmax() == 1)
    hit = hit_at(viewer, place(y, x))
    assert (hit.mark, hit.positions) == (z[1], sorted(z))
    curve = widget.hover._reader_of(hit, cells.__wrapped__)(hit)[1]
    np.testing.assert_array_equal(curve, Glance(Stack(stack)).curve(y, x)[::-1])
