"""Choosing slices: a range, every k-th, or those that are ticked; as a layer that is then fused or aligned."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.layers.axes import some_slices
from napari_focusfuse.gui.layers.source import KEY, data_of

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.core.quick_look import QuickLook
    from napari_focusfuse.gui.common.stack_form import StackForm

__all__ = ["SliceDialog", "SliceRow"]

_ALL = "All slices are selected: choose fewer."
_ALIGNED = "These slices were aligned together: choose slices of the original stack, and align those."


#: Size of a thumbnail and width of the bar of sharpness beside it, px.
_THUMB, _BAR = 56, 90


class SliceDialog(QDialog):
    """Slices with thumbnails and bars of sharpness, to be ticked.

    Parameters
    ----------
    count : int
    look : QuickLook or None
        What is known of them.
    parent : QWidget
    """

    def __init__(self, count: int, look: "QuickLook | None", parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose slices")
        self._blurred = () if look is None else (*look.blurred, *look.foreign)
        self.list = QListWidget()
        self.list.setIconSize(QSize(_THUMB + 6 + _BAR, _THUMB))
        self.list.setUniformItemSizes(True)
        seen = {} if look is None else {int(k): n for n, k in enumerate(look.numbers)}
        for k in range(count):
            item = QListWidgetItem(f"slice {k}")
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
            if look is not None and k in seen:
                item.setIcon(_icon(look.thumbnails[seen[k]], float(look.sharpness[seen[k]])))
                why = look.foreign.get(k) or ("nothing is in focus" if k in look.blurred else "")
                item.setText(f"slice {k}, {look.sharpness[seen[k]]:.0%}" + (f"\n{why}" if why else ""))
            self.list.addItem(item)
        self.bad, self.all, self.use = QPushButton("Untick blurred"), QPushButton("Tick all"), QPushButton("Use")
        self.bad.setToolTip("Untick slices in which nothing is in focus, and images that are no slices.")
        self.bad.setEnabled(bool(self._blurred))
        self.about = PlainLabel("The bar is the share of the detail that is in focus in the slice.")
        self.about.setWordWrap(True)
        buttons = QHBoxLayout()
        for button in (self.bad, self.all, self.use):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        for part in (self.about, self.list):
            layout.addWidget(part)
        layout.addLayout(buttons)
        self.resize(360, 520)
        self.list.itemChanged.connect(self._refresh)
        self.bad.clicked.connect(self._on_bad)
        self.all.clicked.connect(self._on_all)
        self.use.clicked.connect(self.accept)
        self._refresh()

    def ticked(self) -> list[int]:
        """The slices that are ticked, from 0."""
        return [k for k in range(self.list.count()) if self._item(k).checkState() == Qt.CheckState.Checked]

    def tick(self, numbers: Sequence[int]) -> None:
        """Tick these slices and no others."""
        for k in range(self.list.count()):
            self._item(k).setCheckState(Qt.CheckState.Checked if k in numbers else Qt.CheckState.Unchecked)

    def _item(self, k: int) -> QListWidgetItem:
        item = self.list.item(k)
        assert item is not None  # noqa: S101 - k is below the count
        return item

    def _on_bad(self) -> None:
        self.tick([k for k in self.ticked() if k not in self._blurred])

    def _on_all(self) -> None:
        self.tick(range(self.list.count()))

    def _refresh(self, _item: Any = None) -> None:
        count = len(self.ticked())
        self.use.setText(f"Use {count} of {self.list.count()}")
        self.use.setEnabled(count > 1)


def _icon(image: Any, sharpness: float) -> QIcon:
    """A thumbnail, and a bar as long as the sharpness."""
    low, high = np.percentile(image, (0.5, 99.5))
    grey = np.ascontiguousarray((255 * ((image - low) / max(high - low, 1e-9)).clip(0, 1)).astype(np.uint8))
    picture = QImage(grey.tobytes(), grey.shape[1], grey.shape[0], grey.shape[1], QImage.Format.Format_Grayscale8)
    small = QPixmap.fromImage(picture).scaled(_THUMB, _THUMB, Qt.AspectRatioMode.KeepAspectRatio)
    whole = QPixmap(_THUMB + 6 + _BAR, _THUMB)
    whole.fill(QColor(0, 0, 0, 0))
    painter = QPainter(whole)
    painter.drawPixmap((_THUMB - small.width()) // 2, (_THUMB - small.height()) // 2, small)
    painter.fillRect(_THUMB + 6, _THUMB // 2 - 5, _BAR, 10, QColor(128, 128, 128, 90))
    painter.fillRect(_THUMB + 6, _THUMB // 2 - 5, round(_BAR * sharpness), 10, QColor(60, 150, 220))
    painter.end()
    return QIcon(whole)


class SliceRow(QWidget):
    """First and last slice, every k-th, a button for single ones, and one that makes a layer of them.

    Parameters
    ----------
    viewer : Viewer
        Gets the layer.
    stack : StackForm
        Says which stack it is, and proposes the new layer afterwards.
    """

    def __init__(self, viewer: "Viewer", stack: "StackForm") -> None:
        super().__init__()
        self._viewer, self._stack, self._count = viewer, stack, 0
        #: What a quick look has found in the stack shown.
        self.look: QuickLook | None = None
        self.first, self.last, self.every = QSpinBox(), QSpinBox(), QSpinBox()
        self.pick_button, self.button = QPushButton("…"), QPushButton("Take")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        boxes = (
            (self.first, "First slice, by its number on napari's slider: from 0."),
            (self.last, "Last slice, which is taken as well."),
            (self.every, "1: every slice."),
        )
        for box, tip in boxes:
            box.setMinimum(1 if box is self.every else 0)
            box.setToolTip(tip)
            box.valueChanged.connect(self._refresh)
            box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
            box.setStyleSheet("min-width: 20px; padding: 2px;")  # napari's themes ask for far more
            row.addWidget(box, 1)
        self.every.setPrefix("1/")
        self.pick_button.setToolTip("Tick single slices, by their thumbnails and sharpness.")
        for button, width in ((self.pick_button, 12), (self.button, 30)):
            button.setStyleSheet(f"min-width: {width}px; padding: 3px;")
            row.addWidget(button)
        self.button.clicked.connect(self.take)
        self.pick_button.clicked.connect(self._on_pick)
        stack.changed.connect(self._on_stack)
        self._on_stack()

    def chosen(self) -> list[int]:
        """The slices shown, from 0."""
        return list(range(self.first.value(), self.last.value() + 1, self.every.value()))

    def dialog(self) -> SliceDialog:
        """The list of slices, in which those of the row are ticked."""
        dialog = SliceDialog(self._count, self.look, self)
        dialog.tick(self.chosen())
        return dialog

    def take(self) -> None:
        """Make a layer of the slices shown, which then is the stack; nothing if that is all of them."""
        if self.button.isEnabled():
            self.use(self.chosen())

    def use(self, numbers: Sequence[int]) -> None:
        """Make a layer of some slices, which then is the stack."""
        layer = self._stack.layer
        if layer is None or not 1 < len(numbers) < self._count:
            return
        made = some_slices(layer, self._stack.axis, numbers)
        self._viewer.add_layer(made)
        layer.visible = False
        self._stack.layer = made

    def _on_pick(self) -> None:
        dialog = self.dialog()
        if dialog.exec():
            self.use(dialog.ticked())
        dialog.deleteLater()

    def _on_stack(self) -> None:
        """Offer all slices of another stack."""
        layer = self._stack.layer
        fits = layer is not None and layer.ndim > self._stack.axis and self._stack.problem() is None
        count = data_of(layer).shape[self._stack.axis] if layer is not None and fits else 0
        if count != self._count:
            self._count = count
            for box, value in ((self.first, 0), (self.last, count - 1), (self.every, 1)):
                box.setMaximum(max(count - 1, box.minimum()))
                box.setValue(value)
        self._refresh()

    def _refresh(self) -> None:
        """Say what the buttons would do, or why they cannot."""
        layer, numbers = self._stack.layer, self.chosen()
        aligned = layer is not None and layer.metadata.get(KEY, {}).get("role") == "aligned"
        few = "" if len(numbers) > 1 else "Too few slices."
        why = _ALIGNED if aligned else _ALL if len(numbers) == self._count else few
        self.pick_button.setEnabled(not aligned and self._count > 2)
        self.button.setEnabled(not why and self._count > 0)
        self.button.setToolTip(why or f"A layer of {len(numbers)} of the {self._count} slices, which is then fused.")
