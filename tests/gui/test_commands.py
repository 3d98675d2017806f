"""The menu commands, by their menu entries."""

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

PLUGIN, WIDGET = "napari-focusfuse", "Fuse focus stack"


def entries(viewer, title):
    """Actions of a menu under Layers by their text."""
    viewer.window._update_menu_state("layers_menu")
    menus = [action.menu() for action in viewer.window.layers_menu.actions()]
    found = next(menu for menu in menus if menu is not None and title in menu.title())
    return {action.text(): action for action in found.actions()}


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def action(viewer):
    QApplication.processEvents()
    return entries(viewer, "Project")["Fuse focus stack (napari-focusfuse)"]


def test_the_entry_opens_the_widget_and_runs(viewer, stack, fusion, finish):
    viewer.add_image(stack + 1, name="other")
    viewer.add_image(stack, name="cells")
    action(viewer).trigger()
    widget = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    assert widget.isVisibleTo(viewer.window._qt_window)
    finish(widget)
    assert widget.layer is viewer.layers["cells"]
    assert "cells fused" in viewer.layers


def test_the_entry_uses_the_widget_that_is_open(viewer, stack, fusion, finish):
    viewer.add_image(stack, name="cells")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    widget.config.boxes["softness"].value = 8.0
    action(viewer).trigger()
    finish(widget)
    assert len(viewer.window.dock_widgets) == 1
    assert fusion.calls[0]["config"].softness == 8


def test_the_entry_needs_one_selected_image(viewer, stack):
    assert not action(viewer).isEnabled()
    viewer.add_image(stack)
    assert action(viewer).isEnabled()
    viewer.add_labels(np.zeros((16, 20), int))
    assert not action(viewer).isEnabled()


def test_what_cannot_be_fused_is_said_once(viewer, fusion, notes):
    viewer.add_image(np.zeros((16, 20)), name="flat")
    action(viewer).trigger()
    (note,) = notes
    assert "'flat' is a single image" in note.message
    assert fusion.calls == []


