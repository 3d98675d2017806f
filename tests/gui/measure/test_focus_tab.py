"""The focus curve of the pixel under the cursor."""

import time

import numpy as np
import pytest

from napari_focusfuse import api
from napari_focusfuse.gui.measure.focus_tab import _Pixel

PLUGIN, WIDGET = "napari-focusfuse", "Measure fused images"


@pytest.fixture
def measuring(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)[1]


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(
        stack, name="cells", scale=(2, 0.5, 0.5), units=("um",) * 3, axis_labels=("z", "y", "x"), translate=(0, 3, 4)
    )


@pytest.fixture
def focus(measuring, finish):
    """The tab, opened and ready."""

    def opened():
        measuring.tabs.setCurrentWidget(measuring.focus)
        finish(measuring)
        return measuring.focus

    return opened


def lines(focus):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in focus.plot._artists[:2]}


def hover(viewer, focus, y, x, qtbot):
    """Move the cursor to a pixel of "cells"."""
    before = focus.where.text()
    viewer.cursor.position = (0, 3 + 0.5 * y, 4 + 0.5 * x)
    qtbot.waitUntil(lambda: focus.where.text() != before and f"y {y}, x {x}:" in focus.where.text())


def test_opening_the_tab_makes_it_ready(measuring, cells, focus, notes):
    tab = focus()
    assert tab.follow.isChecked()
    assert tab.looked is not None
    assert tab.where.text() == "Move the cursor over the image."
    assert notes == []


def test_it_shows_the_curve_under_the_cursor(viewer, measuring, cells, focus, stack, qtbot):
    tab = focus()
    for y, x in ((5, 9), (15, 0)):
        hover(viewer, tab, y, x, qtbot)
        tab.plot._canvas.draw()
        curve = api.focus_curve(stack, y, x)
        shown = lines(tab)
        np.testing.assert_allclose(shown["deep SF"], curve.deep / curve.deep.max(), rtol=1e-4)
        np.testing.assert_allclose(shown["pixel SF"], curve.sf / curve.sf.max(), rtol=1e-4)
        assert f"sharpest in slice {curve.deep.argmax()}" in tab.where.text()
    assert list(tab.plot._artists[0].get_xdata()) == [0, 2, 4, 6, 8, 10]
    assert tab.plot.axes.get_xlabel() == "z (µm)"


