"""Which image layers are the sources, the fused images and the truth: a list with three boxes to tick."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_focusfuse.gui.common.text import literal
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.results import is_result, note_of, source_of
from napari_focusfuse.gui.layers.source import data_of, plane_axes

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["RoleTable", "Roles", "offered", "propose"]

_NAME, _SOURCE, _FUSED, _TRUTH = range(4)
_HEADINGS = ("Layer", "Source", "Fused", "Truth")
_TIPS = (
    "The image layers there are.",
    "What was fused: one focus stack, or two or more single images.",
    "The fused images to measure and compare.",
    "The true all-in-focus image, where there is one: only with it can a score say which fusion is right.",
)
#: Rows shown at least, and before the list scrolls; height of a row, px.
_FEWEST, _MOST, _ROW = 3, 6, 25


@dataclass(frozen=True)
class Roles:
    """What is measured: image layers by what they are.

    Attributes
    ----------
    sources : tuple of Image
        One focus stack, or single images.
    fused : tuple of Image
        Single images.
    truth : Image or None
    """

    sources: tuple[Image, ...] = ()
    fused: tuple[Image, ...] = ()
    truth: Image | None = None

    @property
    def stack(self) -> Image | None:
        """The source, if it is a focus stack."""
        return next((layer for layer in self.sources if layer.ndim > 2), None)

    def among(self, layers: Iterable[Image]) -> "Roles":
        """The same without the layers that are not there (any more)."""
        there = list(layers)
        sources, fused = (tuple(layer for layer in part if layer in there) for part in (self.sources, self.fused))
        return Roles(sources, fused, self.truth if self.truth in there else None)


def offered(layers: Iterable["Layer"]) -> list[Image]:
    """Image layers that can have a role: no depth, confidence and other maps that were made here."""
    own = [getattr(layer, "__wrapped__", layer) for layer in layers]
    return [
        layer
        for layer in own
        if isinstance(layer, Image) and (not is_result(layer) or note_of(layer)["role"] == "fused")
    ]


def propose(chosen: Sequence[Image], layers: Sequence[Image]) -> Roles:
    """Roles of the chosen layers, by what they are, what they were made from, and their names.

    What the choice leaves open, the other layers fill in: the stack that a fused image was made from, the fused images
    of a stack, and a truth of the same size.

    Parameters
    ----------
    chosen, layers : sequence of Image
        Chosen ones, and all.

    Returns
    -------
    Roles
    """
    flat = [layer for layer in chosen if layer.ndim == 2]
    stack = next((layer for layer in chosen if layer.ndim > 2), None)
    if stack is not None:
        fused = flat = [layer for layer in flat if _belongs(layer, stack, layers)]
    else:
        fused = [layer for layer in flat if is_result(layer) or _is_called(layer, "fused")]
        origins = (source_of(layer, layers) for layer in fused if is_result(layer))
        stack = next((layer for layer in origins if layer is not None), None)
    truth = _truth(flat, stack)
    fused = [layer for layer in fused if layer is not truth and not (stack and _may_be_truth(layer))]
    rest = tuple(layer for layer in flat if layer is not truth and layer not in fused)
    if stack is not None and not fused:
        fused = [layer for layer in layers if is_result(layer) and source_of(layer, layers) is stack]
    if truth is None and fused:
        truth = _truth([layer for layer in layers if layer.ndim == 2 and _kind(layer) == _kind(fused[0])], stack)
    return Roles(rest if stack is None else (stack,), tuple(fused), truth)


def _truth(layers: Iterable[Image], stack: Image | None) -> Image | None:
    """The layer that is called a truth, best that of the stack by its name."""
    called = [layer for layer in layers if _may_be_truth(layer)]
    return next((layer for layer in called if stack and stack.name in layer.name), called[0] if called else None)


def _may_be_truth(layer: Image) -> bool:
    return _is_called(layer, "truth") and not is_result(layer)


def _is_called(layer: Image, word: str) -> bool:
    return word in layer.name.lower()


def _belongs(layer: Image, stack: Image, layers: Sequence[Image]) -> bool:
    """Whether a single image may be compared with a stack: it was made from it, or it is of its kind and nobody's."""
    origin = source_of(layer, layers) if is_result(layer) else None
    return _kind(layer) == _kind(stack) if origin is None else origin is stack


