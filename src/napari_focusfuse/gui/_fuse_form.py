"""The form of the fusion widget: which stack, where in it, and how it is fused."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.core.config import FusionConfig
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.gui._aligned import aligned_from
from napari_focusfuse.gui._form import ConfigForm, Folded, form_layout, narrow
from napari_focusfuse.gui._layers import plain
from napari_focusfuse.gui._models import Choices, device_box, models_and_devices, news, offer, offer_all
from napari_focusfuse.gui._position_form import PositionForm
from napari_focusfuse.gui._preferences import Preferences
from napari_focusfuse.gui._some_slices import SliceRow, taken_of
from napari_focusfuse.gui._source import Source, in_file
from napari_focusfuse.gui._stack_form import StackForm
from napari_focusfuse.gui._text import PlainLabel
from napari_focusfuse.gui._worker import Answer

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["FuseForm"]

_EQUALISE = (
    "Multiply each slice by one factor before fusing, so that all are equally bright.\n"
    "For a lamp that flickers or fades; not for optical sections. Not where all positions are fused."
)


class FuseForm(QWidget):
    """A view of the stack, the method and its `FusionConfig`.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    """

    #: What would be fused is another than before.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.stack = StackForm(viewer, self)
        self.slices = SliceRow(viewer, self.stack)
        self.positions = PositionForm(self)
        self.equalise = CheckBox(text="Bring slices to one brightness", tooltip=_EQUALISE)
        self.config = ConfigForm()
        self.method = narrow(ComboBox(choices=[(method.title, method.name) for method in METHODS.values()]))
        self.model = narrow(ComboBox(choices=["default"], tooltip="The encoder whose features measure sharpness."))
        self.device = narrow(device_box())
        self.about = PlainLabel()
        self.advanced = Folded("Advanced", self.config.advanced())
        self.folder_button = QPushButton("…")
        self.folder_button.setMaximumWidth(32)
        self.folder_button.setToolTip("Use a model that you trained: choose its folder.")
        self._build()
        self.stack.changed.connect(self._refresh)
        self.positions.changed.connect(self._refresh)
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

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes how a stack is fused when it is moved."""
        return [self.equalise, self.method, self.model, self.device, *self.config.knobs()]

    def how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion."""
        how: dict[str, Any] = {"method": self.method.value}
        if METHODS[self.method.value].deep:
            how |= {"config": self.config.value(), "model": self.model.value, "device": self.device.value}
        return how | ({"equalise": True} if self.equalise.value and self.equalise.enabled else {})

    def describe(self, source: Source) -> dict[str, Any]:
        """Where a result comes from, in plain JSON types."""
        layer = self.stack.layer
        note = {
            "source": source.title,
            "source_id": source.layer_id,
            "inputs": source.inputs,
            "axis": source.label,
            "rgb": source.rgb,
            "position": source.position,
            "slices": source.slices,
            "in_file": {} if layer is None else in_file(layer),
            "taken": taken_of(layer),
            "aligned": aligned_from(layer),
            "z_step": self.stack.mean_step(),
            "pixel_size": self.stack.pixel_sizes(),
            "refractive_index": self.stack.refractive_index(),
            "method": self.method.value,
        }
        if METHODS[self.method.value].deep:
            note |= {"config": asdict(self.config.value()), "model": self.model.value}
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
        self.positions.add_to(form)
        form.addRow("z-step", self.stack.z_step)
        form.addRow("Refractive index", self.stack.medium)
        form.addRow("Pixel size", self.stack.pixel_size)
        form.addRow(self.about)
        form.addRow(self.equalise.native)
        form.addRow("Method", self.method.native)
        form.addRow("Preset", self.config.preset.native)
        form.addRow("Model", model)
        form.addRow("Device", self.device.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.advanced)

    def _description(self) -> str:
        """What a run would fuse, in a few lines."""
        text = self.stack.description()
        if not self.positions.whole:
            return text
        all_of = str(self.positions.positions.current_choice).partition(": ")[2]
        return f"{text.partition(chr(10))[0]}\nat each position: {all_of}"

    def _refresh(self) -> None:
        self.positions.read(self.stack.layer, self.stack.axis)
        self.stack.offer_medium(one_stack=not self.positions.whole)
        self.equalise.enabled = not self.positions.whole
        self.about.setText(self.stack.problem() or self._description())
        self.changed.emit()

    def _on_method(self, name: str) -> None:
        """Say what the method does, and leave only those settings on that it uses."""
        method = METHODS[name]
        self.positions.set_decides(method.decides)
        self.method.tooltip = f"{method.description}\n{method.citation}"
        for box in (self.config.preset, self.model, self.device):
            box.enabled = method.deep
        for part in (self.folder_button, self.advanced):
            part.setEnabled(method.deep)

    def _on_choices(self, choices: Choices) -> None:
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model")
        if folder:
            self.offer_model(folder)
            self.model.value = folder
