"""Help and keys, the same for every widget."""

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QImage, QKeySequence, QShortcut, QTextDocument
from qtpy.QtWidgets import QDialog, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from napari_focusfuse.gui.common.run_panel import RunPanel

__all__ = ["HelpButton", "equip", "page_path"]

_SIZE = 760, 640
_PACKAGE = Path(__file__).parents[2]


def page_path(page: str) -> Path:
    """A page of the documentation: it comes with the package, or lies beside the sources."""
    installed = _PACKAGE / "docs" / page
    return installed if installed.exists() else _PACKAGE.parents[1] / "docs" / page


def equip(widget: QWidget, panel: RunPanel, page: str) -> None:
    """Let the keyboard run and cancel while it is in a widget, and offer help.

    Parameters
    ----------
    widget : QWidget
    panel : RunPanel
        Its foot; the help button goes beside its buttons.
    page : str
        Of the documentation: "measuring.md".
    """
    for keys, button in (
        ("Ctrl+Return", panel.run_button),
        ("Ctrl+Enter", panel.run_button),
        ("Escape", panel.cancel_button),
    ):
        shortcut = QShortcut(QKeySequence(keys), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(button.click)
    panel.run_button.setToolTip("Start; Ctrl+Return does it from anywhere in this widget.")
    panel.cancel_button.setToolTip("Stop at the next step and change nothing; Escape does it too.")
    panel.add_button(HelpButton(page))


class HelpButton(QPushButton):
    """Shows a page of the documentation in a window.

    Parameters
    ----------
    page : str
    """

    def __init__(self, page: str) -> None:
        super().__init__("?")
        self._page = page
        self._window: _Window | None = None
        self.setMaximumWidth(32)
        self.setToolTip("Help: what this widget does, in a window of its own.")
        self.setAccessibleName("Help")
        self.clicked.connect(self._on_clicked)

    @property
    def window_shown(self) -> QDialog | None:
        """The window, once it was opened."""
        return self._window

    def _on_clicked(self) -> None:
        if self._window is None:
            self._window = _Window(page_path(self._page), self)
        self._window.show()
        self._window.raise_()


class _Browser(QTextBrowser):
    """A text browser without pictures: they do not come along, and show the viewer that is there anyway."""

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802 (Qt's name)
        """A page; nothing for a picture."""
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return super().loadResource(kind, name)
        nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        nothing.fill(0)
        return nothing


class _Window(QDialog):
    def __init__(self, path: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("napari-focusfuse: help")
        self.resize(*_SIZE)
        self.browser = _Browser()
        self.browser.setOpenExternalLinks(True)
        self.browser.setSource(QUrl.fromLocalFile(str(path)))
        layout = QVBoxLayout(self)
        layout.addWidget(self.browser)
