"""What a new model is trained on, how, and where it is written."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import ADAPTATIONS, HAVING, RECIPES, STARTS, AnyTrainConfig, Recipe
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.gui.common.form import Folded, form_layout, narrow
from napari_focusfuse.gui.common.preferences import Choices, device_box, offer_all, shown_path
from napari_focusfuse.gui.train.images import ImagesForm
from napari_focusfuse.gui.train.recipe_form import RecipesForm

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ModelTarget", "TrainForm", "TrainSetup"]


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
            text="Replace an existing model",
            tooltip="Replace an existing model of that name: it is lost as soon as the first epoch of the new one is "
            "done.",
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


#: Shown for no model to start from.
SCRATCH = ""
#: What is missing where a recipe needs a model to start from.
_WANTED: dict[Recipe, str] = {
    "decide": "A decision head needs a trained encoder: choose a model to start from.",
    "candidates": "A candidate head needs a model with a decision head: choose one to start from, or train one by the "
    "recipe decide.",
}


@dataclass(frozen=True, eq=False)
class TrainSetup:
    """A training, frozen when it starts: the arguments of `api.iter_train`."""

    title: str
    images: "list[Any] | Path"
    config: AnyTrainConfig
    out: Path
    options: dict[str, Any]


def _starts(models: list[str]) -> list[tuple[str, str]]:
    """What a training can start from, for people and for the API."""
    return [("random weights", SCRATCH), *((name, name) for name in models)]


class TrainForm(QWidget):
    """Images, recipe and target of a new model.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered.
    """

    #: Something was changed.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.images = ImagesForm(viewer)
        self.recipe = RecipesForm({recipe: config() for recipe, config in RECIPES.items()})
        self._choices = Choices(["default"], {}, [])
        self.start = ComboBox(
            choices=_starts(["default"]),
            tooltip="Starting from a model needs fewer epochs; a new model uses no other people's images.",
        )
        self.device = device_box()
        self.licence = QLineEdit()
        self.licence.setToolTip("Licence of the images, stored in the model card.")
        self.target = ModelTarget()
        self.more = Folded("More", self._more())
        self._build()
        for signal in (self.images.changed, self.target.changed):
            signal.connect(self.changed)
        self.start.changed.connect(self._on_start)
        for form in self.recipe.forms.values():
            form.boxes["crop"].changed.connect(self._on_crop)
        self.recipe.kind.changed.connect(self._on_recipe)
        self._on_recipe(self.recipe.recipe)

    def value(self) -> AnyTrainConfig:
        """The recipe shown."""
        return self.recipe.value()

    def set_value(self, config: AnyTrainConfig) -> None:
        """Show a recipe."""
        self.recipe.set_value(config)

    def problem(self) -> str | None:
        """Why nothing can be trained, in one sentence; None if it can."""
        wanted = _WANTED.get(self.recipe.recipe)
        if wanted is not None and self.start.value not in self._fitting():
            return wanted
        return self.images.problem(self.value().crop) or self.target.problem()

    def setup(self) -> TrainSetup:
        """Freeze what is shown."""
        chosen = self.images.value()
        options = {
            "start": self.start.value or None,
            "device": self.device.value,
            "overwrite": self.target.overwrite.value,
            "licence": self.licence.text().strip(),
        }
        return TrainSetup(chosen.title, chosen.images, self.value(), self.target.value(), options)

    def show_choices(self, choices: Choices) -> None:
        """Offer models to start from, and devices."""
        self._choices = choices
        offer_all(self.start, _starts(self._fitting()))
        offer_all(self.device, choices.devices)

    def reset_choices(self) -> None:
        """Offer the image layers there are, and propose a name."""
        self.images.reset_choices()
        self.target.propose("my model")

    def _more(self) -> Any:
        rows = self.recipe.more()
        rows.addRow("Licence of the images", self.licence)
        return rows

    def _build(self) -> None:
        form = form_layout()
        self.images.rows.insertRow(0, "Recipe", narrow(self.recipe.kind).native)
        form.addRow("Start from", narrow(self.start).native)
        self.recipe.add_main(form)
        form.addRow("Device", self.device.native)
        form.addRow("Name", self.target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.images)
        layout.addLayout(form)
        layout.addWidget(self.more)
        layout.addStretch()

    def _fitting(self) -> list[str]:
        """The models that the recipe can start from: that of the paper needs a decoder, edges need a decision head."""
        return [name for name in self._choices.models if self._recipe_of(name) in STARTS[self.recipe.recipe]]

    def _recipe_of(self, model: str) -> Recipe:
        return self._choices.recipes.get(model, "paper")

    def _on_recipe(self, recipe: Recipe) -> None:
        self.images.set_recipe(recipe)
        if self.start.value not in (SCRATCH, *self._fitting()):
            self.start.value = SCRATCH
        offer_all(self.start, _starts(self._fitting()))
        self._on_start(self.start.value)

    def _on_start(self, start: str) -> None:
        """A model keeps its variant, and smaller steps are proposed so that they do not spoil what it has learnt."""
        scratch, recipe = start == SCRATCH, self.recipe.recipe
        if "variant" in self.recipe.boxes:
            self.recipe.boxes["variant"].enabled = scratch
        proposed, other = RECIPES[recipe]().learning_rate, ADAPTATIONS[recipe].learning_rate
        if not scratch and self._recipe_of(start) in HAVING[recipe]:
            proposed, other = other, proposed
        if self.value().learning_rate == other:
            self.set_value(replace(self.value(), learning_rate=proposed))
        self.changed.emit()

    def _on_crop(self, _crop: int) -> None:
        self.changed.emit()