def _kind(layer: Image) -> tuple[object, ...]:
    """Height, width, type and colour: what images that are compared have in common."""
    axes = plane_axes(layer, propose_axis(layer)[0] if layer.ndim > 2 else -1)
    data = data_of(layer)
    return (*(int(data.shape[axis]) for axis in axes), data.dtype, bool(layer.rgb))


class RoleTable(QTableWidget):
    """The layers in rows, what each is in columns; a view of `Roles`."""

    #: A role was given or taken.
    changed = Signal()
    #: The same, and it was done by hand.
    ticked = Signal()

    def __init__(self) -> None:
        super().__init__(0, len(_HEADINGS))
        self._layers: list[Image] = []
        for column, (heading, tip) in enumerate(zip(_HEADINGS, _TIPS, strict=True)):
            item = QTableWidgetItem(heading)
            item.setToolTip(tip)
            self.setHorizontalHeaderItem(column, item)
        self._rows = QHeaderView(Qt.Orientation.Vertical, self)
        self._rows.hide()
        self._rows.setDefaultSectionSize(_ROW)
        self.setVerticalHeader(self._rows)
        header = self._headings = QHeaderView(Qt.Orientation.Horizontal, self)
        self.setHorizontalHeader(header)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.itemChanged.connect(self._on_item_changed)

    def value(self) -> Roles:
        """The roles shown, in the order of the layers."""
        sources, fused, truth = (
            [layer for row, layer in enumerate(self._layers) if self._ticked(row, column)][::-1]
            for column in (_SOURCE, _FUSED, _TRUTH)
        )
        return Roles(tuple(sources), tuple(fused), truth[0] if truth else None)

    def set_value(self, roles: Roles) -> None:
        """Show roles; layers that are not offered get none."""
        before = self.value()
        self._show(roles)
        if self.value() != before:
            self.changed.emit()

    def set_layers(self, layers: Sequence[Image]) -> None:
        """Offer these layers, the last one on top as in napari's list; roles are kept."""
        kept = self.value()
        self._layers = list(layers)[::-1]
        self.blockSignals(True)
        self.setRowCount(len(self._layers))
        for row, layer in enumerate(self._layers):
            for column in range(len(_HEADINGS)):
                self.setItem(row, column, self._item(layer, column))
        self.blockSignals(False)
        self._show(kept)
        self.updateGeometry()
        if self.value() != kept:
            self.changed.emit()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as a few rows."""
        return QSize(super().sizeHint().width(), self._height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The same."""
        return QSize(super().minimumSizeHint().width(), self._height())

    def _height(self) -> int:
        rows = min(max(self.rowCount(), _FEWEST), _MOST)
        return self._headings.sizeHint().height() + rows * self._rows.defaultSectionSize() + 2 * self.frameWidth()

    @staticmethod
    def _item(layer: Image, column: int) -> QTableWidgetItem:
        if column == _NAME:
            item = QTableWidgetItem(layer.name)
            item.setToolTip(
                literal(f"{layer.name}: {' x '.join(map(str, data_of(layer).shape))}, {data_of(layer).dtype}")
            )
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            return item
        item = QTableWidgetItem()
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        if column == _SOURCE or layer.ndim == 2:
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            item.setToolTip(_TIPS[column])
        else:
            item.setToolTip("A stack can only be a source.")
        return item

    def _show(self, roles: Roles) -> None:
        wanted = {_SOURCE: roles.sources, _FUSED: roles.fused, _TRUTH: (roles.truth,)}
        self.blockSignals(True)
        for row, layer in enumerate(self._layers):
            for column, layers in wanted.items():
                self._tick(row, column, layer in layers)
        self.blockSignals(False)

    def _ticked(self, row: int, column: int) -> bool:
        item = self.item(row, column)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _tick(self, row: int, column: int, on: bool) -> None:
        item = self.item(row, column)
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _on_item_changed(self, item: QTableWidgetItem) -> None:
        """A layer has one role, there is one truth, and a stack is the only source."""
        row, column = item.row(), item.column()
        self.blockSignals(True)
        if self._ticked(row, column):
            for other in (_SOURCE, _FUSED, _TRUTH):
                self._tick(row, other, other == column)
            for other, layer in enumerate(self._layers):
                stacks = self._layers[row].ndim > 2 or layer.ndim > 2
                if other != row and (column == _TRUTH or (column == _SOURCE and stacks)):
                    self._tick(other, column, False)
        self.blockSignals(False)
        self.ticked.emit()
        self.changed.emit()
