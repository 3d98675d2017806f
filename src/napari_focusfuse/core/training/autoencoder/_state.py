"""Where a training stands, and what it reports."""

import math
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.training import LearningReport, LearningState
from napari_focusfuse.core.training.autoencoder._validation import Example

__all__ = ["EpochLog", "TrainReport", "TrainState", "best_network"]


class EpochLog(NamedTuple):
    """Mean losses of one epoch (Eq. 1-3) on training and validation images, and the reconstruction's PSNR in dB.

    The norm of Eq. 2 runs over a batch, so that L grows with it; ``train_crop`` and ``val_crop`` are L for batches of
    one crop (`crop_loss`), which can be compared.
    """

    epoch: int
    learning_rate: float
    train_total: float
    train_pixel: float
    train_ssim: float
    val_total: float
    val_pixel: float
    val_ssim: float
    val_psnr: float
    seconds: float
    train_crop: float = math.nan
    val_crop: float = math.nan

    @property
    def at(self) -> int:
        """The epoch."""
        return self.epoch

    @property
    def loss(self) -> float:
        """Validation loss."""
        return self.val_total

    @property
    def curve(self) -> float:
        """Validation loss for batches of one crop."""
        return self.val_crop

    @property
    def score(self) -> str:
        """How well images are reconstructed."""
        return f"{self.val_psnr:.1f} dB"

    @property
    def told(self) -> str:
        """Losses and score, for people."""
        return f"loss {self.train_total:.4g}, validation {self.val_total:.4g} ({self.score})"


@dataclass
class TrainState(LearningState[EpochLog]):
    """Where training stands after an epoch.

    Attributes
    ----------
    network : SESFNet
        As it is now.
    config : TrainConfig
        The recipe it was trained with.
    example : Example or None
        A validation image as the network gives it back after the latest epoch.
    """

    network: SESFNet
    config: TrainConfig
    example: Example | None = field(default=None, kw_only=True)

    @property
    def trained(self) -> SESFNet:
        """Encoder and decoder."""
        return self.network


@dataclass(frozen=True)
class TrainReport(LearningReport):
    """One step of training; `done` and `total` count crops.

    Attributes
    ----------
    loss : float
        Loss of the last batch (Eq. 1).
    crop_loss : float
        The same for a batch of one crop; see `EpochLog`.
    """

    unit: ClassVar[str] = "crops"
    counted: ClassVar[str] = "epochs"

    state: TrainState | None = None
    crop_loss: float = math.nan

    @property
    def curve(self) -> float:
        """The loss for a batch of one crop."""
        return self.crop_loss


def best_network(state: TrainState) -> SESFNet:
    """The network of the epoch with the smallest validation loss, in evaluation mode, on the CPU."""
    network = SESFNet(state.network.encoder.variant)
    network.load_state_dict(state.best)
    return network.eval()
