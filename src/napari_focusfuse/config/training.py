"""Settings of training."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from napari_focusfuse.config._checks import one_of, typed, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["ADAPTING", "Recipe", "SEVariant", "TrainConfig"]

Recipe = Literal["paper", "focus", "decide", "candidates"]
SEVariant = Literal["cse", "sse", "scse", "none"]

#: What `crops_per_image` = 0 means: at least so many, and so many batches in an epoch where there are few images.
_LEAST_CROPS, _LEAST_BATCHES = 2, 20


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

    variant: SEVariant = "cse"
    epochs: int = 30
    batch: int = 48
    crop: int = 64
    crops_per_image: int = 0
    learning_rate: float = 1e-3
    decay: float = 0.8
    decay_epochs: int = 2
    ssim_weight: float = 3.0
    clip: float = 0.0
    patience: int = 0
    minutes: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        typed(self)
        one_of("variant", self.variant, SEVariant)
        for name in ("epochs", "batch", "decay_epochs"):
            within(name, getattr(self, name), 1)
        within("crop", self.crop, 16)
        for name in ("crops_per_image", "ssim_weight", "clip", "patience", "minutes", "seed"):
            within(name, getattr(self, name), 0)
        for name, most in (("learning_rate", math.inf), ("decay", 1.0)):
            value = getattr(self, name)
            if not 0 < value <= most:
                limit = "" if math.isinf(most) else f" and at most {most:g}"
                raise FocusFuseError(f"{name} must be greater than 0{limit}, not {value}")

    def crops_of(self, images: int) -> int:
        """Crops drawn from each of so many images in an epoch."""
        return self.crops_per_image or max(_LEAST_CROPS, math.ceil(_LEAST_BATCHES * self.batch / images))


#: Going on from a trained model on a few images, in minutes on a CPU: small steps, short epochs.
ADAPTING = TrainConfig(epochs=20, batch=16, learning_rate=2e-4, decay_epochs=4, patience=6, minutes=3.0)
