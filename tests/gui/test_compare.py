"""A wipe between two layers, both side by side, and that all is as it was afterwards."""

import time

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_focusfuse.gui import commands

PLUGIN, WIDGET = "napari-focusfuse", "Compare layers"


@pytest.fixture
def viewer(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 720)
    viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    QApplication.processEvents()
    return viewer


@pytest.fixture
def pair(viewer):
    """A dark and a bright image, and a stack over them; the bright one has a scale of its own and is hidden."""
    place = {"scale": (0.5, 0.5), "translate": (3, 4), "units": "um"}
    dark = viewer.add_image(np.full((40, 60), 10, np.uint16), name="dark", contrast_limits=(0, 100), **place)
    bright = viewer.add_image(np.full((40, 60), 90.0), name="bright", contrast_limits=(0, 100), visible=False, **place)
    viewer.add_image(np.zeros((3, 40, 60), np.uint8), name="stack", scale=(1, 0.5, 0.5), units="um")
    viewer.layers.selection = {dark, bright}
    viewer.fit_to_view()
    return dark, bright


def seen(viewer):
    """What a comparison must leave as it was."""
    camera, grid = viewer.scene.camera, viewer.canvas.grid
    looks = [(layer.name, layer.visible, layer.opacity, layer.blending) for layer in viewer.layers]
    chosen = {layer.name for layer in viewer.layers.selection}
    return looks, chosen, camera.zoom, camera.center, camera.mouse_pan, grid.enabled, viewer.dims.point


def row(viewer, layer):
    """Grey values on the canvas at nine places from left to right over a layer."""
    QApplication.processEvents()
    transform = viewer.window._qt_viewer.canvas.layer_to_visual[layer].node.get_transform("visual", "canvas")
    shown = viewer.screenshot(flash=False)
    places = [transform.map((x, 20))[:2] for x in np.linspace(4, 56, 9)]
    return [int(shown[int(y), int(x), 0]) for x, y in places]


def opened(viewer):
    return viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]


def test_a_wipe_by_its_command_and_all_is_as_it_was(viewer, pair):
    before = seen(viewer)
    commands.compare_layers(viewer)
    widget = opened(viewer)
    values = row(viewer, pair[0])
    assert max(values[:4]) < 60
    assert min(values[5:]) > 200
    widget.edge.setValue(0)
    assert min(row(viewer, pair[0])) > 200
    widget.edge.setValue(1000)
    assert max(row(viewer, pair[0])) < 60
    widget.button.click()
    assert seen(viewer) == before
    commands.compare_layers(viewer)
    viewer.window.remove_dock_widget(widget)
    assert seen(viewer) == before


def test_the_edge_is_dragged_in_the_image(viewer, pair):
    commands.compare(viewer, *pair)
    widget = opened(viewer)
    canvas = viewer.window._qt_viewer.canvas
    QApplication.processEvents()
    transform = canvas.layer_to_visual[pair[0]].node.get_transform("visual", "canvas")
    events, center = canvas._scene_canvas.events, viewer.scene.camera.center
    for emit, x in ((events.mouse_press, 30), (events.mouse_move, 40), (events.mouse_move, 45)):
        emit(pos=np.round(transform.map((x, 20))[:2]).astype(int), button=1, modifiers=())
        QApplication.processEvents()
    events.mouse_release(pos=np.round(transform.map((45, 20))[:2]).astype(int), button=1, modifiers=())
    assert widget.wipe.share == pytest.approx(45 / 60, abs=0.02)
    assert widget.edge.value() == pytest.approx(750, abs=20)
    assert viewer.scene.camera.center == center
    assert viewer.scene.camera.mouse_pan


def test_side_by_side(viewer, pair):
    before = seen(viewer)
    commands.compare_layers(viewer)
    widget = opened(viewer)
    widget.grid_box.click()
    assert viewer.canvas.grid.enabled
    assert not widget.edge.isEnabled()
    assert [layer.name for layer in viewer.layers if layer.visible] == ["dark", "bright"]
    widget.button.click()
    assert seen(viewer) == before


def test_a_stack_is_wiped_at_the_slice_shown(viewer, pair):
    stack = viewer.layers["stack"]
    stack.data = np.stack([np.full((40, 60), value, np.uint8) for value in (0, 100, 200)])
    viewer.dims.set_point(0, 2)
    commands.compare(viewer, pair[0], stack)
    assert (opened(viewer).wipe.part.data == 200).all()
    viewer.dims.set_point(0, 1)
    assert (opened(viewer).wipe.part.data == 100).all()
    viewer.layers.remove(stack)
    assert opened(viewer).wipe is None
    assert [layer.name for layer in viewer.layers] == ["dark", "bright"]


def test_a_large_wipe_follows_the_mouse(viewer):
    """Each step well below a tenth of a second of this thread, drawing included."""
    images = [viewer.add_image(np.random.default_rng(k).random((2048, 2048), np.float32)) for k in range(2)]
    commands.compare(viewer, *images)
    widget = opened(viewer)
    QApplication.processEvents()
    began, steps = time.thread_time(), 10
    for k in range(steps):
        widget.edge.setValue(300 + 40 * k)
        QApplication.processEvents()
    assert (time.thread_time() - began) / steps < 0.1


def test_what_cannot_be_compared_is_said(viewer, pair, notes):
    viewer.layers.selection = {viewer.layers["stack"]}
    commands.compare_layers(viewer)
    assert [note.message for note in notes] == ["Select the two image layers to compare, or one result of a stack."]


def test_one_layer_is_not_compared_with_itself(viewer, pair):
    before = seen(viewer)
    commands.compare(viewer, pair[0], pair[0])
    widget = opened(viewer)
    assert not widget.button.isChecked()
    assert widget.about.text() == "Choose two different image layers."
    assert seen(viewer) == before


def test_from_a_result_by_two_clicks(viewer, stack, fusion, finish):
    """The button, and the box of the left layer: the stack at first, another result where there is one."""
    source = viewer.add_image(stack, name="cells")
    fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")[1]
    assert not fusing.results.compare_button.isEnabled()
    fusing.run()
    finish(fusing)
    before = seen(viewer)
    fusing.results.compare_button.click()
    widget = opened(viewer)
    assert (widget.left.value, widget.right.value) == (source, viewer.layers["cells fused"])
    assert widget.wipe is not None
    assert widget.isVisible()
    widget.button.click()
    assert seen(viewer)[0] == before[0]
    viewer.add_image(stack, name="others")
    fusing.run()
    finish(fusing)
    fusing.results.box.activated.emit(0)
    fusing.results.compare_button.click()
    assert widget.right.value.name == "cells fused"


def test_a_wipe_is_in_one_pane(viewer, pair):
    viewer.canvas.grid.enabled = True
    commands.compare_layers(viewer)
    widget = opened(viewer)
    assert widget.wipe is not None
    assert not viewer.canvas.grid.enabled
    widget.button.click()
    assert viewer.canvas.grid.enabled


def test_a_run_ends_a_comparison(viewer, stack, fusion, finish):
    viewer.add_image(stack, name="cells")
    fusing = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")[1]
    fusing.run()
    finish(fusing)
    fusing.results.compare_button.click()
    assert opened(viewer).wipe is not None
    fusing.method.value = "max"
    fusing.run()
    assert opened(viewer).wipe is None
    finish(fusing)
    shown = [layer.name for layer in viewer.layers if layer.visible]
    assert [name for name in shown if "fused" in name or "part" in name] == ["cells max fused"]
