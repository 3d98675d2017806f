"""What is left of a widget when it is closed: nothing."""

import gc
import weakref
from collections import Counter

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

PLUGIN = "napari-focusfuse"
WIDGETS = (
    "Fuse focus stack",
    "Align focus stack",
    "Compare layers",
    "Fuse many stacks",
    "Measure fused images",
    "Retouch the fused image",
    "Train a model",
)


def settled(qtbot) -> None:
    """Do what waits, and collect what nobody holds."""
    for _ in range(3):
        qtbot.wait(5)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()


def ours() -> Counter[str]:
    """Objects of the classes of our widgets, by their class."""
    found = (type(each) for each in gc.get_objects())
    return Counter(kind.__qualname__ for kind in found if str(kind.__module__).startswith("napari_focusfuse.gui."))


@pytest.mark.parametrize("name", WIDGETS)
def test_nothing_of_a_closed_widget_is_left(make_napari_viewer, fusion, finish, qtbot, stack, name):
    """The second time, as some things are there once for all."""
    viewer, known, stacks = make_napari_viewer(), Counter(), []
    for _ in range(2):
        settled(qtbot)
        known = ours()
        layer = viewer.add_image(stack)
        dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        if name == "Fuse focus stack":
            widget.run()
            finish(widget)
        stacks.append(weakref.ref(layer))
        viewer.window.remove_dock_widget(dock)
        dock.deleteLater()
        viewer.layers.clear()
        fusion.calls.clear()
        fusion.stacks.clear()
        del dock, widget, layer
        settled(qtbot)
    assert ours() - known == Counter()
    assert [layer for layer in stacks if layer() is not None] == []


def test_nothing_is_left_when_the_viewer_is_closed(make_napari_viewer, fusion, finish, qtbot, stack):
    """The second time, as above."""
    known: Counter[str] = Counter()
    for _ in range(2):
        settled(qtbot)
        known = ours()
        viewer = make_napari_viewer()
        layer = viewer.add_image(stack)
        gone = weakref.ref(layer)
        widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Fuse focus stack")[1]
        widget.run()
        finish(widget)
        viewer.close()
        fusion.calls.clear()
        fusion.stacks.clear()
        del viewer, widget, layer
        settled(qtbot)
    assert ours() - known == Counter()
    assert gone() is None