def test_pressing_it_twice_runs_once(viewer, stack, fusion, finish, notes):
    viewer.add_image(stack, name="cells")
    fusion.go.clear()
    action(viewer).trigger()
    action(viewer).trigger()
    assert [note.message for note in notes] == ["A stack is being fused: wait for it or cancel it first."]
    fusion.go.set()
    finish(viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"])
    assert len(fusion.calls) == 1


def test_a_result_stands_for_its_stack(viewer, stack, fusion, finish, notes):
    source = viewer.add_image(stack, name="cells")
    action(viewer).trigger()
    widget = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    finish(widget)
    assert viewer.layers.selection == {viewer.layers["cells fused"]}
    action(viewer).trigger()
    finish(widget)
    assert len(viewer.layers) == 6
    assert len(fusion.calls) == 2
    viewer.layers.remove(source)
    viewer.layers.selection = {viewer.layers["cells fused"]}
    action(viewer).trigger()
    assert [note.message for note in notes] == [
        "The stack that 'cells fused' was made from is no longer open: open it again."
    ]


@pytest.mark.parametrize("count", [0, 2])
def test_from_the_palette_it_asks_for_one_layer(viewer, stack, fusion, notes, count):
    """The command can be reached where its entry is off."""
    from napari_focusfuse.gui.commands import fuse_focus_stack

    viewer.layers.selection = {viewer.add_image(stack) for _ in range(count)}
    fuse_focus_stack(viewer)
    assert [note.message for note in notes] == ["Select the image layer that holds the focus stack, and only that one."]
    assert fusion.calls == []


MEASURE = "Measure fused images"


def measure_action(viewer):
    QApplication.processEvents()
    return entries(viewer, "Measure")[f"{MEASURE} ({PLUGIN})"]


def test_measuring_opens_the_widget_with_the_selected_layers(viewer, stack):
    viewer.add_image(stack, name="other")
    cells = viewer.add_image(stack, name="cells")
    fused = viewer.add_image(stack.max(0), name="mine")
    viewer.add_image(stack.max(0), name="not chosen")
    viewer.layers.selection = {cells, fused}
    measure_action(viewer).trigger()
    widget = viewer.window.dock_widgets[f"{MEASURE} ({PLUGIN})"]
    assert widget.isVisibleTo(viewer.window._qt_window)
    assert (widget.value().sources, widget.value().fused) == ((cells,), (fused,))
    assert widget.panel.run_button.isEnabled()
    viewer.layers.selection = {viewer.layers["not chosen"], cells}
    measure_action(viewer).trigger()
    assert widget.value().fused == (viewer.layers["not chosen"],)
    assert len(viewer.window.dock_widgets) == 1


def test_measuring_needs_an_image(viewer, stack):
    assert not measure_action(viewer).isEnabled()
    viewer.add_image(stack)
    assert measure_action(viewer).isEnabled()


def test_measuring_from_the_palette_asks_for_layers(viewer, notes):
    from napari_focusfuse.gui.commands import measure_fused_images

    measure_fused_images(viewer)
    assert [note.message for note in notes] == ["Select the fused images to measure and their source images."]


TRAIN = "Train a model"


def test_training_opens_from_the_file_menu(viewer):
    viewer.window._update_menu_state("file_menu")
    menus = [action.menu() for action in viewer.window.file_menu.actions()]
    found = [action for menu in menus if menu is not None for action in menu.actions()]
    next(action for action in found if action.text() == f"Train a fusion model ({PLUGIN})").trigger()
    assert viewer.window.dock_widgets[f"{TRAIN} ({PLUGIN})"].isVisibleTo(viewer.window._qt_window)


def test_adapting_opens_with_the_selected_stack(viewer, stack, fusion, finish, notes):
    viewer.add_image(stack, name="other")
    viewer.add_image(stack, name="cells")
    QApplication.processEvents()
    entry = entries(viewer, "Project")[f"Adapt a fusion model to this stack ({PLUGIN})"]
    viewer.layers.selection = {viewer.layers["other"]}
    entry.trigger()
    widget = viewer.window.dock_widgets[f"{TRAIN} ({PLUGIN})"]
    assert widget.tasks.tabText(widget.tasks.currentIndex()) == "Adapt to a stack"
    assert widget.adapt_form.stack.layer is viewer.layers["other"]
    viewer.layers.selection = set()
    from napari_focusfuse.gui.commands import adapt_to_stack

    adapt_to_stack(viewer)
    assert [note.message for note in notes] == ["Select the image layer that holds the focus stack, and only that one."]


def test_the_decision_is_applied_by_its_entry(viewer, stack, fusion, finish, notes):
    for name in ("DAPI", "RFP", "GFP"):
        viewer.add_image(stack, name=name)
    QApplication.processEvents()
    entry = entries(viewer, "Project")["Apply decision map to… (napari-focusfuse)"]
    entry.trigger()
    widget = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    assert "Fuse a focus stack first" in notes[0].message
    widget.layer = viewer.layers["DAPI"]
    widget.run()
    finish(widget)
    viewer.layers.selection = {viewer.layers["GFP"]}
    entry.trigger()
    assert [target.layer.name for target in widget.carrier.dialog.chosen()] == ["GFP"]
    widget.carrier.dialog.reject()


def test_keys_are_listed_where_napari_lists_them_and_work(viewer, stack, qtbot):
    from app_model.types import KeyBinding
    from napari._qt.widgets.qt_keyboard_settings import ShortcutEditor

    viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    editor = ShortcutEditor()
    qtbot.addWidget(editor)
    listed = [action.description for action in editor.key_bindings_strs[editor.VIEWER_KEYBINDINGS].values()]
    assert {"Align focus stack", "Fuse focus stack", "Compare layers", "Train a fusion model"} <= set(listed)
    viewer.add_image(stack.max(0), name="fused")
    viewer.window._qt_viewer._key_map_handler.press_key(KeyBinding.from_str("Ctrl+Alt+M"))
    assert f"{MEASURE} ({PLUGIN})" in viewer.window.dock_widgets


def test_menus_are_in_the_order_of_the_work(viewer):
    shown = [text.removesuffix(f" ({PLUGIN})") for text in entries(viewer, "Project") if text.endswith(f"({PLUGIN})")]
    assert shown == [
        "Fuse focus stack",
        "Preview focus stack fusion",
        "Cancel focus stack fusion",
        "Retouch the fused image",
        "Apply decision map to…",
        "Compare layers",
        "Adapt a fusion model to this stack",
    ]
