"""Which stack a model is adapted to, which model, and where the adapted one is written."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_focusfuse.core.config import ADAPTING, TrainConfig
from napari_focusfuse.gui._form import Folded, form_layout, narrow
from napari_focusfuse.gui._model_target import ModelTarget
from napari_focusfuse.gui._models import offer_all
from napari_focusfuse.gui._recipe_form import RecipeForm
from napari_focusfuse.gui._source import Source
from napari_focusfuse.gui._stack_form import StackForm

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["AdaptForm", "AdaptSetup"]


@dataclass(frozen=True, eq=False)
class AdaptSetup:
    """An adaptation, frozen when it starts: the arguments of `api.iter_adapt`."""

    source: Source
    config: TrainConfig
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
        self.recipe = RecipeForm(ADAPTING, hidden=("variant",))
        self.model = ComboBox(choices=["default"], tooltip="The model to start from; it stays as it is.")
        self.device = ComboBox(choices=["auto", "cpu"], tooltip="Where to compute; auto takes a GPU if there is one.")
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.target = ModelTarget()
        self._build()
        self.stack.changed.connect(self._on_stack)
        self.target.changed.connect(self.changed)
        self.recipe.boxes["crop"].changed.connect(self._on_crop)
        self._on_stack()

    def value(self) -> TrainConfig:
        """The recipe shown."""
        return self.recipe.value()

    def set_value(self, config: TrainConfig) -> None:
        """Show a recipe."""
        self.recipe.set_value(config)

    def problem(self) -> str | None:
        """Why nothing can be adapted, in one sentence; None if it can."""
        return self.stack_problem() or self.target.problem()

    def stack_problem(self) -> str | None:
        """Why a model cannot be adapted to the stack."""
        problem = self.stack.problem()
        if problem is not None:
            return problem
        source, crop = self.stack.take(), self.value().crop
        if min(n for i, n in enumerate(source.data.shape[:3]) if i != source.axis) < crop:
            return f"The slices are smaller than a crop of {crop} x {crop} px: choose a smaller crop under More."
        return None

    def setup(self) -> AdaptSetup:
        """Freeze what is shown."""
        options = {
            "model": self.model.value,
            "device": self.device.value,
            "overwrite": self.target.overwrite.value,
        }
        return AdaptSetup(self.stack.take(), self.value(), self.target.value(), options)

    def show_choices(self, models: list[str], devices: list[str]) -> None:
        """Offer models and devices."""
        offer_all(self.model, models)
        offer_all(self.device, devices)

    def reset_choices(self) -> None:
        """Offer the image layers there are."""
        self.stack.reset_choices()

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
        layer = self.stack.layer
        if layer is not None:
            self.target.propose(f"{layer.name} adapted")
        problem = self.stack.problem()
        self.about.setText(problem or self.stack.description())
        self.changed.emit()

    def _on_crop(self, _crop: int) -> None:
        self.changed.emit()
