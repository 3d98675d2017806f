"""The results of the fusion widget and what can be done with one: retouch it, apply its decision map, save it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_focusfuse.core.positions.channels import doubt
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.form import Folded
from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.text import Legend, literal
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.apply_decision import Carrier
from napari_focusfuse.gui.fuse.apply_work import origin_of_whole, save_options
from napari_focusfuse.gui.fuse.history import Held, called, held_by, history, hold, iter_show, resize, why_not
from napari_focusfuse.gui.layers.hyperstack import Whole
from napari_focusfuse.gui.layers.result_parts import Parts, legend
from napari_focusfuse.gui.layers.results import ROLES, iter_show_parts, note_of, plain
from napari_focusfuse.gui.layers.source import Source, axis_name
from napari_focusfuse.gui.retouch.session import Retoucher
from napari_focusfuse.gui.surface.panel import Shown, SurfacePanel

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import FusionResult

__all__ = ["ResultPanel"]

#: What Windows does not allow in the name of a folder.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_TIPS = {
    "save": "Save this result to a folder: images with physical sizes, and a recipe.",
    "retouch": "Retouch the fused image: paint which slice a pixel is taken from.",
    "apply": "Fuse other channels, time points or layers of the same geometry with this decision map, so that they "
    "stay registered.",
    "compare": "Wipe between this result and another of its stack, or the stack, or any other layer.",
}
_BUSY = "A run is in progress: wait for it or cancel it first."
_HISTORY = "Results in this viewer, the newest last. The one chosen is shown, and the buttons below act on it."
_REPLACE = (
    "The next run takes the place of the newest result of its stack. Otherwise results with other settings are kept.\n"
    "An image that was retouched is never replaced."
)


def _save(folder: Path, work: Callable[[], Work], options: dict[str, Any]) -> Work:
    """Write a result with its edits; runs in the thread."""
    from napari_focusfuse import api

    return (yield from api.iter_save(folder, (yield from work()), **options))


def _save_whole(folder: Path, work: Callable[[], Work], options: dict[str, Any]) -> Work:
    """The same of a result of all positions."""
    from napari_focusfuse import api

    return (yield from api.iter_save_hyperstack(folder, (yield from work()), **options))


class ResultPanel(QWidget):
    """Shows the results of a viewer, and acts on the one that is chosen.

    Parameters
    ----------
    viewer : Viewer
    panel : RunPanel
        Runs the work.
    """

    #: Another result is shown, or none.
    changed = Signal()
    #: It may need another height.
    fitted = Signal()

    def __init__(self, viewer: "Viewer", panel: RunPanel) -> None:
        super().__init__()
        self._viewer, self._panel = viewer, panel
        self._current: Held | None = None
        self._all: list[Held] = []
        self.box = QComboBox()
        self.box.setToolTip(_HISTORY)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.replace = QCheckBox("Replace")
        self.replace.setToolTip(_REPLACE)
        self.save_button, self.retouch_button = QPushButton("Save result…"), QPushButton("Retouch…")
        self.compare_button = QPushButton("Compare…")
        self.surface = SurfacePanel(viewer, panel, self._shown)
        self.carrier = Carrier(viewer, panel, self)
        self.legend = Legend()
        self.details = Folded("Details", self.legend)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self.surface.show_again)
        self._build()
        self._connect()
        self.look()

    @property
    def current(self) -> Held | None:
        """The result that the buttons act on."""
        return self._current

    @property
    def retoucher(self) -> Retoucher | None:
        """Who follows the edits of the current result, if anybody."""
        return None if self._current is None else self._current.retoucher

    def show_result(self, source: Source, note: dict[str, Any], parts: Parts, result: "FusionResult") -> Iterator[None]:
        """Show a result as layers, step by step, and turn to it; `parts` is what they hold."""
        from napari.utils.notifications import show_warning

        layers = yield from iter_show(self._viewer, source, note, parts, result, replace=self.replace.isChecked())
        if result.decision is not None and (why := doubt(result.decision)):
            show_warning(f"{source.title}: {why}.")
        self._turn_to(held_by(layers["fused"]))

    def show_whole(
        self, whole: Whole, note: dict[str, Any], parts: Parts, result: "HyperstackResult"
    ) -> Iterator[None]:
        """The same for all positions of a layer."""
        note = {**note, "names": whole.names, "made_by": plain(result.info), "whole": True}
        layers = yield from iter_show_parts(self._viewer, whole.title, parts, note, replace=self.replace.isChecked())
        hold(layers.values(), Held(whole.title, result, note, origin=origin_of_whole(whole, result)))
        self._turn_to(held_by(layers["fused"]))

    def set_sizes(self, layer: "Image", axis: int, z: list[float] | None, sizes: Mapping[str, Any]) -> None:
        """Give the results of a stack other sizes, and positions of its slices; nothing is fused anew."""
        told = plain(sizes)
        for held in self._all:
            note = held.note
            same = (note["source_id"], note["axis"]) == (str(layer.unique_id), axis_name(layer, axis))
            if same and held.one is not None and told != {key: note.get(key) for key in told}:
                try:
                    resize(held, self._viewer.layers, z, told)
                except FocusFuseError as error:
                    self._panel.show_status(f"The depth of {held.title} stays as it is: {error}.")
        self._refresh()
        self._again.start()

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the current result to `folder`, as the command line does."""
        held = self._current
        if held is None:
            return
        options = {**save_options(held.note), "overwrite": overwrite}
        work = partial(_save if held.one is not None else _save_whole, folder, held.work(), options)
        self._panel.start(work, f"Saving {held.title}", self._on_saved)

    def look(self, _event: Any = None) -> None:
        """Look which results there are."""
        self._all = history(self._viewer.layers)
        if self._current not in self._all:
            self._turn_to(self._all[-1] if self._all else None)
        else:
            self._refresh()

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.layers.events.removed.disconnect(self.look)
        self._viewer.layers.selection.events.active.disconnect(self._on_active)
        self._again.stop()
        self.surface.let_go()

    def _build(self) -> None:
        known, by_hand, last = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        known.addWidget(self.box, 1)
        known.addWidget(self.replace)
        by_hand.addWidget(self.retouch_button)
        by_hand.addWidget(self.carrier.button)
        last.addWidget(self.compare_button)
        last.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(known)
        layout.addWidget(self.details)
        layout.addLayout(by_hand)
        layout.addWidget(self.surface)
        layout.addLayout(last)

    def _connect(self) -> None:
        self._panel.busy_changed.connect(self._refresh)
        self.box.activated.connect(self._on_chosen)
        self.save_button.clicked.connect(self._on_save)
        self.retouch_button.clicked.connect(self._on_retouch)
        self.compare_button.clicked.connect(self._on_compare)
        self.details.button.toggled.connect(self._explain)
        self.details.button.toggled.connect(self.fitted)
        self.surface.view.changed.connect(self.fitted)
        self._viewer.layers.events.removed.connect(self.look)
        self._viewer.layers.selection.events.active.connect(self._on_active)

    def _turn_to(self, held: Held | None) -> None:
        """Have the buttons act on another result; the summary above them is its own."""
        self._all = history(self._viewer.layers)
        self._current = held
        self._panel.show_status("" if held is None else held.result.summary)
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        held, busy = self._current, self._panel.busy
        self.box.clear()
        self.box.addItems([called(each, self._viewer.layers) for each in self._all])
        if held in self._all:
            self.box.setCurrentIndex(self._all.index(held))
        for part in (self.box, self.replace):
            part.setVisible(bool(self._all))
        buttons = {
            "save": self.save_button,
            "retouch": self.retouch_button,
            "apply": self.carrier.button,
            "compare": self.compare_button,
        }
        for action, button in buttons.items():
            why = why_not(held, action) or (_BUSY if busy else "")
            button.setEnabled(not why)
            button.setToolTip(why or _TIPS[action])
        self.surface.set_state(why_not(held, "surface"), offered=held is not None and held.has_depth)
        self._explain()
        self.fitted.emit()

    def _explain(self, _unfolded: bool = False) -> None:
        """Which pixels are special, in the colours of the layer of flags."""
        decision = None if self._current is None else self._current.decision
        self.details.setVisible(decision is not None)
        if decision is not None and self.details.button.isChecked():
            layer = None if self.retoucher is None else self.retoucher.layer("flags")
            self.legend.setText(legend(decision.flags if layer is None else layer.data))
            self.fitted.emit()

    def _shown(self) -> Shown | None:
        """The current result, as far as a surface needs it."""
        held = self._current
        if held is None or held.one is None:
            return None
        z_step = held.note["z_step"]
        return Shown(held.title, held.one, held.pixel_size, z_step, held.place, held.note, held.work())

    def _on_active(self, _event: Any = None) -> None:
        """Turn to the result that the selected layer belongs to."""
        held = held_by(self._viewer.layers.selection.active)
        if held is not None and held is not self._current and not self._panel.busy:
            self._turn_to(held)

    def _on_chosen(self, row: int) -> None:
        """Show the layers of a result, and hide those of others of its stack."""
        held = self._all[row]
        for layer in self._viewer.layers:
            other = held_by(layer)
            if other is not None and other.note["source_id"] == held.note["source_id"]:
                layer.visible = other is held and note_of(layer)["role"] == ROLES[0]
        self._turn_to(held)
        self._viewer.layers.selection.active = held.fused(self._viewer.layers)

    def _on_saved(self, folder: Path) -> None:
        self._panel.show_status(f"Saved in {folder}")

    def _on_retouch(self) -> None:
        from napari_focusfuse.gui.commands import retouch_image

        layer = None if self.retoucher is None else self.retoucher.layer("decision")
        if layer is not None:
            self._viewer.layers.selection = {layer}
        retouch_image(self._viewer)

    def _on_compare(self) -> None:
        from napari_focusfuse.gui.commands import compare_result

        compare_result(self._viewer, self._current and self._current.fused(self._viewer.layers))

    def _on_save(self) -> None:
        parent = QFileDialog.getExistingDirectory(self, "Folder to save the result in")
        if parent and self._current is not None:
            folder = Path(parent) / (_FORBIDDEN.sub("_", self._current.title).strip(" .") or "result")
            exists = folder.exists()
            if not exists or self._may_overwrite(folder):
                self.save(folder, overwrite=exists)

    def _may_overwrite(self, folder: Path) -> bool:
        question = literal(f"{folder} exists. Overwrite the result in it?")
        answer = QMessageBox.question(self, "Save result", question)
        return bool(answer == QMessageBox.StandardButton.Yes)
