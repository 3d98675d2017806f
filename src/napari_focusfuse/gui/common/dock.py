"""What docked widgets have in common: their end, a short title, help, keys, and a scroll area."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from qtpy.QtCore import QEvent, QSize, Qt, QTimer, QUrl
from qtpy.QtGui import (
    QColor,
    QImage,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from qtpy.QtWidgets import (
    QDialog,
    QDockWidget,
    QFrame,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.gui.common.plots import colours_of
from napari_focusfuse.gui.common.run_panel import RunPanel

__all__ = ["RUN_TIP", "Dock", "HelpButton", "Scrolled", "end_comparisons", "page_path"]

RUN_TIP = "Start (Ctrl+Return anywhere in this widget)."
_SIZE = 760, 640
_PACKAGE = Path(__file__).parents[2]


def page_path(page: str) -> Path:
    """A page of the documentation: it comes with the package, or lies beside the sources."""
    installed = _PACKAGE / "docs" / page
    return installed if installed.exists() else _PACKAGE.parents[1] / "docs" / page


class Dock(QWidget):
    """A docked widget.

    Attributes
    ----------
    short_title : str
        On its tab, where docks share a place.
    """

    short_title: ClassVar[str]

    def let_go(self) -> None:
        """Stop what runs and follow the viewer no more: napari has taken the widget out of its dock for good."""
        raise NotImplementedError

    def end_comparison(self) -> None:
        """End what it shows side by side or over one another."""

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """See `let_go` and `short_title`."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ParentChange:
            return
        dock = self.parent()
        if dock is None:
            self.let_go()
        elif isinstance(dock, QDockWidget):
            dock.setWindowTitle(self.short_title)

    def equip(self, panel: RunPanel, page: str) -> None:
        """Let the keyboard run and cancel while it is in the widget, and offer help.

        Parameters
        ----------
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
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(button.click)
        panel.run_button.setToolTip(RUN_TIP)
        panel.cancel_button.setToolTip("Cancel at the next step; nothing is changed (Escape).")
        panel.add_button(HelpButton(page))


def end_comparisons(viewer: Any, but: Dock | None = None) -> None:
    """End what docks show side by side or over one another: half of it would stay over what comes.

    Each gives back the look that was there before it, so that two at a time would leave that of the other.
    """
    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, Dock) and widget is not but:
            widget.end_comparison()


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
        self.setToolTip("Help for this widget, in a separate window.")
        self.setAccessibleName("Help")
        self.clicked.connect(self._on_clicked)

    @property
    def window_shown(self) -> QDialog | None:
        """The window, once it was opened."""
        return self._window

    def _on_clicked(self) -> None:
        if self._window is None:
            self._window = _Window(page_path(self._page), self)
        import napari

        viewer = napari.current_viewer()
        self._window.show_in("dark" if viewer is None else viewer.theme)


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
    """A page in the colours of the viewer's theme, and the way back from the pages that it leads to."""

    def __init__(self, path: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("napari-focusfuse: help")
        self.resize(*_SIZE)
        self.browser = _Browser()
        self.browser.setOpenExternalLinks(True)
        self.back_button = QPushButton("Back")
        self.back_button.setToolTip("The page before (Alt+Left).")
        self.back_button.setEnabled(False)
        self.back_button.setShortcut(QKeySequence(QKeySequence.StandardKey.Back))
        self.back_button.clicked.connect(self.browser.backward)
        self.browser.backwardAvailable.connect(self.back_button.setEnabled)
        self.browser.setSource(QUrl.fromLocalFile(str(path)))
        self.browser.sourceChanged.connect(self._colour_links)
        self._link = QColor()
        layout = QVBoxLayout(self)
        layout.addWidget(self.back_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.browser)

    def show_in(self, theme: str) -> None:
        """Show the page in the colours of a theme."""
        colours = colours_of(theme)
        self._link = QColor(colours.first)
        self.browser.setStyleSheet(f"background: {colours.back}; color: {colours.text};")
        self.browser.reload()
        self._colour_links()
        self.show()
        self.raise_()

    def _colour_links(self) -> None:
        """Qt gives links of Markdown a blue of its own, which cannot be read on dark."""
        document = self.browser.document()
        links: list[tuple[int, int]] = []
        block = None if document is None else document.begin()
        while block is not None and block.isValid():
            part = block.begin()
            while not part.atEnd():
                fragment = part.fragment()
                if fragment.charFormat().isAnchor():
                    links.append((fragment.position(), fragment.length()))
                part += 1
            block = block.next()
        look, cursor = QTextCharFormat(), QTextCursor(document)
        look.setForeground(self._link)
        for position, length in links:
            cursor.setPosition(position)
            cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(look)


#: Some rows of a form, px.
_LEAST = 110


class Scrolled(QScrollArea):
    """As high as its content wherever there is room for it, and no higher.

    Parameters
    ----------
    content : QWidget
    least : int
        So much of it is seen at least, px.
    changes : sequence of signals
        After each of them the content may need another height. (A Python event filter would tell it of all, but one
        that is there when Python ends takes the process down.)
    fill : bool
        Take all the room there is, also if that is more than the content needs.
    """

    def __init__(
        self, content: QWidget, *, least: int = _LEAST, changes: Sequence[Any] = (), fill: bool = False
    ) -> None:
        super().__init__()
        self._least, self._needed = least, QSize()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        height = QSizePolicy.Policy.Expanding if fill else QSizePolicy.Policy.Maximum
        self.setSizePolicy(QSizePolicy.Policy.Expanding, height)
        self.setWidget(content)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._measure)
        for signal in changes:
            signal.connect(self.fit)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As large as the content."""
        return QSize(self._width(), self._height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As wide as the content and a scroll bar; a part of its height."""
        return QSize(self._width(), min(self._least, self._height()))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Text may take more lines, or fewer."""
        super().resizeEvent(event)
        self._measure()

    def fit(self, *_: object) -> None:
        """The content may need another height; it knows as soon as it has laid out its parts."""
        self._soon.start()

    def _measure(self) -> None:
        needed = self.sizeHint()
        if needed != self._needed:
            self._needed = needed
            self.updateGeometry()
        # By itself Qt may leave a bar that was needed before the widget got its height.
        policy = Qt.ScrollBarPolicy
        fits = self.height() >= needed.height()
        self.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOff if fits else policy.ScrollBarAsNeeded)

    def _width(self) -> int:
        content, bar = self.widget(), self.verticalScrollBar()
        width = 0 if content is None else content.minimumSizeHint().width()
        return width + 2 * self.frameWidth() + (0 if bar is None else bar.sizeHint().width())

    def _height(self) -> int:
        content = self.widget()
        if content is None:
            return 0
        frame = 2 * self.frameWidth()
        height = content.heightForWidth(self.width() - frame) if content.hasHeightForWidth() else -1
        return max(height, content.sizeHint().height()) + frame
