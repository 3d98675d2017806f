"""Retouching with the mouse in a viewer that is seen: where strokes end, their colours, and the way from a surface."""

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_focusfuse.gui.commands import retouch_image

PLUGIN, WIDGET = "napari-focusfuse", "Retouch the fused image"


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 700)
    return viewer


@pytest.fixture
def fused(viewer, make_result, finish, monkeypatch):
    """The fuse widget after a run on a stack in um, whose decision knows a second slice."""
    from napari_focusfuse import api

    def iter_two(stack, **options):
        yield from ()
        found = make_result(stack, **options)
        first = found.decision.labels[0]
        labels, weights = np.stack([first, (first + 2) % 5]), np.stack([np.ones(first.shape), np.zeros(first.shape)])
        return replace(found, decision=replace(found.decision, labels=labels, weights=weights.astype(np.float32)))

    monkeypatch.setattr(api, "iter_fuse", iter_two)
    stack = np.random.default_rng(1).integers(100, 4000, (5, 60, 70)).astype(np.uint16)
    viewer.add_image(stack, name="cells", scale=(2, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")[1]
    widget.run()
    finish(widget)
    return widget


def drag(viewer, layer, *points):
    """Press at the first pixel, move to those between, release at the last one."""
    canvas = viewer.window._qt_viewer.canvas
    QApplication.processEvents()
    transform = canvas.layer_to_visual[layer].node.get_transform(map_from="visual", map_to="canvas")
    events = canvas._scene_canvas.events
    kinds = [events.mouse_press, *[events.mouse_move] * (len(points) - 2), events.mouse_release]
    for (y, x), emit in zip(points, kinds, strict=True):
        at = np.round(transform.map((x + 0.5, y + 0.5))[:2]).astype(int)
        emit(pos=at, button=1, modifiers=(), last_event=None, press_event=None)


def painting(viewer):
    retouch_image(viewer)
    return viewer.layers["cells decision"]


def test_from_a_surface_one_paints_on_the_image(viewer, fused, finish):
    fused.surface.show_surface()
    finish(fused)
    assert viewer.layers.selection.active.name == "cells surface"
    layer = painting(viewer)
    assert viewer.dims.ndisplay == 2
    assert "cells surface" not in viewer.layers
    assert viewer.layers["cells fused"].visible
    assert viewer.layers.selection.active is layer
    assert layer.mode == "paint"


@pytest.mark.parametrize("points", [((10, 10), (50, 60)), ((10, 10), (50, 58), (50, 59), (50, 60))])
def test_a_stroke_ends_where_the_brush_is_lifted(viewer, fused, points):
    layer = painting(viewer)
    layer.selected_label, layer.brush_size = 3, 20
    before = layer.data.copy()
    drag(viewer, layer, *points)
    y, x = np.ogrid[:60, :70]
    around = (y - 50) ** 2 + (x - 60) ** 2 < 9.5**2
    assert (layer.data[around] == 3).all()
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_second_best_has_the_colours_of_the_slices(viewer, fused):
    layer = painting(viewer)
    widget = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    layer.opacity, layer.brush_size = 1.0, 30
    widget.tools.second_button.click()
    first = layer.get_color(1)
    assert not np.allclose(layer.get_color(layer.selected_label), first)
    drag(viewer, layer, (20, 20), (20, 40), (20, 40))
    shown = viewer.screenshot(flash=False)
    assert layer.data.max() == 5
    layer.refresh()
    np.testing.assert_array_equal(shown, viewer.screenshot(flash=False))


def test_the_image_comes_back_as_it_was_seen(viewer, fused, finish):
    camera = viewer.scene.camera
    camera.zoom, camera.center = 40.0, (0.0, 8.0, 9.0)
    for leave in (fused.surface.back, lambda: setattr(viewer.dims, "ndisplay", 2)):
        fused.surface.show_surface()
        finish(fused)
        leave()
        assert camera.zoom == 40.0
        np.testing.assert_allclose(camera.center[1:], (8.0, 9.0))
        assert viewer.layers["cells fused"].visible
        assert "cells surface" not in viewer.layers
