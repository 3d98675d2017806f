"""The form of the fusion widget: which stack, where in it, and how it is fused."""

import weakref
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from magicgui.widgets.bases import ValueWidget
from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.align.aligned import aligned_from
from napari_focusfuse.gui.common.form import Folded, SettingsForm, form_layout, narrow
from napari_focusfuse.gui.common.preferences import (
    Choices,
    Preferences,
    device_box,
    models_and_devices,
    news,
    offer,
    offer_all,
)
from napari_focusfuse.gui.common.quick_look import StackHints
from napari_focusfuse.gui.common.some_slices import SliceRow
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Answer
from napari_focusfuse.gui.fuse.config_form import ConfigForm
from napari_focusfuse.gui.fuse.position_form import PositionForm, RegionForm
from napari_focusfuse.gui.layers.axes import taken_of
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import Source, in_file

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["FuseForm"]

#: Width of the words about the stack in the narrowest dock (px); without it they are cut off where the form scrolls.
_ABOUT = 250
_EQUALISE = (
    "Multiply each slice by one factor before fusing, so that all are equally bright.\n"
    "For a lamp that flickers or fades; not for optical sections. Not where all positions are fused."
)


class FuseForm(QWidget):
    """A view of the stack, the method and its settings.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    """

    #: What would be fused is another than before.
    changed = Signal()
    #: Somebody has given other sizes of the stack.
    sized = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        #: Sizes that somebody has given: stack axis, z-step and pixel size.
        self._given: weakref.WeakKeyDictionary[Image, tuple[int, Any, Any]] = weakref.WeakKeyDictionary()
        self._shown = ""
        self.stack = StackForm(viewer, self)
        self.slices = SliceRow(viewer, self.stack)
        self.hints = StackHints(self.stack, self.slices)
        self.positions = PositionForm(self)
        self.region = RegionForm(viewer, self)
        self.equalise = CheckBox(text="Equalise slice brightness", tooltip=_EQUALISE)
        self.config = ConfigForm()
        self.method = narrow(ComboBox(choices=[(method.title, method.name) for method in METHODS.values()]))
        self.model = narrow(ComboBox(choices=["default"], tooltip="The encoder whose features measure sharpness."))
        self.device = narrow(device_box())
        self.about = PlainLabel()
        self.settings: dict[str, SettingsForm[Any]] = {
            method.name: self.config if method.config is FusionConfig else SettingsForm(method.config())
            for method in METHODS.values()
            if method.config is not None
        }
        self.advanced = Folded("Advanced", self._advanced())
        self.folder_button = QPushButton("…")
        self.folder_button.setMaximumWidth(32)
        self.folder_button.setToolTip("Use a model that you trained: choose its folder.")
        self._build()
        self.stack.changed.connect(self._refresh)
        self.positions.changed.connect(self._refresh)
        self.region.changed.connect(self._refresh)
        self._sized = QTimer(self)
        self._sized.setSingleShot(True)
        self._sized.timeout.connect(self.sized)
        for box in (self.stack.z_step, self.stack.medium, self.stack.pixel_size):
            box.valueChanged.connect(self._on_size)
        self.method.changed.connect(self._on_method)
        self.folder_button.clicked.connect(self._on_folder)
        self._refresh()
        self._on_method(self.method.value)
        Answer(models_and_devices, self).ready.connect(self._on_choices)
        news.written.connect(self.offer_model)

    def prefer(self, wanted: Preferences) -> None:
        """Begin with what the user prefers."""
        self.config.set_value(FusionConfig(preset=wanted.preset))
        self.offer_model(wanted.model)
        self.model.value = wanted.model

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        offer(self.model, name)

    def take(self) -> tuple[Source, dict[str, Any]]:
        """Freeze what is fused of one stack, and describe it."""
        source, region = self.region.cut(self.stack.take(), self.stack.axis)
        return source, self.describe(source) | ({"region": region} if region else {})

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes how a stack is fused when it is moved."""
        settings = (box for form in self.settings.values() for box in form.boxes.values())
        return [self.equalise, self.method, self.model, self.device, *settings]

    def problem(self) -> str | None:
        """Why what is shown cannot be fused; None if it can."""
        try:
            self.how()
        except FocusFuseError as error:
            return str(error)
        return self.stack.problem() or self.region.problem()

    def how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion."""
        method = METHODS[self.method.value]
        how: dict[str, Any] = {"method": method.name}
        if method.name in self.settings:
            how["config"] = self.settings[method.name].value()
        how |= {
            need: box.value for need, box in (("model", self.model), ("device", self.device)) if need in method.needs
        }
        return how | ({"equalise": True} if self.equalise.value and self.equalise.enabled else {})

    def describe(self, source: Source) -> dict[str, Any]:
        """Where a result comes from, in plain JSON types."""
        layer = self.stack.layer
        note = {
            **source.note(),
            "rgb": source.rgb,
            "in_file": {} if layer is None else in_file(layer),
            "taken": taken_of(layer),
            "aligned": aligned_from(layer),
            "z_step": self.stack.mean_step(),
            "pixel_size": self.stack.pixel_sizes(),
            "refractive_index": self.stack.refractive_index(),
            "method": self.method.value,
        }
        how = self.how()
        note |= {name: how[name] for name in ("config", "model", "equalise") if name in how}
        if "config" in note:
            note["config"] = asdict(note["config"])
        described: dict[str, Any] = plain(note)
        return described

    def _build(self) -> None:
        model = QHBoxLayout()
        model.addWidget(self.model.native, 1)
        model.addWidget(self.folder_button)
        self.about.setWordWrap(True)
        form = form_layout()
        form.addRow("Image layer", self.stack.layer_box.native)
        form.addRow("Stack axis", self.stack.axis_box.native)
        form.addRow("Slices", self.slices)
        form.addRow(self.hints)
        self.positions.add_to(form)
        form.addRow("Region", self.region.box.native)
        form.addRow("z-step", self.stack.z_step)
        form.addRow("Refractive index", self.stack.medium)
        form.addRow("Pixel size", self.stack.pixel_size)
        form.addRow(self.about)
        form.addRow(self.equalise.native)
        form.addRow("Method", self.method.native)
        form.addRow(settings_of(FusionConfig)["preset"].label, self.config.boxes["preset"].native)
        form.addRow("Model", model)
        form.addRow("Device", self.device.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.advanced)

    def _advanced(self) -> QFormLayout:
        """The settings of all methods, in rows; those of the chosen one are visible."""
        rows = form_layout()
        for form in self.settings.values():
            form.add_more(rows)
        return rows

    def _description(self) -> str:
        """What a run would fuse, in a few lines."""
        text = self.stack.description()
        if not self.positions.whole:
            return f"{text}\nOnly a region: {self.region.chosen}." if self.region.chosen else text
        all_of = str(self.positions.positions.current_choice).partition(": ")[2]
        return f"{text.partition(chr(10))[0]}\nat each position: {all_of}"

    def _refresh(self) -> None:
        self._recall()
        self.positions.read(self.stack.layer, self.stack.axis)
        with self.region.box.changed.blocked():
            self.region.offer(one_stack=not self.positions.whole)
        self.stack.offer_medium(one_stack=not self.positions.whole)
        self.equalise.enabled = not self.positions.whole
        self.hints.set_whole(self.positions.whole)
        self.about.setText(self.stack.problem() or self._description())
        self.about.setMinimumHeight(self.about.heightForWidth(_ABOUT))
        self.changed.emit()

    def _on_size(self, _value: float) -> None:
        if self.stack.layer is not None:
            z_step, height = self.stack.z_step.length(), self.stack.pixel_size.length()
            self._given[self.stack.layer] = self.stack.axis, z_step, height
        self._sized.start()

    def _recall(self) -> None:
        """Show the sizes that somebody has given for this stack before."""
        layer = self.stack.layer
        shown, self._shown = self._shown, "" if layer is None else str(layer.unique_id)
        if layer is None or shown == self._shown or layer not in self._given:
            return
        axis, z_step, height = self._given[layer]
        if axis == self.stack.axis:
            for box, length in ((self.stack.z_step, z_step), (self.stack.pixel_size, height)):
                with QSignalBlocker(box):
                    box.set_length(length)

    def _on_method(self, name: str) -> None:
        """Say what the method does, and leave only those settings on that it uses."""
        method = METHODS[name]
        self.positions.set_decides(method.decides)
        self.method.tooltip = f"{method.description}\n{method.citation}"
        self.config.boxes["preset"].enabled = method.config is FusionConfig
        self.model.enabled = "model" in method.needs
        self.device.enabled = "device" in method.needs
        self.folder_button.setEnabled("model" in method.needs)
        self.advanced.setEnabled(name in self.settings)
        for other, form in self.settings.items():
            form.set_visible(other == name)
        self.changed.emit()

    def _on_choices(self, choices: Choices) -> None:
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model")
        if folder:
            self.offer_model(folder)
            self.model.value = folder
