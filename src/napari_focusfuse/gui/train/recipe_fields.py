"""Labels and trade-offs of the settings of each recipe."""

from dataclasses import dataclass, replace
from typing import Any, get_args

from magicgui.widgets import ComboBox, FloatSpinBox, SpinBox

from napari_focusfuse.config import CandidateConfig, DecideConfig, Recipe, SEVariant

__all__ = ["FIELDS", "Field"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A setting as a row.

    Attributes
    ----------
    label, tip : str
    choices : tuple
        What it may be, where it is chosen.
    least, most : int or float
        Otherwise; whole numbers make a setting whole.
    step : float
    digits : int
        Shown behind the point.
    zero : str
        Shown for 0.
    main : bool
        Whether everybody needs it.
    """

    label: str
    tip: str
    choices: tuple[Any, ...] = ()
    least: float = 0
    most: float = 0
    step: float = 1.0
    digits: int = 0
    zero: str = ""
    suffix: str = ""
    main: bool = False

    def box(self) -> Any:
        """A box for it."""
        if self.choices:
            shown = [(each if isinstance(each, str) else f"{each:g}", each) for each in self.choices]
            return ComboBox(choices=shown, tooltip=self.tip)
        if not self.digits:
            return SpinBox(min=int(self.least), max=int(self.most), tooltip=self.tip)
        box = FloatSpinBox(min=self.least, max=self.most, step=self.step, tooltip=self.tip)
        box.native.setDecimals(self.digits)
        box.native.setSpecialValueText(self.zero)
        box.native.setSuffix(self.suffix)
        return box


_MINUTES = Field(
    label="Time budget",
    tip="Stop after this time; pauses are not counted. Shorter runs finish earlier but may underfit.\n"
    "No limit: the whole training is run.",
    most=1e4,
    digits=1,
    zero="no limit",
    suffix=" min",
    main=True,
)
_CROP = Field(
    label="Crop (px)",
    tip="Side of the training crops; smaller images are left out.\nLarger: more context, and more time per step.",
    least=16,
    most=512,
)
_RATE = Field(
    label="Learning rate",
    tip="Size of the first steps. Larger values learn faster; too large a value diverges.",
    choices=(1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3),
)
_PATIENCE = Field(
    label="Patience (epochs)",
    tip="Stop when validation has not improved for this long. Less: saves time, and may miss a late gain.\n0: never.",
    most=1000,
)
_SEED = Field(
    label="Seed",
    tip="Random seed of the initial weights and the crops.",
    most=2**31 - 1,
)

_PAPER = {
    "variant": Field(
        label="Attention",
        tip="Squeeze-and-excitation of the encoder: cse weights channels, sse pixels, scse both.\n"
        "A training that starts from a model keeps that model's. None is a little faster.",
        choices=get_args(SEVariant),
        main=True,
    ),
    "epochs": Field(
        label="Epochs",
        tip="How often every image is used. More: a better fit, and a longer training.",
        least=1,
        most=10_000,
        main=True,
    ),
    "minutes": _MINUTES,
    "batch": Field(
        label="Crops in a batch", tip="More: smoother and fewer steps, and more memory.", least=1, most=1024
    ),
    "crop": _CROP,
    "crops_per_image": Field(
        label="Crops per image",
        tip="Crops drawn from each image per epoch. More: longer epochs, so validation is less frequent.\n"
        "0: two, and more where there are few images.",
        most=10_000,
    ),
    "learning_rate": _RATE,
    "decay": Field(
        label="Rate decay",
        tip="Factor by which the learning rate is multiplied. Smaller: converges sooner, perhaps too soon.",
        least=0.01,
        most=1.0,
        step=0.05,
        digits=2,
    ),
    "decay_epochs": Field(
        label="Decay every (epochs)",
        tip="More: large steps for longer, which learn more and converge later.",
        least=1,
        most=1000,
    ),
    "ssim_weight": Field(
        label="Structure weight",
        tip="Weight of structure (SSIM) relative to the difference of grey values.\n"
        "Larger: edges matter more than brightness.",
        most=100.0,
        step=0.5,
        digits=1,
    ),
    "clip": Field(
        label="Gradient clipping",
        tip="Longer gradients are clipped to this length.\n"
        "Smaller: outlier steps do less harm, and all steps learn less.",
        most=1e3,
        digits=1,
        zero="any",
    ),
    "patience": _PATIENCE,
    "seed": _SEED,
}
_FOCUS = {
    "steps": Field(
        label="Steps",
        tip="Number of batches. More: a better fit, and a longer training.\n"
        "The learning rate falls with them: a training that is stopped early has not converged.",
        least=1,
        most=1_000_000,
        main=True,
    ),
    "minutes": _MINUTES,
    "stacks": Field(
        label="Stacks in a batch", tip="More: smoother steps, and more time and memory for each.", least=1, most=64
    ),
    "crop": replace(
        _CROP,
        tip="Side of the small stacks; smaller images are extended by their mirror image.\n"
        "Larger: more to learn from per step, and more time per step.",
    ),
    "procedural": Field(
        label="Computed textures",
        tip="Share of stacks with a computed texture instead of one from the images.\n"
        "More: works better on other kinds of images, and less well on yours.",
        most=1.0,
        step=0.1,
        digits=2,
    ),
    "learning_rate": replace(
        _RATE,
        tip="Size of the largest steps. Larger values learn faster; too large a value diverges.",
        choices=(1e-4, 3e-4, 5e-4, 1e-3, 1.5e-3, 3e-3),
    ),
    "validate_every": Field(
        label="Validate every (steps)",
        tip="More: less time for validation; the best model is kept less often.",
        least=1,
        most=100_000,
    ),
    "patience": replace(_PATIENCE, label="Patience (validations)"),
    "seed": replace(_SEED, tip="Random seed of the training."),
}

_DECIDE = {
    **_FOCUS,
    "stacks": replace(_FOCUS["stacks"], label="Parts in a batch"),
    "crop": replace(
        _CROP,
        least=48,
        most=DecideConfig.scene_side,
        tip="Side of the parts of scenes. Larger: more to learn from per step, and slower.",
    ),
    "scene_steps": Field(
        label="New scene every (steps)",
        tip="Simulating a scene takes as long as some steps. More: faster, with fewer scenes.",
        least=1,
        most=1000,
    ),
}

_EDGES = {**_DECIDE, "crop": replace(_DECIDE["crop"], most=CandidateConfig.scene_side)}

#: Rows by the name of the setting.
FIELDS: dict[Recipe, dict[str, Field]] = {"paper": _PAPER, "focus": _FOCUS, "decide": _DECIDE, "candidates": _EDGES}
