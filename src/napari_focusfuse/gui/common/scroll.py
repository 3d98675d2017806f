"""A part of a widget that scrolls where room is short, so that no window has to be higher than its screen."""

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

__all__ = ["Scrolled"]

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
