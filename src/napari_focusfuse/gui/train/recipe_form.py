"""The recipe of a training as widgets: a view of the settings of all, of which one is shown."""

from collections.abc import Mapping
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QFormLayout

from napari_focusfuse.config import DEFAULT_RECIPE, AnyTrainConfig, Recipe
from napari_focusfuse.gui.common.form import SettingsForm, form_layout

__all__ = ["RecipesForm"]

_KINDS: list[tuple[str, Recipe]] = [
    ("paper: reconstruct images", "paper"),
    ("focus: rank slices", "focus"),
    ("decide: weight the scales", "decide"),
    ("candidates: coherent choice and weights", "candidates"),
]
_TIP = (
    "paper: encoder and decoder learn to reconstruct images, as in SESF-Fuse. Any images will do.\n"
    "focus: the encoder learns which slice of small simulated stacks is the sharpest, also under noise: "
    "the decision itself. Needs sharp images, or none.\n"
    "decide: a small head on a trained encoder learns which scale and window to trust where, from "
    "simulated scenes with known depth. Needs a model to start from, and sharp images or none.\n"
    "candidates: a second small head learns from such scenes which of two candidate depths of a pixel is "
    "right. Needs a model with a decision head to start from, and sharp images or none."
)


class RecipesForm:
    """A view of the settings of all recipes, of which one is shown.

    Parameters
    ----------
    configs : mapping
        Settings by the name of their recipe, shown first.
    hidden : sequence of str
        Settings that are kept as they are.
    """

    def __init__(self, configs: Mapping[Recipe, AnyTrainConfig], hidden: tuple[str, ...] = ()) -> None:
        self.forms = {recipe: SettingsForm(config, hidden) for recipe, config in configs.items()}
        self.kind = ComboBox(choices=_KINDS, value=DEFAULT_RECIPE, tooltip=_TIP)
        self.kind.changed.connect(self._on_kind)

    @property
    def recipe(self) -> Recipe:
        """The recipe shown."""
        recipe: Recipe = self.kind.value
        return recipe

    @property
    def boxes(self) -> dict[str, Any]:
        """Boxes of the recipe shown, by the name of the setting."""
        return self.forms[self.recipe].boxes

    def value(self) -> AnyTrainConfig:
        """The settings shown."""
        return self.forms[self.recipe].value()

    def set_value(self, config: AnyTrainConfig) -> None:
        """Show settings, and their recipe."""
        self.kind.value = config.recipe
        self.forms[config.recipe].set_value(config)

    def add_main(self, form: QFormLayout) -> None:
        """Add the rows that everybody needs."""
        for each in self.forms.values():
            each.add_main(form)
        self._on_kind(self.recipe)

    def more(self) -> QFormLayout:
        """The other rows."""
        form = form_layout()
        for each in self.forms.values():
            each.add_more(form)
        self._on_kind(self.recipe)
        return form

    def _on_kind(self, recipe: Recipe) -> None:
        for name, form in self.forms.items():
            form.set_visible(name == recipe)
