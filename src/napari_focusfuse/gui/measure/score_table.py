"""The table of scores: a row for each metric, a column for each fused image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QFont, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView

if TYPE_CHECKING:
    from napari_focusfuse.core.metrics import Metric

__all__ = ["ScoreTable", "explained", "written"]

Scores = Mapping[str, Mapping[str, float]]
_ARROWS = {"high": "↑", "low": "↓", "zero": "→ 0"}
_BEST = {"high": "high values are good", "low": "low values are good", "zero": "values near 0 are good"}
_MARK = "★ "
#: Of scores that no longer hold; to be read on dark and on light.
_FADED = QColor("#808080")
_NAME_WIDTH, _ROW, _SMALL = 94, 23, 1e-4


def explained(metric: "Metric") -> str:
    """What there is to know about a metric, for a tooltip."""
    low, high = (written(value) for value in (metric.low, metric.high))
    return (
        f"<p><b>{metric.title}</b>: {metric.measures}.</p>"
        f"<p>Range {low} to {high}; {_BEST[metric.better]}.</p>"
        f"<p>Blind to {metric.blind_to}.</p><p><i>{metric.reference}</i></p>"
    )


def written(value: float) -> str:
    """A score with five digits, or two of a very small one."""
    text = f"{value:.5g}" if value == 0 or abs(value) >= _SMALL else f"{value:.2g}"
    return text.replace("inf", "\N{INFINITY}").replace("-", "\N{MINUS SIGN}")


class _Model(QAbstractTableModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.metrics: list[Metric] = []
        self.names: list[str] = []
        self.values: list[list[float]] = []
        self.best: list[list[bool]] = []
        self.faded = False

    def show(self, metrics: "list[Metric]", scores: Scores) -> None:
        """Show other scores."""
        self.beginResetModel()
        self.names = list(scores)
        self.metrics = [metric for metric in metrics if all(metric.name in own for own in scores.values())]
        self.values = [[own[metric.name] for own in scores.values()] for metric in self.metrics]
        self.best = [metric.best(values) for metric, values in zip(self.metrics, self.values, strict=True)]
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's)
        return 0 if parent.isValid() else len(self.metrics)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's)
        return 0 if parent.isValid() else 1 + len(self.names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 (Qt's)
        if orientation == Qt.Orientation.Vertical:
            return None
        title = self.names[section - 1] if section else "Metric"
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return title
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        if role == Qt.ItemDataRole.ForegroundRole:
            return _FADED if self.faded else None
        metric, column = self.metrics[index.row()], index.column() - 1
        if role == Qt.ItemDataRole.ToolTipRole:
            return explained(metric) if column < 0 else f"{self.values[index.row()][column]!r}"
        if column < 0:
            return self._title(metric, role)
        value, best = self.values[index.row()][column], self.best[index.row()][column]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{_MARK if best else ''}{written(value)}"
        if role == Qt.ItemDataRole.UserRole:
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return _bold() if role == Qt.ItemDataRole.FontRole and best else None

    @staticmethod
    def _title(metric: "Metric", role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{metric.title} {_ARROWS[metric.better]}"
        return metric.title.lower() if role == Qt.ItemDataRole.UserRole else None


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font


class ScoreTable(QTableView):
    """Scores of fused images, the best of each row marked; sortable by its headings, copied with Ctrl+C.

    Parameters
    ----------
    metrics : list of Metric
        In the order of the rows, but those that compare with a truth come first: they are to be trusted.
    """

    #: Another row is the chosen one.
    chosen = Signal()
    copied_to_clipboard = Signal()

    def __init__(self, metrics: "list[Metric]") -> None:
        super().__init__()
        self._metrics = sorted(metrics, key=lambda metric: not metric.needs_truth)
        self._model = _Model(self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(Qt.ItemDataRole.UserRole)
        self.setModel(self._proxy)
        rows = QHeaderView(Qt.Orientation.Vertical, self)
        rows.hide()
        rows.setDefaultSectionSize(_ROW)
        self.setVerticalHeader(rows)
        header = self._headings = QHeaderView(Qt.Orientation.Horizontal, self)
        self.setHorizontalHeader(header)
        header.setSectionsClickable(True)
        self.setSortingEnabled(True)
        header.setSortIndicatorClearable(True)
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header.setToolTip("Click to sort; a third click restores the original order.")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self._in_first_order()
        self._selection = QItemSelectionModel(self._proxy, self)
        self.setSelectionModel(self._selection)
        self._selection.currentRowChanged.connect(self._on_row)

    def scores(self) -> dict[str, dict[str, float]]:
        """Scores by name and metric."""
        model = self._model
        return {
            name: {metric.name: row[i] for metric, row in zip(model.metrics, model.values, strict=True)}
            for i, name in enumerate(model.names)
        }

    def show_scores(self, scores: Scores) -> None:
        """Show scores by the name of the fused image and by metric; the row that was chosen stays the chosen one."""
        kept = self.chosen_metric()
        self._model.show(self._metrics, scores)
        self._in_first_order()
        self._size_columns()
        rows = [metric.name for metric in self._model.metrics]
        if rows:
            row = rows.index(kept.name) if kept is not None and kept.name in rows else 0
            self.setCurrentIndex(self._proxy.mapFromSource(self._model.index(row, 0)))
        self.chosen.emit()

    def set_faded(self, faded: bool) -> None:
        """Show the scores in grey, as they no longer hold."""
        self._model.faded = faded
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    def chosen_metric(self) -> "Metric | None":
        """The metric whose row is the chosen one."""
        row = self._proxy.mapToSource(self.currentIndex()).row()
        return self._model.metrics[row] if 0 <= row < len(self._model.metrics) else None

    def rows(self) -> list[list[Any]]:
        """Headings and rows in the order shown, numbers with all their digits."""
        shown = [self._proxy.mapToSource(self._proxy.index(row, 0)).row() for row in range(self._proxy.rowCount())]
        values = [
            [self._model.metrics[row].name, self._model.metrics[row].better, *self._model.values[row]] for row in shown
        ]
        return [["metric", "best", *self._model.names], *values]

    def copied(self) -> str:
        """The selected cells as tab-separated text with their headings; all of them if no more than one is selected."""
        indexes = self._selection.selectedIndexes()
        rows = sorted({index.row() for index in indexes})
        columns = sorted({index.column() for index in indexes} - {0})
        if len(indexes) < 2 or not columns:
            rows, columns = list(range(self._proxy.rowCount())), list(range(1, self._proxy.columnCount()))
        table = self.rows()
        kept = [
            [line[0], *(line[1 + column] for column in columns)] for line in [table[0], *(table[1 + r] for r in rows)]
        ]
        return "\n".join("\t".join(map(str, line)) for line in kept)

    def copy(self) -> None:
        """Put what `copied` gives on the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.copied())
            self.copied_to_clipboard.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Copy with Ctrl+C."""
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def _in_first_order(self) -> None:
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)

    def _size_columns(self) -> None:
        """As wide as the values, and shared out where there is room."""
        header = self._headings
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        few = len(self._model.names) < 3
        mode = QHeaderView.ResizeMode.Stretch if few else QHeaderView.ResizeMode.Interactive
        for column in range(1, self._proxy.columnCount()):
            header.setSectionResizeMode(column, mode)
            if not few:
                header.resizeSection(column, _NAME_WIDTH)

    def _on_row(self, _current: QModelIndex, _previous: QModelIndex) -> None:
        self.chosen.emit()
