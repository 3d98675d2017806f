"""The list of stacks as it is seen: thumbnail, name, state and progress of each, in the colours of the viewer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, QPointF, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_focusfuse.gui.batch.rows import ROW, Row, StackModel
from napari_focusfuse.gui.common.plots import Colours, colours_of

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["StackView"]

#: Side of a thumbnail, space around it, height of a row and of the progress, size of a mark (px).
_PICTURE, _GAP, _ROW, _BAR, _MARK = 44, 8, 58, 3, 12
#: So many rows are seen at least.
_LEAST = 3
_EMPTY = "Choose a folder of focus stacks,\nor drop folders and files here."
#: Failed, on dark and on light.
_BAD = "#ff8a80", "#b3261e"


class StackView(QListView):
    """A list of stacks. Enter or a double click opens a result; folders and files can be dropped on it.

    Parameters
    ----------
    viewer : Viewer
        Its theme is followed.
    model : StackModel
    """

    #: A row is to be opened.
    opened = Signal(int)
    #: Another row is selected: its number, or -1.
    selected = Signal(int)
    #: Paths were dropped.
    dropped = Signal(list)

    def __init__(self, viewer: "Viewer", model: StackModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.setModel(model)
        self.setItemDelegate(_Rows(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setAcceptDrops(True)
        self.setMinimumHeight(_LEAST * _ROW)
        self.setAccessibleName("Stacks")
        self.doubleClicked.connect(self._on_double_click)
        viewer.events.theme.connect(self._on_theme)
        self._on_theme()

    @property
    def colours(self) -> Colours:
        """Those of the theme."""
        return self._colours

    @property
    def bad(self) -> QColor:
        """What says that something failed."""
        return QColor(_BAD[QColor(self._colours.back).lightnessF() > 0.5])

    def let_go(self) -> None:
        """Stop following the theme."""
        self._viewer.events.theme.disconnect(self._on_theme)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Some rows high; it takes all the room there is."""
        return QSize(super().sizeHint().width(), 6 * _ROW)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802 (Qt's name)
        """Tell which row it is."""
        super().currentChanged(current, previous)
        self.selected.emit(current.row())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Open by Enter; Ctrl+Return runs."""
        plain = event is not None and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event is not None and plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's name)
        """The rows, or what to do where there are none."""
        super().paintEvent(event)
        model, port = self.model(), self.viewport()
        if port is not None and model is not None and not model.rowCount():
            painter = QPainter(port)
            painter.setPen(_faint(self._colours))
            painter.drawText(port.rect().adjusted(12, 12, -12, -12), int(Qt.AlignmentFlag.AlignCenter), _EMPTY)
            painter.end()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Take paths."""
        _take(event)

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Take paths."""
        _take(event)

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Tell which paths were dropped."""
        if paths := _take(event):
            self.dropped.emit(paths)

    def _on_double_click(self, index: QModelIndex) -> None:
        self.opened.emit(index.row())

    def _on_theme(self, _event: object = None) -> None:
        colours = self._colours = colours_of(self._viewer.theme)
        # The theme's own colour of lists is that of what is selected in them.
        self.setStyleSheet(f"QListView {{ background: transparent; border: 1px solid {colours.grid}; padding: 2px; }}")
        port = self.viewport()
        if port is not None:
            port.update()


def _take(event: QDropEvent | None) -> list[Path]:
    """The paths that are dropped, which are accepted."""
    mime = None if event is None else event.mimeData()
    paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()] if mime is not None else []
    if event is not None and paths:
        event.acceptProposedAction()
    return paths


def _faint(colours: Colours) -> QColor:
    """Text that stands back."""
    back, text = QColor(colours.back), QColor(colours.text)
    parts = [round(0.35 * b + 0.65 * t) for b, t in zip(back.getRgb()[:3], text.getRgb()[:3], strict=True)]
    return QColor(*parts)


