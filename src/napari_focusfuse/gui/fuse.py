"""The docked widget "Fuse focus stack": from an image layer to its all-in-focus image and maps."""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.gui._aligned import aligned_from
from napari_focusfuse.gui._carrier import Carrier
from napari_focusfuse.gui._form import ConfigForm, Folded, form_layout
from napari_focusfuse.gui._help import equip
from napari_focusfuse.gui._hover import HoverPanel
from napari_focusfuse.gui._layers import plain, preload
from napari_focusfuse.gui._mender import Mender
from napari_focusfuse.gui._mending import iter_show_and_follow
from napari_focusfuse.gui._models import Choices, device_box, models_and_devices, news, offer, offer_all
from napari_focusfuse.gui._preferences import Preferences, limited, preferences
from napari_focusfuse.gui._preview import Preview
from napari_focusfuse.gui._run_panel import RunPanel
from napari_focusfuse.gui._source import Source, in_file
from napari_focusfuse.gui._stack_form import StackForm
from napari_focusfuse.gui._surface import Shown, SurfacePanel
from napari_focusfuse.gui._worker import Answer, Work

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_focusfuse.core.result import FusionResult

__all__ = ["FuseWidget"]

#: Wide enough for names of layers and all of "Advanced", so that unfolding it does not resize the canvas (px).
_WIDTH = 310
#: What Windows does not allow in the name of a folder.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def _fuse(source: Source, options: dict[str, Any]) -> Work:
    """Fuse; runs in the thread, where the first import of torch disturbs nobody."""
    from napari_focusfuse import api

    preload()
    return (yield from api.iter_fuse(source.data, axis=source.axis, rgb=source.rgb, **limited(source, options)))


def _save(folder: Path, result: "FusionResult", mended: Callable[[], Work] | None, options: dict[str, Any]) -> Work:
    from napari_focusfuse import api

    if mended is not None:
        result = yield from mended()
    return (yield from api.iter_save(folder, result, **options))


def _held(last: "tuple[str, FusionResult, dict[str, Any]] | None", mended: Callable[[], Work] | None) -> Work:
    """The decision of a result with its edits; runs in the thread."""
    result = (yield from mended()) if mended is not None else None if last is None else last[1]
    return None if result is None else result.decision


