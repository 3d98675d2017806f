"""Commands of what the fusion widget does besides running."""

import pytest

from napari_focusfuse.gui import commands as actions

PLUGIN, WIDGET = "napari-focusfuse", "Fuse focus stack"


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


def test_the_preview_is_begun_and_ended(viewer, stack, fusion, qtbot):
    viewer.add_image(stack + 1, name="other")
    cells = viewer.add_image(stack, name="cells")
    actions.preview_fusion(viewer)
    widget = viewer.window.dock_widgets[f"{WIDGET} ({PLUGIN})"]
    assert widget.layer is cells
    assert widget.preview.on
    qtbot.waitUntil(lambda: widget.preview.settled)
    actions.preview_fusion(viewer)
    assert not widget.preview.on


def test_a_run_is_cancelled(viewer, stack, fusion, finish):
    viewer.add_image(stack, name="cells")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    fusion.go.clear()
    widget.run()
    actions.cancel_fusion(viewer)
    fusion.go.set()
    finish(widget)
    assert "cancelled" in widget.panel.status.text()


def test_without_a_result_nothing_is_saved(viewer, notes):
    actions.save_fusion(viewer)
    assert [note.message for note in notes] == ["There is no result to save yet: fuse a focus stack first."]
