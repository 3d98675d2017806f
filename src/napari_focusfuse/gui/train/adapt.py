"""Adapting a model: to which stack, from which model, where it is written, and what it has changed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import ADAPTATIONS, HAVING, AnyTrainConfig, Recipe
from napari_focusfuse.gui.common.form import Folded, form_layout, narrow
from napari_focusfuse.gui.common.preferences import Choices, device_box, name_of, offer_all
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.layers.result_parts import slice_colours
from napari_focusfuse.gui.layers.results import is_result, note_of, plain
from napari_focusfuse.gui.layers.source import KEY, Source
from napari_focusfuse.gui.train.form import ModelTarget
from napari_focusfuse.gui.train.recipe_form import RecipesForm

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer, ViewerModel

    from napari_focusfuse.api import Adaptation

__all__ = ["AdaptForm", "AdaptReport", "AdaptSetup", "show_decisions"]


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
        self.model = ComboBox(choices=["default"], tooltip="The model to start from; it is not changed.")
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
        return f"The model lacks the part that the recipe {recipe} trains: choose the recipe {own}, or another model."

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
        """The last part of a model is adapted: without a decoder it cannot learn to reconstruct slices."""
        self.recipe.kind.value = self._recipes.get(model, "paper")
        self.changed.emit()

    def _on_recipe(self, _recipe: Recipe) -> None:
        self.changed.emit()

    def _on_crop(self, _crop: int) -> None:
        self.changed.emit()


_NOTHING = "Adapt a model to a stack to see here what changed."


class AdaptReport(QWidget):
    """Before and after."""

    #: The decisions are to be shown as layers.
    requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.made: tuple[Adaptation, Source] | None = None
        self.text = PlainLabel(_NOTHING)
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_button = QPushButton("Show both decisions as layers")
        self.show_button.setEnabled(False)
        self.show_button.setToolTip("The slice of each pixel by either model, to compare with the eye icons.")
        row = QHBoxLayout()
        row.addWidget(self.show_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addLayout(row)
        self.show_button.clicked.connect(self._on_show)

    def show_adaptation(self, made: "Adaptation", source: Source) -> None:
        """Show what has changed."""
        self.made = made, source
        self.text.setText(_told(made))
        self.show_button.setEnabled(True)

    def _on_show(self) -> None:
        self.requested.emit()


def _told(made: "Adaptation") -> str:
    """The report."""
    focus = made.result.recipe != "paper"
    old, new = (_score(scores) for scores in made.scores)
    changed = f"Pixels from another slice than before: {100 * made.changed:.1f} %"
    lines = [
        f"{'Slices found' if focus else 'Reconstruction'}: {old} before, {new} after.",
        f"{changed}; from one that is not a neighbour: {100 * made.moved:.1f} %.",
    ]
    if made.result.kept:
        lines.append(
            "A better score does not mean a better decision map: look at the pixels that changed. "
            f"To go back, choose {made.model} when fusing; it was not changed."
        )
    else:
        lines.append(f"No {made.result.unit} was better than {made.model}: the adapted model is a copy of it.")
    return "\n\n".join(lines)


def _score(scores: dict[str, float]) -> str:
    """Of any recipe."""
    return f"{100 * scores['found']:.1f} %" if "found" in scores else f"{scores['psnr']:.1f} dB"


def show_decisions(viewer: "ViewerModel", made: "Adaptation", source: Source) -> None:
    """Show the slice of each pixel before and after as labels on the stack; those of an earlier run are updated."""
    names = made.model, name_of(made.result.folder)
    chosen = set(viewer.layers.selection)
    for name, index in zip(names, made.index, strict=True):
        _show(viewer, source, name, index)
    viewer.layers.selection = chosen


def _show(viewer: "ViewerModel", source: Source, model: str, index: Any) -> None:
    from napari.layers import Labels

    note = {
        "role": "comparison",
        "source": source.title,
        "source_id": source.layer_id,
        "position": source.position,
        "model": model,
    }
    data = (index + 1).astype(np.uint8 if source.slices < np.iinfo(np.uint8).max else np.uint16)
    same = [layer for layer in viewer.layers if is_result(layer) and _bare(layer) == plain(note)]
    if same:
        same[0].data = data
        return
    colours = slice_colours(source.slices)
    layer = Labels(data, name=f"{source.title} decision, {model}", colormap=colours, opacity=1, **source.place)
    layer.metadata = {KEY: {**plain(note), "layer_id": str(layer.unique_id)}}
    viewer.add_layer(layer)


def _bare(layer: "Layer") -> dict[str, Any]:
    return {key: value for key, value in note_of(layer).items() if key != "layer_id"}
