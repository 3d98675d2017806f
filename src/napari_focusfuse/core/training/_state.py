"""Where a training stands, and what it reports."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.network import SESFNet
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.training._validation import Example

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


@dataclass
class TrainState:
    """Where training stands after an epoch.

    Attributes
    ----------
    network : SESFNet
        As it is now.
    config : TrainConfig
        The recipe it was trained with.
    best : dict of str to Tensor
        State of the network when its validation loss was smallest.
    moments : dict of str to Tensor
        State of the Adam optimiser, flat: "INDEX.exp_avg" and so on.
    log : list of EpochLog
        One entry for each finished epoch.
    origin : str
        The model that it started from, for people; empty for random weights.
    start_loss : float
        Validation loss of that model; infinite without.
    example : Example or None
        A validation image as the network gives it back after the latest epoch.
    ended : str
        Why the training is over, for people; empty as long as it is not.
    """

    network: SESFNet
    config: TrainConfig
    best: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    log: list[EpochLog] = field(default_factory=list)
    origin: str = ""
    start_loss: float = math.inf
    example: Example | None = None
    ended: str = ""

    @property
    def best_epoch(self) -> int:
        """The epoch with the smallest validation loss; 0 where none is better than the model it started from."""
        losses = [self.start_loss, *(entry.val_total for entry in self.log)]
        return losses.index(min(losses))

    @property
    def best_loss(self) -> float:
        """The smallest validation loss so far."""
        return min([self.start_loss, *(entry.val_total for entry in self.log)])


@dataclass(frozen=True)
class TrainReport(Progress):
    """One step of training; `done` and `total` count crops.

    Attributes
    ----------
    loss : float
        Loss of the last batch (Eq. 1).
    crop_loss : float
        The same for a batch of one crop; see `EpochLog`.
    crops_per_second : float
        Throughput since the start or the resumption, validation included.
    seconds_left : float
        Estimate, at that rate and within the time budget.
    state : TrainState or None
        Set on the last report of an epoch; valid until the next report.
    """

    loss: float = math.nan
    crop_loss: float = math.nan
    crops_per_second: float = math.nan
    seconds_left: float = math.nan
    state: TrainState | None = None


def best_network(state: TrainState) -> SESFNet:
    """The network of the epoch with the smallest validation loss, in evaluation mode, on the CPU."""
    network = SESFNet(state.network.encoder.variant)
    network.load_state_dict(state.best)
    return network.eval()
