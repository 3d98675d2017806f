"""Settings of training."""

from dataclasses import dataclass
from typing import Literal

from napari_focusfuse.core.config._checks import one_of, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["SEVariant", "TrainConfig"]

SEVariant = Literal["cse", "sse", "scse", "none"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train (paper, Sect. 4.1).

    Attributes
    ----------
    variant : {"cse", "sse", "scse", "none"}
        Squeeze-and-excitation of the encoder.
    epochs : int
        Times that every image is used.
    batch : int
        Crops in a batch.
    crop : int
        Side of the training crops, px, taken at native resolution. (The paper squashes whole images to 256 x 256.)
    crops_per_image : int
        Crops drawn from each image in an epoch.
    learning_rate : float
        Of Adam, at the start. The paper's 1e-4 goes with its 1,725 steps an epoch; our epochs are shorter.
    decay : float
        What the learning rate is multiplied by from time to time.
    decay_epochs : int
        Epochs between two such steps.
    ssim_weight : float
        lambda of Eq. 1.
    seed : int
        Seed of the weights and the crops.
    """

    variant: SEVariant = "cse"
    epochs: int = 30
    batch: int = 48
    crop: int = 64
    crops_per_image: int = 2
    learning_rate: float = 1e-3
    decay: float = 0.8
    decay_epochs: int = 2
    ssim_weight: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("variant", self.variant, SEVariant)
        for name in ("epochs", "batch", "crops_per_image", "decay_epochs"):
            within(name, getattr(self, name), 1)
        within("crop", self.crop, 16)
        if not self.learning_rate > 0:
            raise FocusFuseError(f"learning_rate must be greater than 0, not {self.learning_rate}")
