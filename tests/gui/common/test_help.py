"""Help, keys and tooltips of all widgets."""

import tomllib
from pathlib import Path

import pytest
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QShortcut
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit

from napari_focusfuse.gui.common.dock import HelpButton, page_path
from napari_focusfuse.gui.common.plots import colours_of

PLUGIN = "napari-focusfuse"
WIDGETS = {
    "Align focus stack": "aligning",
    "Compare layers": "comparing",
    "Fuse focus stack": "first-fusion",
    "Measure fused images": "measuring",
    "Retouch the fused image": "retouching",
    "Train a model": "training",
}


@pytest.fixture(params=WIDGETS)
def opened(request, viewer):
    return request.param, viewer.window.add_plugin_dock_widget(PLUGIN, request.param)[1]


def test_each_has_a_page(opened):
    name, widget = opened
    (button,) = widget.findChildren(HelpButton)
    button.click()
    window = button.window_shown
    assert window.isVisible()
    title = page_path(f"{WIDGETS[name]}.md").read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    assert window.browser.toPlainText().startswith(title)
    window.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_help_is_readable_and_leads_back(viewer, theme):
    viewer.theme = theme
    widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Measure fused images")[1]
    (button,) = widget.findChildren(HelpButton)
    button.click()
    window = button.window_shown
    shown = window.grab().toImage()
    greys = [shown.pixelColor(x, y).lightness() for x in range(30, 700, 3) for y in range(60, 400, 3)]
    back = max(set(greys), key=greys.count)
    assert (back < 100) == (theme == "dark")
    assert max(abs(grey - back) for grey in greys) > 120
    colours = {shown.pixelColor(x, y).name() for x in range(700) for y in range(60, 400)}
    assert colours_of(theme).first in colours
    assert "#0000ff" not in colours
    title = window.browser.toPlainText().splitlines()[0]
    assert not window.back_button.isEnabled()
    window.browser.setSource(window.browser.source().resolved(QUrl("metrics.md")))
    assert window.browser.toPlainText().splitlines()[0] != title
    window.back_button.click()
    assert window.browser.toPlainText().splitlines()[0] == title
    window.close()


def test_tabs_have_short_titles(opened):
    name, widget = opened
    assert widget.parent().windowTitle() in name
    assert len(widget.parent().windowTitle()) <= 7


def test_each_page_comes_with_the_package():
    settings = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {f"docs/{page}.md" for page in WIDGETS.values()} <= included.keys()


def test_every_control_says_what_it_does(opened):
    _, widget = opened
    silent = []
    for kind in (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit):
        for control in widget.findChildren(kind):
            above = control
            while above is not widget and not above.toolTip():
                above = above.parentWidget()
            if above is widget and not control.objectName().startswith(("qt_", "Scroll", "spacer")):
                text = control.text() if hasattr(control, "text") else ""
                silent.append(f"{type(control).__name__} {text}")
    assert silent == []


def test_keys_run_and_cancel(viewer, widget, stack, fusion, finish, qtbot):
    viewer.add_image(stack, name="cells")
    fusion.go.clear()
    keys = {shortcut.key().toString(): shortcut for shortcut in widget.findChildren(QShortcut)}
    assert {key.context() for key in keys.values()} == {Qt.ShortcutContext.WidgetWithChildrenShortcut}
    keys["Ctrl+Return"].activated.emit()
    qtbot.waitUntil(lambda: bool(fusion.calls))
    keys["Esc"].activated.emit()
    fusion.go.set()
    finish(widget)
    assert "cancelled" in widget.panel.status.text()