def test_slices_count_from_one_where_the_step_is_not_known(viewer, measuring, focus, stack, qtbot):
    viewer.add_image(stack, name="cells", translate=(0, 3, 4), scale=(1, 0.5, 0.5))
    tab = focus()
    hover(viewer, tab, 5, 9, qtbot)
    assert list(tab.plot._artists[0].get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert tab.plot.axes.get_xlabel() == "slice"


def test_the_depth_that_was_found_is_marked(viewer, measuring, cells, fusion, finish, focus, qtbot):
    _, fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")
    fusing.layer = cells
    fusing.run()
    finish(fusing)
    tab = focus()
    depth, decision = viewer.layers["cells depth (µm)"].data, viewer.layers["cells decision"].data
    for known, what in ((True, "depth"), (False, "taken from")):
        y, x = np.argwhere(np.isfinite(depth) == known)[0]
        hover(viewer, tab, y, x, qtbot)
        tab.plot._canvas.draw()
        mark = tab.plot._artists[2]
        at = depth[y, x] if known else 2.0 * (decision[y, x] - 1)
        assert mark.get_visible()
        assert mark.get_xdata()[0] == pytest.approx(at)
        assert f"Line: {what} {at:.3g} µm." in tab.where.text()
    viewer.layers.remove("cells depth (µm)")
    viewer.layers.remove("cells decision")
    hover(viewer, tab, 7, 7, qtbot)
    tab.plot._canvas.draw()
    assert not tab.plot._artists[2].get_visible()


def test_a_pair_has_two_points(viewer, measuring, focus, qtbot):
    images = np.random.default_rng(1).random((3, 24, 30))
    for name, image in zip(("A", "B", "fused"), images, strict=True):
        viewer.add_image(image, name=name)
    tab = focus()
    viewer.cursor.position = (12, 13)
    qtbot.waitUntil(lambda: "y 12, x 13" in tab.where.text())
    assert [label.get_text() for label in tab.plot.axes.get_xticklabels()] == ["A", "B"]
    assert len(lines(tab)["deep SF"]) == 2


def test_where_nothing_is_to_be_seen_it_says_so(viewer, measuring, focus, qtbot, stack):
    dark = np.pad(stack, ((0, 0), (0, 0), (0, 60)), constant_values=7)
    viewer.add_image(dark, name="cells", translate=(0, 3, 4), scale=(1, 0.5, 0.5))
    tab = focus()
    hover(viewer, tab, 8, 70, qtbot)
    assert tab.where.text() == "y 8, x 70: no activity in any slice."
    hover(viewer, tab, 8, 10, qtbot)
    assert "sharpest in" in tab.where.text()


def test_names_are_written_as_they_are(viewer, measuring, focus, qtbot):
    images = np.random.default_rng(1).random((3, 24, 30))
    for name, image in zip(("A $x^", "B $\\frac$", "fused"), images, strict=True):
        viewer.add_image(image, name=name)
    tab = focus()
    viewer.cursor.position = (12, 13)
    qtbot.waitUntil(lambda: "y 12, x 13" in tab.where.text())
    tab.plot._canvas.draw()
    assert [label.get_text() for label in tab.plot.axes.get_xticklabels()] == ["A $x^", "B $\\frac$"]


def test_it_stays_where_it_is_when_it_is_told_to(viewer, measuring, cells, focus, qtbot):
    tab = focus()
    hover(viewer, tab, 5, 9, qtbot)
    kept = tab.where.text()
    tab.follow.setChecked(False)
    viewer.cursor.position = (0, 5, 6)
    qtbot.wait(100)
    assert tab.where.text() == kept
    tab.follow.setChecked(True)
    viewer.cursor.position = (0, 3, 4 + 100)
    qtbot.wait(100)
    assert tab.where.text() == kept


def test_other_pixels_need_another_look(viewer, measuring, cells, focus, finish):
    tab = focus()
    cells.data = cells.data[::-1].copy()
    assert tab.looked is None
    assert not tab.follow.isChecked()
    tab.follow.click()
    finish(measuring)
    assert tab.looked is not None
    viewer.layers.remove("cells")
    assert tab.looked is None
    assert not tab.follow.isEnabled()


def test_what_changes_while_it_is_looked_at_is_not_shown(viewer, measuring, cells, finish, notes):
    measuring.tabs.setCurrentWidget(measuring.focus)
    cells.data = cells.data[::-1].copy()
    finish(measuring)
    assert measuring.focus.looked is None
    assert not measuring.focus.follow.isChecked()
    assert notes == []


def test_cancelling_the_look_leaves_it_off(viewer, measuring, cells, finish, notes):
    measuring.tabs.setCurrentWidget(measuring.focus)
    measuring.cancel()
    finish(measuring)
    assert measuring.focus.looked is None
    assert not measuring.focus.follow.isChecked()
    assert notes == []


def test_a_curve_that_cannot_be_made_says_why(viewer, measuring, cells, focus, qtbot, monkeypatch):
    tab = focus()

    def broken(_y, _x):
        raise OSError("the disk is gone")

    monkeypatch.setattr(tab.looked.focus, "curve", broken)
    viewer.cursor.position = (0, 5, 6)
    qtbot.waitUntil(lambda: "the disk is gone" in tab.where.text())


@pytest.mark.usefixtures("one_thread")
def test_the_viewer_does_not_stutter(viewer, measuring, focus, qtbot):
    """What the main thread does for a new pixel takes no more than a frame; the rest is done in a thread."""
    viewer.add_image(np.random.default_rng(0).integers(0, 4000, (20, 64, 64)).astype(np.uint16), name="cells")
    tab = focus()
    viewer.cursor.position = (0, 10, 10)
    qtbot.waitUntil(lambda: "y 10, x 10" in tab.where.text())
    tab.plot._canvas.draw()
    spent = []
    for y in range(20, 40):
        curve = tab.looked.focus.curve(y, 30)
        start = time.perf_counter()
        tab._on_curve((tab.looked, _Pixel(y, 30), curve))
        spent.append(time.perf_counter() - start)
    assert np.median(spent) < 0.02
