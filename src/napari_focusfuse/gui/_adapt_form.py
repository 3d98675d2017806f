"""Which stack a model is adapted to, which model, and where the adapted one is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_focusfuse.core.config import ADAPTATIONS, HAVING, AnyTrainConfig, Recipe
from napari_focusfuse.gui._form import Folded, form_layout, narrow
from napari_focusfuse.gui._model_target import ModelTarget
from napari_focusfuse.gui._models import Choices, device_box, offer_all
from napari_focusfuse.gui._recipe_form import RecipesForm
from napari_focusfuse.gui._source import Source
from napari_focusfuse.gui._stack_form import StackForm
from napari_focusfuse.gui._text import PlainLabel

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["AdaptForm", "AdaptSetup"]


@dataclass(frozen=True, eq=False)
class AdaptSetup:
    """An adaptation, frozen when it starts: the arguments of `api.iter_adapt`."""

    source: Source
    config: AnyTrainConfig
    out: Path
    options: dict[str, Any]


class AdaptForm(QWidget):
    """Stack, model and target of an adaptation.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered.
    """

    #: Something was changed.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.stack = StackForm(viewer, self)
        self.recipe = RecipesForm(ADAPTATIONS, hidden=("variant",))
        self._recipes: dict[str, Recipe] = {}
        self.model = ComboBox(choices=["default"], tooltip="The model to start from; it stays as it is.")
        self.device = device_box()
        self.about = PlainLabel()
        self.about.setWordWrap(True)
        self.target = ModelTarget()
        self._build()
        self.stack.changed.connect(self._on_stack)
        self.target.changed.connect(self.changed)
        for form in self.recipe.forms.values():
            form.boxes["crop"].changed.connect(self._on_crop)
        self.model.changed.connect(self._on_model)
        self.recipe.kind.changed.connect(self._on_recipe)
        self._on_stack()

    def value(self) -> AnyTrainConfig:
        """The recipe shown."""
        return self.recipe.value()

    def set_value(self, config: AnyTrainConfig) -> None:
        """Show a recipe."""
        self.recipe.set_value(config)

    def problem(self) -> str | None:
        """Why nothing can be adapted, in one sentence; None if it can."""
        return self.stack_problem() or self._model_problem() or self.target.problem()

    def stack_problem(self) -> str | None:
        """Why a model cannot be adapted to the stack."""
        problem = self.stack.problem()
        if problem is not None:
            return problem
        if self.recipe.recipe != "paper":
            return None
        source, crop = self.stack.take(), self.value().crop
        if min(n for i, n in enumerate(source.data.shape[:3]) if i != source.axis) < crop:
            return f"The slices are smaller than a crop of {crop} x {crop} px: choose a smaller crop under More."
        return None

    def _model_problem(self) -> str | None:
        """Why the recipe cannot adapt the model."""
        own, recipe = self._recipes.get(self.model.value, "paper"), self.recipe.recipe
        if own in HAVING[recipe]:
            return None
        return f"The model has nothing that the recipe {recipe} trains: choose the recipe {own}, or another model."

    def setup(self) -> AdaptSetup:
        """Freeze what is shown."""
        options = {
            "model": self.model.value,
            "device": self.device.value,
            "overwrite": self.target.overwrite.value,
        }
        return AdaptSetup(self.stack.take(), self.value(), self.target.value(), options)

    def show_choices(self, choices: Choices) -> None:
        """Offer models and devices."""
        self._recipes = choices.recipes
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)
        self._on_model(self.model.value)

    def reset_choices(self) -> None:
        """Offer the image layers there are."""
        self.stack.reset_choices()

    def propose(self) -> None:
        """Propose a name that is free."""
        if self.stack.layer is not None:
            self.target.propose(f"{self.stack.layer.name} adapted")

    def _build(self) -> None:
        form = form_layout()
        form.addRow("Image layer", narrow(self.stack.layer_box).native)
        form.addRow("Stack axis", narrow(self.stack.axis_box).native)
        form.addRow(self.about)
        form.addRow("Model", narrow(self.model).native)
        self.recipe.add_main(form)
        form.addRow("Device", self.device.native)
        form.addRow("Name", self.target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(form)
        layout.addWidget(Folded("More", self.recipe.more()))
        layout.addStretch()

    def _on_stack(self) -> None:
        self.propose()
        problem = self.stack.problem()
        self.about.setText(problem or self.stack.description(sizes=False))
        self.changed.emit()

    def _on_model(self, model: str) -> None:
        """Adapted is the last part of a model: what has no decoder cannot learn to give slices back."""
        self.recipe.kind.value = self._recipes.get(model, "paper")
        self.changed.emit()

    def _on_recipe(self, _recipe: Recipe) -> None:
        self.changed.emit()

    def _on_crop(self, _crop: int) -> None:
        self.changed.emit()
