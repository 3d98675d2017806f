"""How a stack is fused: method, preset, model, device, and the settings of the method behind "Advanced"."""

from typing import Any

from magicgui.widgets import ComboBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QPushButton, QWidget

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.methods import METHODS, Method
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
from napari_focusfuse.gui.common.worker import Answer
from napari_focusfuse.gui.fuse.config_form import ConfigForm

__all__ = ["MethodForm"]


class MethodForm(QObject):
    """A view of the method and its settings, as rows of a form.

    Parameters
    ----------
    parent : QWidget
        The form that gets the rows.

    Attributes
    ----------
    advanced : Folded
        Settings of the method, for below the rows.
    """

    #: Another method was chosen.
    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.config = ConfigForm()
        self.box = narrow(ComboBox(choices=[(method.title, method.name) for method in METHODS.values()]))
        self.model = narrow(ComboBox(choices=["default"], tooltip="The encoder whose features measure sharpness."))
        self.device = narrow(device_box())
        self.settings: dict[str, SettingsForm[Any]] = {
            method.name: self.config if method.config is FusionConfig else SettingsForm(method.config())
            for method in METHODS.values()
            if method.config is not None
        }
        self.advanced = Folded("Advanced", self._rows())
        self.folder_button = QPushButton("…")
        self.folder_button.setMaximumWidth(32)
        self.folder_button.setToolTip("Use a model that you trained: choose its folder.")
        self.box.changed.connect(self._on_method)
        self.folder_button.clicked.connect(self._on_folder)
        Answer(models_and_devices, self).ready.connect(self._on_choices)
        news.written.connect(self.offer_model)

    @property
    def method(self) -> Method:
        """The method that is chosen."""
        return METHODS[self.box.value]

    def add_to(self, form: QFormLayout) -> None:
        """Add the rows that everybody needs."""
        model = QHBoxLayout()
        model.addWidget(self.model.native, 1)
        model.addWidget(self.folder_button)
        form.addRow("Method", self.box.native)
        form.addRow(settings_of(FusionConfig)["preset"].label, self.config.boxes["preset"].native)
        form.addRow("Model", model)
        form.addRow("Device", self.device.native)
        self._refresh()

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
        settings = (box for form in self.settings.values() for box in form.boxes.values())
        return [self.box, self.model, self.device, *settings]

    def how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion.

        Raises
        ------
        FocusFuseError
            The settings do not fit together.
        """
        method = self.method
        how: dict[str, Any] = {"method": method.name}
        if method.name in self.settings:
            how["config"] = self.settings[method.name].value()
        return how | {
            need: box.value for need, box in (("model", self.model), ("device", self.device)) if need in method.needs
        }

    def _rows(self) -> QFormLayout:
        """The settings of all methods; those of the chosen one are visible."""
        rows = form_layout()
        for form in self.settings.values():
            form.add_more(rows)
        return rows

    def _on_method(self, _name: str) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        """Say what the method does, and leave only those settings on that it uses."""
        method = self.method
        self.box.tooltip = f"{method.description}\n{method.citation}"
        self.config.boxes["preset"].enabled = method.config is FusionConfig
        self.model.enabled = "model" in method.needs
        self.device.enabled = "device" in method.needs
        self.folder_button.setEnabled("model" in method.needs)
        self.advanced.setEnabled(method.name in self.settings)
        for other, form in self.settings.items():
            form.set_visible(other == method.name)

    def _on_choices(self, choices: Choices) -> None:
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, "Folder of a model")
        if folder:
            self.offer_model(folder)
            self.model.value = folder
