"""Applying a decision map to other layers: the dialog with the layers to tick and their positions, and the run."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.fuse.apply_work import Origin, Target, Where, carry, taken, targets, wheres
from napari_focusfuse.gui.fuse.history import why_not
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.result_parts import Parts
from napari_focusfuse.gui.layers.results import iter_show_parts, plain

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.gui.fuse.result_panel import ResultPanel

__all__ = ["Carrier", "CarryDialog"]

_NOTHING = "Fuse a focus stack first: its decision map can then be applied to other channels, time points and layers."
_BUSY = "A run is in progress: wait for it or cancel it first."
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
        self.setWindowTitle("Apply decision map")
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


class Carrier(QObject):
    """Fuses other layers by the decision map of the result shown.

    Parameters
    ----------
    viewer : Viewer
    panel : RunPanel
        Where it runs.
    results : ResultPanel
        Says which result is shown.
    """

    def __init__(self, viewer: "Viewer", panel: RunPanel, results: "ResultPanel") -> None:
        super().__init__(results)
        self._viewer, self._panel, self._results = viewer, panel, results
        self.dialog: CarryDialog | None = None
        self.button = QPushButton("Apply decision map…")
        self.button.clicked.connect(self._on_button)

    @property
    def _origin(self) -> Origin | None:
        held = self._results.current
        return None if held is None or why_not(held, "apply") else held.origin

    def choose(self, layer: "Image | None" = None) -> None:
        """Ask what the decision is applied to.

        Parameters
        ----------
        layer : Image, optional
            Ticked first.
        """
        from napari.utils.notifications import show_info

        if self._panel.busy or self._origin is None:
            show_info(_BUSY if self._panel.busy else why_not(self._results.current, "apply") or _NOTHING)
            return
        found = targets(self._origin, self._viewer.layers)
        ids = [str(target.layer.unique_id) for target in found if not target.problem]
        wanted = "" if layer is None else str(layer.unique_id)
        self.dialog = CarryDialog(
            self._origin.title,
            found,
            wheres(self._origin, found),
            ticked=wanted if wanted in ids else "",
            parent=self._results,
        )
        self.dialog.accepted.connect(self._on_accepted)
        self.dialog.open()

    def apply(self, chosen: list[Target], where: Where) -> None:
        """Fuse layers by the decision that is held; those that are no longer there are left out."""
        held, origin = self._results.current, self._origin
        there = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        point = self._viewer.dims.point
        wholes = [taken(target, where, point) for target in chosen if target.layer in there]
        if wholes and held is not None and origin is not None:
            notes = [_carried(whole, origin) for whole in wholes]
            self._panel.start(
                partial(carry, wholes, origin, held.work()),
                f"Applying the decision of {origin.title}",
                partial(self._on_carried, origin, notes),
            )

    def _on_button(self) -> None:
        self.choose()

    def _on_accepted(self) -> None:
        if self.dialog is not None:
            self.apply(self.dialog.chosen(), self.dialog.where())
            self.dialog.deleteLater()
            self.dialog = None

    def _on_carried(
        self, origin: Origin, notes: list[dict[str, Any]], made: list[tuple[Whole, Parts]]
    ) -> Iterator[None]:
        for note, (whole, parts) in zip(notes, made, strict=True):
            yield from iter_show_parts(self._viewer, whole.title, parts, {**note, "whole": True})
        number = sum(len(parts) for _, parts in made)
        self._panel.status.setText(
            f"Fused {number} layer{'s' * (number > 1)} with the decision map of {origin.title!r}."
        )


def _carried(whole: Whole, origin: Origin) -> dict[str, Any]:
    """Where a result by the decision of another comes from, in plain JSON types."""
    note: dict[str, Any] = plain(
        {
            **whole.note(),
            "z_step": None,
            "pixel_size": None,
            "method": origin.made_by.get("method"),
            "decision_from": {"source": origin.title, "source_id": origin.layer_id},
            "config": origin.made_by.get("config"),
            "made_by": origin.made_by,
        }
    )
    return note
