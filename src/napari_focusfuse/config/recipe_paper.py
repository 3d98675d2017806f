"""Settings of training by the recipe of the paper, and what the recipes have in common."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from napari_focusfuse.config.setting import Setting, check

__all__ = ["ADAPTING", "CROP", "MINUTES", "PATIENCE", "RATE", "SEED", "Recipe", "SEVariant", "TrainConfig"]

Recipe = Literal["paper", "focus", "decide", "candidates"]
SEVariant = Literal["cse", "sse", "scse", "none"]

#: What `crops_per_image` = 0 means: at least so many, and so many batches in an epoch where there are few images.
_LEAST_CROPS, _LEAST_BATCHES = 2, 20

MINUTES = Setting(
    label="Time budget",
    unit="min",
    tip=(
        "Stop after this time; pauses are not counted. Shorter runs finish earlier but may underfit.\n"
        "No limit: the whole training is run."
    ),
    least=0,
    digits=1,
    zero="no limit",
    main=True,
)
CROP = Setting(
    label="Crop",
    unit="px",
    tip=("Side of the training crops; smaller images are left out.\nLarger: more context, and more time per step."),
    least=16,
)
RATE = Setting(
    label="Learning rate",
    tip=("Size of the first steps. Larger values learn faster; too large a value diverges."),
    above=0,
    offered=tuple((f"{rate:g}", rate) for rate in (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3)),
)
PATIENCE = Setting(
    label="Patience",
    unit="epochs",
    tip=("Stop when validation has not improved for this long. Less: saves time, and may miss a late gain.\n0: never."),
    least=0,
)
SEED = Setting(
    label="Seed",
    tip=("Random seed of the initial weights and the crops."),
    least=0,
)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train (paper, Sect. 4.1).

    Attributes
    ----------
    variant : {"cse", "sse", "scse", "none"}
        Squeeze-and-excitation of the encoder. A training that starts from a model keeps that model's.
    epochs : int
        Times that every image is used.
    batch : int
        Crops in a batch.
    crop : int
        Side of the training crops, px, taken at native resolution. (The paper squashes whole images to 256 x 256.)
    crops_per_image : int
        Crops drawn from each image in an epoch. 0: two, and more where the images are few, so that an epoch has twenty
        batches.
    learning_rate : float
        Of Adam, at the start. The paper's 1e-4 goes with its 1,725 steps an epoch; our epochs are shorter.
    decay : float
        What the learning rate is multiplied by from time to time.
    decay_epochs : int
        Epochs between two such steps.
    ssim_weight : float
        lambda of Eq. 1.
    clip : float
        Gradients longer than this are shortened to it. 0: never.
    patience : int
        Stop when the validation loss has not got better for so many epochs. 0: never.
    minutes : float
        Stop after so much time spent in training, also in the middle of an epoch. 0: no limit.
    seed : int
        Seed of the weights and the crops.
    """

    #: Name of the recipe.
    recipe: ClassVar[Recipe] = "paper"

    variant: Annotated[
        SEVariant,
        Setting(
            label="Attention",
            tip=(
                "Squeeze-and-excitation of the encoder: cse weights channels, sse pixels, scse both.\n"
                "A training that starts from a model keeps that model's. None is a little faster."
            ),
            main=True,
        ),
    ] = "cse"
    epochs: Annotated[
        int,
        Setting(
            label="Epochs",
            tip=("How often every image is used. More: a better fit, and a longer training."),
            least=1,
            main=True,
        ),
    ] = 30
    batch: Annotated[
        int,
        Setting(label="Crops in a batch", tip=("More: smoother and fewer steps, and more memory."), least=1),
    ] = 48
    crop: Annotated[int, CROP] = 64
    crops_per_image: Annotated[
        int,
        Setting(
            label="Crops per image",
            tip=(
                "Crops drawn from each image per epoch. More: longer epochs, so validation is less frequent.\n"
                "0: two, and more where there are few images."
            ),
            least=0,
        ),
    ] = 0
    learning_rate: Annotated[float, RATE] = 1e-3
    decay: Annotated[
        float,
        Setting(
            label="Rate decay",
            tip=("Factor by which the learning rate is multiplied. Smaller: converges sooner, perhaps too soon."),
            above=0,
            most=1,
            step=0.05,
            digits=2,
        ),
    ] = 0.8
    decay_epochs: Annotated[
        int,
        Setting(
            label="Decay every",
            unit="epochs",
            tip=("More: large steps for longer, which learn more and converge later."),
            least=1,
        ),
    ] = 2
    ssim_weight: Annotated[
        float,
        Setting(
            label="Structure weight",
            tip=(
                "Weight of structure (SSIM) relative to the difference of grey values.\n"
                "Larger: edges matter more than brightness."
            ),
            least=0,
            step=0.5,
            digits=1,
        ),
    ] = 3.0
    clip: Annotated[
        float,
        Setting(
            label=("Gradient clipping"),
            tip=(
                "Longer gradients are clipped to this length.\n"
                "Smaller: outlier steps do less harm, and all steps learn less."
            ),
            least=0,
            digits=1,
            zero="any",
        ),
    ] = 0.0
    patience: Annotated[int, PATIENCE] = 0
    minutes: Annotated[float, MINUTES] = 0.0
    seed: Annotated[int, SEED] = 0

    def __post_init__(self) -> None:
        check(self)

    def crops_of(self, images: int) -> int:
        """Crops drawn from each of so many images in an epoch."""
        return self.crops_per_image or max(_LEAST_CROPS, math.ceil(_LEAST_BATCHES * self.batch / images))


#: Going on from a trained model on a few images, in minutes on a CPU: small steps, short epochs.
ADAPTING = TrainConfig(epochs=20, batch=16, learning_rate=2e-4, decay_epochs=4, patience=6, minutes=3.0)
