"""The recipe of a training as widgets: a view of `TrainConfig`."""

from dataclasses import fields, replace
from typing import Any, get_args

from magicgui.widgets import ComboBox, FloatSpinBox, SpinBox
from qtpy.QtWidgets import QFormLayout

from napari_focusfuse.core.config import SEVariant, TrainConfig
from napari_focusfuse.gui._form import form_layout

__all__ = ["RecipeForm"]

_RATES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3]
_DIGITS = {"minutes": 1, "decay": 2, "ssim_weight": 1, "clip": 1}
_LABELS = {
    "variant": "Attention",
    "epochs": "Epochs",
    "minutes": "Time budget",
    "batch": "Crops in a batch",
    "crop": "Crop (px)",
    "crops_per_image": "Crops per image",
    "learning_rate": "Learning rate",
    "decay": "Rate decay",
    "decay_epochs": "Decay every (epochs)",
    "ssim_weight": "Structure weight",
    "clip": "Longest gradient",
    "patience": "Patience (epochs)",
    "seed": "Seed",
}
_TIPS = {
    "variant": "Squeeze-and-excitation of the encoder: cse weighs channels, sse pixels, scse both.\n"
    "A training that starts from a model keeps that model's. None is a little faster.",
    "epochs": "Times that every image is used. More: closer to what can be learnt, and longer.",
    "minutes": "Stop after so much time, pauses not counted. Less: done sooner, learnt less.\n"
    "No limit: all epochs are trained.",
    "batch": "More: steadier steps, fewer of them, and more memory.",
    "crop": "Side of the training crops; smaller images are left out.\nLarger: more context, and more time a step.",
    "crops_per_image": "Drawn from each image in an epoch. More: longer epochs, so it is validated more rarely.\n"
    "0: two, and more where there are few images.",
    "learning_rate": "Length of the first steps. Larger: learns faster, until it no longer learns at all.",
    "decay": "What the learning rate is multiplied by. Smaller: settles sooner, perhaps too soon.",
    "decay_epochs": "More: large steps for longer, which learn more and settle later.",
    "ssim_weight": "What structure (SSIM) counts against the difference of grey values.\n"
    "Larger: edges matter more than brightness.",
    "clip": "Longer gradients are shortened to this.\nSmaller: wild steps do less harm, and all steps learn less.",
    "patience": "Stop when nothing has got better for so long. Less: saves time, and may miss a late gain.\n0: never.",
    "seed": "Of the first weights and the crops. Another one: another model, about as good.",
}
_MAIN = ("variant", "epochs", "minutes")
#: Shown for 0.
_UNLIMITED = {"minutes": "no limit", "clip": "any"}


#: Least and most.
_WHOLE = {
    "epochs": (1, 10_000),
    "batch": (1, 1024),
    "crop": (16, 512),
    "crops_per_image": (0, 10_000),
    "decay_epochs": (1, 1000),
    "patience": (0, 1000),
    "seed": (0, 2**31 - 1),
}
#: Least, most, and step.
_REAL = {
    "minutes": (0.0, 1e4, 1.0),
    "decay": (0.01, 1.0, 0.05),
    "ssim_weight": (0.0, 100.0, 0.5),
    "clip": (0.0, 1e3, 1.0),
}


def _box(name: str) -> Any:
    tip = _TIPS[name]
    if name == "variant":
        return ComboBox(choices=get_args(SEVariant), tooltip=tip)
    if name == "learning_rate":
        return ComboBox(choices=[(f"{rate:g}", rate) for rate in _RATES], tooltip=tip)
    box: Any
    if name in _WHOLE:
        low, high = _WHOLE[name]
        box = SpinBox(min=low, max=high, tooltip=tip)
    else:
        least, most, step = _REAL[name]
        box = FloatSpinBox(min=least, max=most, step=step, tooltip=tip)
        box.native.setDecimals(_DIGITS[name])
        box.native.setSpecialValueText(_UNLIMITED.get(name, ""))
    if name == "minutes":
        box.native.setSuffix(" min")
    return box


class RecipeForm:
    """A view of a `TrainConfig`.

    Parameters
    ----------
    config : TrainConfig
        Shown first.
    hidden : sequence of str
        Settings that are kept as they are.
    """

    def __init__(self, config: TrainConfig, hidden: tuple[str, ...] = ()) -> None:
        self._base = config
        self.boxes = {name: _box(name) for name in _LABELS if name not in hidden}
        self.set_value(config)

    def value(self) -> TrainConfig:
        """The recipe shown."""
        return replace(self._base, **{name: self._value(name) for name in self.boxes})

    def set_value(self, config: TrainConfig) -> None:
        """Show a recipe."""
        self._base = config
        for name in (field.name for field in fields(config) if field.name in self.boxes):
            box, value = self.boxes[name], getattr(config, name)
            if name == "learning_rate" and value not in box.choices:
                box.set_choice(f"{value:g}", value)
            box.value = value

    def add_main(self, form: QFormLayout) -> None:
        """Add the rows that everybody needs."""
        self._add(form, [name for name in self.boxes if name in _MAIN])

    def more(self) -> QFormLayout:
        """The other rows."""
        form = form_layout()
        self._add(form, [name for name in self.boxes if name not in _MAIN])
        return form

    def _value(self, name: str) -> Any:
        """A setting; what a box can only show rounded stays as it is until it is changed."""
        kept, shown = getattr(self._base, name), self.boxes[name].value
        return kept if name in _DIGITS and shown == round(kept, _DIGITS[name]) else shown

    def _add(self, form: QFormLayout, names: list[str]) -> None:
        for name in names:
            form.addRow(_LABELS[name], self.boxes[name].native)
