"""Where a model is written: its name, the folder it lies in, and whether one of that name may be replaced."""

from pathlib import Path

from magicgui.widgets import CheckBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.models import shown_path

__all__ = ["ModelTarget"]


class ModelTarget(QWidget):
    """Name and folder of a model to write."""

    #: Another target than before.
    changed = Signal()

    def __init__(self) -> None:
        from napari_focusfuse import api

        super().__init__()
        self._parent_folder = api.models_folder()
        self._proposed = ""
        self.name = QLineEdit()
        self.name.setToolTip("The fusion widget offers the model by this name.")
        self.browse = QPushButton("…")
        self.browse.setToolTip("Choose the folder that the model is written to.")
        self.browse.setMaximumWidth(32)
        self.overwrite = CheckBox(
            text="Replace an older one",
            tooltip="If there is a model of that name: it is lost as soon as the first epoch of the new one is done.",
        )
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.overwrite.native)
        self.name.textChanged.connect(self.changed)
        self.overwrite.changed.connect(self._on_overwrite)
        self.browse.clicked.connect(self._on_browse)
        self.set_parent_folder(self._parent_folder)

    def value(self) -> Path:
        """Folder of the model."""
        return self._parent_folder / self.name.text().strip()

    def set_parent_folder(self, folder: Path) -> None:
        """Have the model written to another place than the user's own models."""
        self._parent_folder = folder
        self.browse.setToolTip(
            f"The model is written to a folder of that name in {shown_path(folder)}; choose another place."
        )
        self.changed.emit()

    def propose(self, name: str) -> None:
        """Propose a name that is free, unless one was typed."""
        if self.name.text() not in ("", self._proposed):
            return
        base = "".join("-" if sign in '<>:"/\\|?*' else sign for sign in name).strip(" .") or "my model"
        number, proposed = 2, base
        while self._problem(proposed):
            if number > 99:
                break
            number, proposed = number + 1, f"{base} {number}"
        self._proposed = proposed
        self.name.setText(proposed)

    def problem(self) -> str | None:
        """Why nothing can be written there, in one sentence; None if it seems to be possible."""
        if not self.name.text().strip():
            return "Give the model a name."
        return self._problem(self.name.text().strip(), overwrite=self.overwrite.value)

    def _problem(self, name: str, *, overwrite: bool = False) -> str | None:
        """Why a model cannot be written there by that name."""
        from napari_focusfuse import api

        try:
            api.check_model_target(name, self._parent_folder, overwrite=overwrite)
        except FocusFuseError as error:
            text = str(error)
            return f"{text[0].upper()}{text[1:]}."
        return None

    def _on_overwrite(self, _on: bool) -> None:
        self.changed.emit()

    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Where to put the model's folder", str(self._parent_folder))
        if folder:
            self.set_parent_folder(Path(folder))