class _Rows(QStyledItemDelegate):
    """Paints the rows of a view."""

    def __init__(self, view: StackView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: ARG002, N802 (Qt's)
        """All rows are equally high."""
        return QSize(120, _ROW)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """One row."""
        row: Row = index.data(ROW)
        model = index.model()
        if painter is None or not isinstance(model, StackModel):
            return
        model.want(index.row())
        colours, area = self._view.colours, QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_back(painter, option, colours)
        frame = QRect(area.left() + _GAP, area.top() + (_ROW - _PICTURE) // 2, _PICTURE, _PICTURE)
        _paint_picture(painter, frame, row, colours)
        left, right = frame.right() + 10, area.right() - 2 * _GAP - _MARK
        line = QFontMetrics(option.font).height()
        top = area.top() + (_ROW - 2 * line - 3) // 2
        self._paint_words(painter, QRect(left, top, right - left, line), row, option)
        if row.state == "running":
            _paint_bar(painter, QRectF(left, area.bottom() - _BAR - 3, right - left, _BAR), row.share, colours)
        mark = QRectF(area.right() - _GAP - _MARK, area.center().y() - _MARK / 2, _MARK, _MARK)
        _paint_mark(painter, mark, row.state, self._view.bad if row.state == "failed" else _faint(colours))
        painter.restore()

    def _paint_back(self, painter: QPainter, option: QStyleOptionViewItem, colours: Colours) -> None:
        """What is selected or under the mouse."""
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if not chosen and not option.state & QStyle.StateFlag.State_MouseOver:
            return
        colour = QColor(colours.grid)
        colour.setAlphaF(0.9 if chosen else 0.4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(option.rect).adjusted(2, 1, -2, -1), 4, 4)

    def _paint_words(self, painter: QPainter, first: QRect, row: Row, option: QStyleOptionViewItem) -> None:
        """Name above state."""
        metrics, colours = QFontMetrics(option.font), self._view.colours
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(option.font)
        painter.setPen(QColor(colours.text))
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, first.width())
        painter.drawText(first, flags, name)
        painter.setPen(self._view.bad if row.state == "failed" else _faint(colours))
        told = metrics.elidedText(row.line(), Qt.TextElideMode.ElideRight, first.width())
        painter.drawText(first.translated(0, first.height() + 2), flags, told)


def _paint_picture(painter: QPainter, frame: QRect, row: Row, colours: Colours) -> None:
    """The thumbnail in its square, or an empty square."""
    clip = QPainterPath()
    clip.addRoundedRect(QRectF(frame), 3, 3)
    painter.save()
    painter.setClipPath(clip)
    empty = QColor(colours.grid)
    empty.setAlphaF(0.5)
    painter.fillRect(frame, empty)
    if row.picture is not None:
        # The middle of it, so that all squares are full.
        side = min(row.picture.width(), row.picture.height())
        x, y = (row.picture.width() - side) // 2, (row.picture.height() - side) // 2
        painter.drawImage(frame, row.picture, QRect(x, y, side, side))
    painter.restore()


def _paint_bar(painter: QPainter, bar: QRectF, share: float, colours: Colours) -> None:
    """How much is done."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.grid))
    painter.drawRoundedRect(bar, 1.5, 1.5)
    painter.setBrush(QColor(colours.first))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * min(share, 1.0), bar.height()), 1.5, 1.5)


def _paint_mark(painter: QPainter, place: QRectF, state: str, colour: QColor) -> None:
    """A tick for what is there, a cross for what failed."""
    lines: Sequence[Sequence[tuple[float, float]]] = {
        "done": [[(0.05, 0.55), (0.38, 0.88), (0.95, 0.15)]],
        "skipped": [[(0.05, 0.55), (0.38, 0.88), (0.95, 0.15)]],
        "failed": [[(0.15, 0.15), (0.85, 0.85)], [(0.85, 0.15), (0.15, 0.85)]],
    }.get(state, [])
    painter.setPen(QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in lines:
        points = [QPointF(place.left() + x * place.width(), place.top() + y * place.height()) for x, y in line]
        painter.drawPolyline(QPolygonF(points))
