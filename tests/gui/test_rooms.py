"""Every widget has room in the window of a laptop: 1280 x 720 px."""

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QLabel

from napari_focusfuse.gui.common.dock import Scrolled
from napari_focusfuse.gui.fuse.widget import FuseWidget

PLUGIN = "napari-focusfuse"
WIDGETS = [
    "Fuse focus stack",
    "Align focus stack",
    "Retouch the fused image",
    "Measure fused images",
    "Train a model",
    "Compare layers",
    "Fuse many stacks",
]
#: What menus, title and status bar leave of 720 px, and of 1200 px.
LOW, HIGH = 620, 1100


def lay_out(widget, height):
    widget.resize(widget.minimumWidth(), height)
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        widget.layout().activate()
        QApplication.processEvents()


@pytest.fixture
def cells(viewer, stack):
    return viewer.add_image(stack, name="cells", scale=(2, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))


@pytest.mark.usefixtures("cells")
@pytest.mark.parametrize("name", WIDGETS)
def test_no_widget_makes_the_window_higher(viewer, name):
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    assert widget.minimumSizeHint().height() <= LOW


@pytest.fixture
def alone(viewer, cells, qtbot):
    """The fusion widget as a window of its own, so that it takes the size it is given."""
    made = FuseWidget(viewer)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.changeEvent(QEvent(QEvent.Type.ParentChange))


@pytest.mark.usefixtures("fusion")
def test_a_low_widget_folds_and_scrolls_and_nothing_is_cut(alone, finish):
    alone.run()
    finish(alone)
    alone.advanced.button.click()
    for height, unfolded in ((LOW, False), (HIGH, True)):
        lay_out(alone, height)
        assert alone.at_cursor.button.isChecked() is unfolded
        assert alone.panel.run_button.isVisibleTo(alone)
        for part in alone.findChildren(Scrolled):
            content = part.widget()
            assert content.height() >= content.minimumSizeHint().height()
            assert content.width() == part.viewport().width()
    with_advanced = alone.results.mapTo(alone, alone.results.rect().topLeft()).y()
    alone.advanced.button.click()
    lay_out(alone, HIGH)
    assert alone.results.mapTo(alone, alone.results.rect().topLeft()).y() < with_advanced - 50
    for label in alone.findChildren(QLabel):
        if label.isVisibleTo(alone) and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width())


@pytest.mark.usefixtures("fusion")
def test_the_form_keeps_room_beside_a_result(viewer, alone, stack, finish):
    alone.layer = viewer.add_image(stack, name="plain")
    alone.run()
    finish(alone)
    lay_out(alone, LOW)
    upper = next(part for part in alone.findChildren(Scrolled) if part.widget() is alone.form)
    assert not alone.surface.fill.isVisible()
    assert not alone.stack.medium.isVisible()
    assert upper.height() >= LOW / 2


def test_what_was_unfolded_by_hand_stays_so(alone):
    lay_out(alone, LOW)
    alone.at_cursor.button.click()
    lay_out(alone, LOW - 5)
    assert alone.at_cursor.button.isChecked()
    alone.at_cursor.button.click()
    lay_out(alone, HIGH)
    assert not alone.at_cursor.button.isChecked()