class FuseWidget(QWidget):
    """Fuse a focus stack.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    """

    def __init__(self, napari_viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._started: tuple[Source, dict[str, Any]] | None = None
        self._last: tuple[str, FusionResult, dict[str, Any]] | None = None
        self._mender: Mender | None = None
        self._place: dict[str, Any] = {}
        self.stack = StackForm(napari_viewer, self)
        self.config = ConfigForm()
        self.method = ComboBox(choices=[(method.title, method.name) for method in METHODS.values()])
        self.model = ComboBox(choices=["default"], tooltip="The encoder whose features measure sharpness.")
        self.device = device_box()
        self.about = QLabel()
        self.advanced = Folded("Advanced", self.config.advanced())
        self.panel = RunPanel()
        self.save_button = QPushButton("Save result…")
        self.save_button.setToolTip("Write the last result to a folder: images with physical sizes, and a recipe.")
        self.mend_button = QPushButton("Mend…")
        self.mend_button.setToolTip("Paint by hand where a pixel should come from another slice.")
        self.surface = SurfacePanel(napari_viewer, self.panel, self._shown)
        self.carrier = Carrier(napari_viewer, self.stack, self.panel, self.held, self)
        self.hover = HoverPanel(napari_viewer)
        self.preview = Preview(napari_viewer, self.stack, self._how)
        self._build()
        equip(self, self.panel, "first-fusion.md")
        self._connect()
        self._refresh()
        self._prefer(preferences())
        self._on_method(self.method.value)
        Answer(models_and_devices, self).ready.connect(self._on_choices)
        news.written.connect(self.offer_model)

    def value(self) -> FusionConfig:
        """The settings shown."""
        return self.config.value()

    def set_value(self, config: FusionConfig) -> None:
        """Show settings."""
        self.config.set_value(config)

    @property
    def layer(self) -> "Image | None":
        """The layer that holds the focus stack."""
        return self.stack.layer

    @layer.setter
    def layer(self, layer: "Image") -> None:
        self.stack.layer = layer

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        offer(self.model, name)

    def reset_choices(self, _event: Any = None) -> None:
        """Offer the image layers there are; napari calls it when layers change."""
        self.stack.reset_choices()

    def run(self) -> None:
        """Fuse the stack shown; the result becomes layers."""
        from napari.utils.notifications import show_error, show_info

        hint = self.stack.problem()
        if self.panel.busy:
            show_info("A stack is being fused: wait for it or cancel it first.")
        elif hint is not None:
            show_error(hint)
        else:
            self.preview.stop()
            source = self.stack.take()
            options = {
                **self._how(),
                "z": self.stack.positions(),
            }
            self._started = source, self._describe(source)
            if self.carrier.positions.whole:
                self.carrier.fuse_whole(options, self._started[1])
                return
            self.panel.start(partial(_fuse, source, options), f"Fusing {source.title}", self._on_result)

    def held(self) -> Callable[[], Work]:
        """Work that returns the decision of the last run of one stack, as it is by now."""
        return partial(_held, self._last, None if self._mender is None else self._mender.work())

    def cancel(self) -> None:
        """Stop the run; the layers stay as they are."""
        self.panel.cancel()

    def save(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the last result to `folder`, as the command line does."""
        if self._last is None:
            self.carrier.save(folder, self._on_saved, overwrite=overwrite)
            return
        title, result, note = self._last
        options = {
            "pixel_size": note["pixel_size"] and tuple(note["pixel_size"]),
            "z_step": note["z_step"],
            "inputs": [Path(path) for path in note["inputs"]],
            "source": {"axis": note["axis"], "rgb": note["rgb"], "position": {**note["in_file"], **note["position"]}},
            **note["aligned"],
            "overwrite": overwrite,
        }
        mended = None if self._mender is None else self._mender.work()
        self.panel.start(partial(_save, folder, result, mended, options), f"Saving {title}", self._on_saved)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Stop the run when napari takes the widget out of its dock for good."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
            self.stack.let_go()
            self.surface.let_go()
            self.hover.let_go()
            self.preview.let_go()

    def _build(self) -> None:
        model = QHBoxLayout()
        model.addWidget(self.model.native, 1)
        self.folder_button = QPushButton("…")
        self.folder_button.setMaximumWidth(32)
        self.folder_button.setToolTip("Use a model that you trained: choose its folder.")
        model.addWidget(self.folder_button)
        self.about.setWordWrap(True)
        # Where room is short a wrapped label would be cut: it has two lines.
        self.about.setMinimumHeight(2 * self.about.fontMetrics().lineSpacing())
        form = form_layout()
        form.addRow("Image layer", self.stack.layer_box.native)
        form.addRow("Stack axis", self.stack.axis_box.native)
        self.carrier.positions.add_to(form)
        form.addRow("z-step", self.stack.z_step)
        form.addRow("Pixel size", self.stack.pixel_size)
        form.addRow(self.about)
        form.addRow("Method", self.method.native)
        form.addRow("Preset", self.config.preset.native)
        form.addRow("Model", model)
        form.addRow("Device", self.device.native)
        layout = QVBoxLayout(self)
        self.setMinimumWidth(_WIDTH)
        layout.addLayout(form)
        layout.addWidget(self.advanced)
        layout.addWidget(self.preview)
        layout.addWidget(self.panel)
        by_hand = QHBoxLayout()
        by_hand.addWidget(self.mend_button)
        by_hand.addWidget(self.carrier.button)
        layout.addLayout(by_hand)
        layout.addWidget(self.surface)
        layout.addWidget(self.save_button)
        layout.addWidget(Folded("At the cursor", self.hover, unfolded=True))

    def _prefer(self, wanted: Preferences) -> None:
        """Begin with what the user prefers."""
        self.set_value(FusionConfig(preset=wanted.preset))
        self.offer_model(wanted.model)
        self.model.value = wanted.model

    def _connect(self) -> None:
        self.stack.changed.connect(self._refresh)
        self.carrier.positions.changed.connect(self._refresh)
        self.carrier.fused.connect(self._on_whole)
        self.method.changed.connect(self._on_method)
        for knob in (self.method, self.model, self.device, *self.config.knobs()):
            knob.changed.connect(self.preview.ask)
        self.panel.requested.connect(self.run)
        self.panel.busy_changed.connect(self._on_busy)
        self.folder_button.clicked.connect(self._on_folder)
        self.save_button.clicked.connect(self._on_save)
        self.mend_button.clicked.connect(self._on_mend)

    def _refresh(self) -> None:
        hint = self.stack.problem()
        self.carrier.positions.read(self.stack.layer, self.stack.axis)
        self.about.setText(hint or self.carrier.description() or self.stack.description())
        self.panel.set_ready(hint is None)

    def _describe(self, source: Source) -> dict[str, Any]:
        """Where a result comes from, in plain JSON types."""
        note = {
            "source": source.title,
            "source_id": source.layer_id,
            "inputs": source.inputs,
            "axis": source.label,
            "rgb": source.rgb,
            "position": source.position,
            "slices": source.slices,
            "in_file": {} if self.stack.layer is None else in_file(self.stack.layer),
            "aligned": aligned_from(self.stack.layer),
            "z_step": self.stack.z_step.length(),
            "pixel_size": self.stack.pixel_sizes(),
            "method": self.method.value,
        }
        if METHODS[self.method.value].deep:
            note |= {"config": asdict(self.value()), "model": self.model.value}
        described: dict[str, Any] = plain(note)
        return described

    def _how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion."""
        return {"method": self.method.value, **self._engine()}

    def _engine(self) -> dict[str, Any]:
        """Options that only some methods have."""
        if not METHODS[self.method.value].deep:
            return {}
        return {"config": self.value(), "model": self.model.value, "device": self.device.value}

    def _on_method(self, name: str) -> None:
        """Say what the method does, and leave only those settings on that it uses."""
        method = METHODS[name]
        self.carrier.positions.set_decides(method.decides)
        self.method.tooltip = f"{method.description}\n{method.citation}"
        for box in (self.config.preset, self.model, self.device):
            box.enabled = method.deep
        for part in (self.folder_button, self.advanced):
            part.setEnabled(method.deep)

    def _on_busy(self) -> None:
        held = self._last is not None or self.carrier.result is not None
        self.save_button.setEnabled(held and not self.panel.busy)
        self.mend_button.setEnabled(self._mender is not None and not self.panel.busy)
        self.surface.there = self._last is not None
        self.surface.refresh()

    def _on_choices(self, choices: Choices) -> None:
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)

    def _on_result(self, result: "FusionResult") -> Iterator[None]:
        if self._started is None:
            return
        source, note = self._started
        made_by = plain(result.info if result.decision is None else result.decision.info)
        self._mender = yield from iter_show_and_follow(self._viewer, source, result, {**note, "made_by": made_by})
        self._last, self._place = (source.title, result, note), source.place
        self.carrier.decided(source, result.decision)
        self.panel.status.setText(result.summary)

    def _on_whole(self, summary: str) -> None:
        self._last = self._mender = None
        self.panel.status.setText(summary)

    def _shown(self) -> Shown | None:
        """The last result, as far as a surface needs it."""
        if self._last is None:
            return None
        title, result, note = self._last
        pixel_size = note["pixel_size"] and tuple(note["pixel_size"])
        mended = None if self._mender is None else self._mender.work()
        return Shown(title, result, pixel_size, note["z_step"], self._place, note, mended)

    def _on_saved(self, folder: Path) -> None:
        self.panel.status.setText(f"Saved in {folder}")

    def _on_mend(self) -> None:
        from napari_focusfuse.gui.commands import mend_decision

        layer = None if self._mender is None else self._mender.layer("decision")
        if layer is not None:
            self._viewer.layers.selection = {layer}
        mend_decision(self._viewer)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model")
        if folder:
            self.offer_model(folder)
            self.model.value = folder

    def _on_save(self) -> None:
        parent = QFileDialog.getExistingDirectory(self, "Folder to save the result in")
        if parent:
            title = self.carrier.title if self._last is None else self._last[0]
            folder = Path(parent) / (_FORBIDDEN.sub("_", title).strip(" .") or "result")
            exists = folder.exists()
            if not exists or self._may_overwrite(folder):
                self.save(folder, overwrite=exists)

    def _may_overwrite(self, folder: Path) -> bool:
        question = f"{folder} exists. Write over the result in it?"
        answer = QMessageBox.question(self, "Save result", question)
        return bool(answer == QMessageBox.StandardButton.Yes)
