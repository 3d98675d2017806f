"""The dialog "Apply decision to…": layers to tick, and at which positions."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.fuse.apply_work import Target, Where

__all__ = ["CarryDialog"]

#: px
_WIDTH, _SPACING = 380, 2
_NONE = "No other image layer: open the other channels or time points as separate layers, or in one layer."
_ALL_DIFFER = "No layer has the same geometry as this decision map."


class CarryDialog(QDialog):
    """Choose what a decision is applied to.

    Parameters
    ----------
    title : str
        What the decision was made from.
    found : sequence of Target
        Layers; those with a problem cannot be ticked.
    wheres : sequence of (str, Where)
        Positions to choose from; none if there is no choice.
    ticked : str
        Identifier of the layer that is ticked first; by default all are that are no further time points.
    parent : QWidget
    """

    def __init__(
        self,
        title: str,
        found: Sequence[Target],
        wheres: Sequence[tuple[str, Where]],
        *,
        ticked: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Apply decision to…")
        self.setMinimumWidth(_WIDTH)
        self._targets = list(found)
        self.about = PlainLabel(self._text(title))
        self.about.setWordWrap(True)
        self.layers = QListWidget()
        self.layers.setSpacing(_SPACING)
        self.where_box = QComboBox()
        for text, where in wheres:
            self.where_box.addItem(text, where)
        self.where_box.setVisible(bool(wheres))
        for target in self._targets:
            self.layers.addItem(_item(target, ticked=str(target.layer.unique_id) == ticked or not ticked))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.apply_button = self.buttons.addButton("Apply", QDialogButtonBox.ButtonRole.AcceptRole)
        layout = QVBoxLayout(self)
        for part in (self.about, self.layers, self.where_box, self.buttons):
            layout.addWidget(part)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.layers.itemChanged.connect(self._on_item_changed)
        self._on_item_changed()

    def chosen(self) -> list[Target]:
        """The layers that are ticked."""
        rows = range(self.layers.count())
        return [target for row, target in zip(rows, self._targets, strict=True) if _is_ticked(self.layers.item(row))]

    def where(self) -> Where:
        """The positions chosen."""
        where: Where = self.where_box.currentData() or "all"
        return where

    def _text(self, title: str) -> str:
        if not self._targets:
            return _NONE
        if all(target.problem for target in self._targets):
            return _ALL_DIFFER
        return f"Fuse these layers with the decision map of {title!r}:"

    def _on_item_changed(self, _item: object = None) -> None:
        if self.apply_button is not None:
            self.apply_button.setEnabled(bool(self.chosen()))


def _is_ticked(item: QListWidgetItem | None) -> bool:
    return item is not None and item.checkState() == Qt.CheckState.Checked


def _item(target: Target, *, ticked: bool) -> QListWidgetItem:
    name = str(target.layer.name)
    if target.problem:
        item = QListWidgetItem(f"{name} ({target.problem})")
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setToolTip("Its geometry differs from that of this decision map.")
        return item
    item = QListWidgetItem(name)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
    return item
