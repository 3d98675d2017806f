"""Actions on the last fused result: retouch it, apply its decision map, view its surface, save it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.gui.common.run_panel import RunPanel
from napari_focusfuse.gui.common.text import literal
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.apply_decision import Carrier
from napari_focusfuse.gui.fuse.apply_work import saving
from napari_focusfuse.gui.fuse.form import FuseForm
from napari_focusfuse.gui.layers.result_parts import Parts
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import Source
from napari_focusfuse.gui.retouch.session import Retoucher, iter_show_and_follow
from napari_focusfuse.gui.surface.panel import Shown, SurfacePanel

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_focusfuse.core.result.decision import FusionResult

__all__ = ["ResultPanel"]

#: What Windows does not allow in the name of a folder.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


class _Last(NamedTuple):
    """The last result of one stack: as fused, where it comes from and lies, and who follows its edits."""

    title: str
    result: "FusionResult"
    note: dict[str, Any]
    place: Mapping[str, Any]
    retoucher: Retoucher | None

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """Height and width of a pixel, um."""
        return self.note["pixel_size"] and tuple(self.note["pixel_size"])

    def retouched(self) -> Callable[[], Work] | None:
        """What makes the result with its edits, in any thread; None if nobody follows them."""
        return None if self.retoucher is None else self.retoucher.work()


def _held(last: _Last | None, retouched: Callable[[], Work] | None) -> Work:
    """The decision of a result with its edits; runs in the thread."""
    result = (yield from retouched()) if retouched is not None else None if last is None else last.result
    return None if result is None else result.decision


def _save(folder: Path, result: "FusionResult", retouched: Callable[[], Work] | None, options: dict[str, Any]) -> Work:
    """Write a result with its edits; runs in the thread."""
    from napari_focusfuse import api

    if retouched is not None:
        result = yield from retouched()
    return (yield from api.iter_save(folder, result, **options))


class ResultPanel(QWidget):
    """Holds the last result, and the buttons for it.

    Parameters
    ----------
    viewer : Viewer
    form : FuseForm
        Which stack is fused.
    panel : RunPanel
        Runs the work.
    """

    def __init__(self, viewer: "Viewer", form: FuseForm, panel: RunPanel) -> None:
        super().__init__()
        self._viewer, self._panel = viewer, panel
        self._last: _Last | None = None
        self.save_button = QPushButton("Save result…")
        self.save_button.setToolTip("Save the last result to a folder: images with physical sizes, and a recipe.")
        self.retouch_button = QPushButton("Retouch…")
        self.retouch_button.setToolTip("Retouch the fused image: paint which slice a pixel is taken from.")
        self.compare_button = QPushButton("Compare…")
        self.compare_button.setToolTip("Wipe between this result and the one before, or the stack, or any other layer.")
        self.surface = SurfacePanel(viewer, panel, self._shown)
        self.carrier = Carrier(viewer, form, panel, self.held, self)
        self._build()
        panel.busy_changed.connect(self._on_busy)
        self.carrier.fused.connect(self._on_whole)
        self.save_button.clicked.connect(self._on_save)
        self.retouch_button.clicked.connect(self._on_retouch)
        self.compare_button.clicked.connect(self._on_compare)
        self._on_busy()

    @property
    def retoucher(self) -> Retoucher | None:
        """Who follows the edits of the last result, if anybody."""
        return None if self._last is None else self._last.retoucher

    def show_result(self, source: Source, note: dict[str, Any], parts: Parts, result: "FusionResult") -> Iterator[None]:
        """Show a result as layers, step by step, and hold it as the last one; `parts` is what they hold."""
        made_by = plain(result.info if result.decision is None else result.decision.info)
        retoucher = yield from iter_show_and_follow(self._viewer, source, parts, result, {**note, "made_by": made_by})
        self._last = _Last(source.title, result, note, source.place, retoucher)
        self.carrier.decided(source, result.decision)
        self._panel.status.setText(result.summary)

    def held(self) -> Callable[[], Work]:
        """Work that returns the decision of the last run of one stack, as it is by now."""
        return partial(_held, self._last, None if self._last is None else self._last.retouched())

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the last result to `folder`, as the command line does."""
        last = self._last
        if last is None:
            self.carrier.save(folder, self._on_saved, overwrite=overwrite)
            return
        options = {
            **saving(last.note, last.note["axis"]),
            "refractive_index": last.note["refractive_index"],
            **last.note["aligned"],
            "overwrite": overwrite,
        }
        work = partial(_save, folder, last.result, last.retouched(), options)
        self._panel.start(work, f"Saving {last.title}", self._on_saved)

    def let_go(self) -> None:
        """Stop following the viewer."""
        self.surface.let_go()

    def _build(self) -> None:
        by_hand = QHBoxLayout()
        by_hand.addWidget(self.retouch_button)
        by_hand.addWidget(self.carrier.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(by_hand)
        layout.addWidget(self.surface)
        layout.addWidget(self.compare_button)
        layout.addWidget(self.save_button)

    def _shown(self) -> Shown | None:
        """The last result, as far as a surface needs it."""
        last = self._last
        if last is None:
            return None
        return Shown(
            last.title, last.result, last.pixel_size, last.note["z_step"], last.place, last.note, last.retouched()
        )

    def _on_busy(self) -> None:
        last, idle = self._last, not self._panel.busy
        self.save_button.setEnabled((last is not None or self.carrier.result is not None) and idle)
        self.compare_button.setEnabled(last is not None)
        self.retouch_button.setEnabled(self.retoucher is not None and idle)
        self.surface.there = last is not None
        self.surface.refresh()

    def _on_whole(self, summary: str) -> None:
        self._last = None
        self._panel.status.setText(summary)

    def _on_saved(self, folder: Path) -> None:
        self._panel.status.setText(f"Saved in {folder}")

    def _on_retouch(self) -> None:
        from napari_focusfuse.gui.commands import retouch_image

        layer = None if self.retoucher is None else self.retoucher.layer("decision")
        if layer is not None:
            self._viewer.layers.selection = {layer}
        retouch_image(self._viewer)

    def _on_compare(self) -> None:
        from napari_focusfuse.gui.commands import compare_result

        compare_result(self._viewer)

    def _on_save(self) -> None:
        parent = QFileDialog.getExistingDirectory(self, "Folder to save the result in")
        if parent:
            title = self.carrier.title if self._last is None else self._last.title
            folder = Path(parent) / (_FORBIDDEN.sub("_", title).strip(" .") or "result")
            exists = folder.exists()
            if not exists or self._may_overwrite(folder):
                self.save(folder, overwrite=exists)

    def _may_overwrite(self, folder: Path) -> bool:
        question = literal(f"{folder} exists. Overwrite the result in it?")
        answer = QMessageBox.question(self, "Save result", question)
        return bool(answer == QMessageBox.StandardButton.Yes)
