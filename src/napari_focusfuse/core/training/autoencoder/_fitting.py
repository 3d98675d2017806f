"""One optimiser step on a device: mixed precision, clipped gradients, and batches that fit into its memory."""

import math
import warnings
from collections.abc import Generator

import torch
from torch import Tensor

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.stack.workers import memory_is_short
from napari_focusfuse.core.training import moments, restore
from napari_focusfuse.core.training.loss import Losses, fusion_loss
from napari_focusfuse.errors import FocusFuseWarning, TrainingError

__all__ = ["Fitting"]


class Fitting:
    """Fits a network to batches of crops with Adam.

    Parameters
    ----------
    network : SESFNet
        Moved to `device`.
    config : TrainConfig
    device : torch device
        On CUDA the network runs in half precision where that is safe; loss and weights stay in single precision.

    Attributes
    ----------
    largest : int
        Crops that a step takes at most; halved whenever memory runs out.
    """

    def __init__(self, network: SESFNet, config: TrainConfig, device: torch.device) -> None:
        self._network, self._config, self._device = network, config, device
        network.to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = torch.optim.Adam(network.parameters())
        self._mixed = device.type == "cuda"
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._mixed)
        self.largest = config.batch

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        self._optimizer.param_groups[0]["lr"] = rate

    def fit(self, batch: Tensor) -> Generator[tuple[int, tuple[float, float, float]], None, None]:
        """Fit to a batch, in parts where it does not fit into memory; yields the crops and L, L_p, L_ssim of each."""
        start = 0
        while start < len(batch):
            part = batch[start : start + self.largest]
            losses = self._try(part)
            if losses is None:
                self._halve(len(part))
                continue
            start += len(part)
            yield len(part), losses

    def moments(self) -> dict[str, Tensor]:
        """State of the optimiser; valid until the next step."""
        return moments(self._optimizer)

    def restore(self, flat: dict[str, Tensor]) -> None:
        """Go on with a state that `moments` gave."""
        restore(self._optimizer, flat)

    def _try(self, part: Tensor) -> tuple[float, float, float] | None:
        """One step; None if memory ran out. What it held is freed on return."""
        try:
            losses = self._losses(part.to(self._device).contiguous(memory_format=torch.channels_last))
            values = losses.total.item(), losses.pixel.item(), losses.ssim.item()
            if not math.isfinite(values[0]):
                rate = self._optimizer.param_groups[0]["lr"]
                raise TrainingError(f"the loss is no longer a number: lower the learning rate ({rate:.2g})")
            self._step(losses.total)
        except RuntimeError as error:
            if not memory_is_short(error):
                raise
            return None
        return values

    def _losses(self, batch: Tensor) -> Losses:
        with torch.autocast(self._device.type, torch.float16, enabled=self._mixed):
            output = self._network(batch)
        return fusion_loss(output.float(), batch, self._config.ssim_weight)

    def _step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        if self._config.clip:
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._config.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise TrainingError("there is not enough memory for a single crop: choose a smaller crop, or the CPU")
        self.largest = tried // 2
        self._optimizer.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(
            f"{tried} crops at once do not fit into memory: training continues with batches of {self.largest}",
            FocusFuseWarning,
            stacklevel=2,
        )
