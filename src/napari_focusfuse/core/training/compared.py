"""Training the networks of the methods that ours is compared with, each as its paper says.

A lesson draws a batch and gives the loss; all share one course. What trains ours is in the modules of its recipes.
"""

import copy
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.compared import PATCH, DeepFuse, DenseFuse, FocusClassifier
from napari_focusfuse.core.progress import Clock
from napari_focusfuse.core.training import Course, Crops, LearningReport, LearningState, usable
from napari_focusfuse.core.training.reconstruction import fusion_loss

__all__ = ["LESSONS", "ComparedState", "Lesson", "best_of", "classifying", "iter_learn_compared", "mef_ssim"]

#: Share of computed textures, and batches of the validation.
_PROCEDURAL, _VALIDATED = 0.5, 12
_FITTING, _VALIDATING = 0, 1
#: Side of the crops of the two reconstructing networks, px.
_SIDE = 64

#: Blur of the classifier's examples: sigma, side of the kernel, times that it is repeated (Liu et al. 2017, Sect. 3.2).
_SIGMA, _KERNEL, _BLURS = 2.0, 7, 5
#: Patches from a crop, side of a crop, least standard deviation of a patch (25 grey levels squared, as published).
_PATCHES, _CROP, _FLAT = 16, 96, 5 / 255


def classifying(network: nn.Module, crops: Crops, rng: np.random.Generator, batch: int) -> Tensor:
    """Loss of telling sharp patches from blurred ones, the first patch sharp in half of the pairs."""
    sharp: list[Tensor] = []
    blurred: list[Tensor] = []
    side = PATCH + 2 * FocusClassifier.margin
    while len(sharp) < batch:
        image = torch.from_numpy(crops.draw(rng, _CROP))[None, None]
        levels = _blurred(image)
        for y, x in rng.integers(0, _CROP - side + 1, (_PATCHES, 2)):
            where = (slice(None), slice(None), slice(y, y + side), slice(x, x + side))
            if image[where].std() > _FLAT:
                sharp.append(image[where])
                blurred.append(levels[int(rng.integers(_BLURS))][where])
    first = torch.from_numpy(rng.random(len(sharp)) < 0.5)[:, None, None, None]
    clear, other = torch.cat(sharp), torch.cat(blurred)
    odds = network(torch.where(first, clear, other), torch.where(first, other, clear))
    return functional.binary_cross_entropy_with_logits(odds, first.float())


def _blurred(image: Tensor) -> list[Tensor]:
    """An image blurred once, twice and so on."""
    line = torch.exp(-((torch.arange(_KERNEL) - _KERNEL // 2) ** 2) / (2 * _SIGMA**2))
    kernel = torch.outer(line, line)[None, None] / line.sum() ** 2
    levels, edge = [image], _KERNEL // 2
    for _ in range(_BLURS):
        levels.append(functional.conv2d(functional.pad(levels[-1], [edge] * 4, mode="reflect"), kernel))
    return levels[1:]


def _reconstructing(network: nn.Module, crops: Crops, rng: np.random.Generator, batch: int) -> Tensor:
    """Loss of giving an image back, with the weight of 1,000 for SSIM (Li and Wu 2019, Eq. 1-3)."""
    images = _drawn(crops, rng, batch)
    return fusion_loss(network(images), images, 1000).total


def _drawn(crops: Crops, rng: np.random.Generator, batch: int) -> Tensor:
    return torch.from_numpy(np.stack([crops.draw(rng, _SIDE) for _ in range(batch)])[:, None])


#: Exposure is halved and doubled up to this many times; display gamma; side of the window and constant of MEF-SSIM.
_STOPS, _GAMMA, _WINDOW, _C = 2.0, 2.2, 8, 0.03**2


def _fusing_exposures(network: nn.Module, crops: Crops, rng: np.random.Generator, batch: int) -> Tensor:
    """Loss of fusing a short and a long exposure without a reference: 1 - MEF-SSIM (Prabhakar et al. 2017, Sect. 3.2).

    That score leaves the brightness free, which the paper's data settle; here it is that of the two images' mean.
    """
    light = _drawn(crops, rng, batch) ** _GAMMA
    stops = torch.from_numpy(rng.uniform(0, _STOPS, (2, batch, 1, 1, 1))).float()
    short, long = ((light * 2**stop).clamp(0, 1) ** (1 / _GAMMA) for stop in (-stops[0], stops[1]))
    fused = network(short, long)
    brightness = _mean(fused) - _mean((short + long) / 2)
    return 1 - mef_ssim(short, long, fused) + brightness.square().mean()


def _mean(images: Tensor) -> Tensor:
    return functional.avg_pool2d(images, _WINDOW, stride=1)


def mef_ssim(first: Tensor, second: Tensor, fused: Tensor) -> Tensor:
    """MEF-SSIM of a fused image (B, 1, Y, X) in [0, 1] without its luminance term (Ma et al. 2015).

    What is wanted of a patch has the larger of the two contrasts, and the structure of both, weighted by contrast.
    """

    def spread(image: Tensor) -> Tensor:
        return (_mean(image * image) - _mean(image) ** 2).clamp_min(0)

    both = first + second
    contrast = torch.maximum(spread(first), spread(second))
    covariance = _mean(both * fused) - _mean(both) * _mean(fused)
    wanted = covariance * (contrast / (spread(both) + 1e-8)).sqrt()
    return ((2 * wanted + _C) / (contrast + spread(fused) + _C)).mean()


class Lesson(NamedTuple):
    """What a network is trained by.

    Attributes
    ----------
    network : type
    loss : callable
        From the network, crops of images, a random generator and a batch size to a loss.
    batch : int
    rate : float
        Learning rate, which falls to 0 by a cosine.
    """

    network: type[nn.Module]
    loss: Callable[[nn.Module, Crops, np.random.Generator, int], Tensor]
    batch: int
    rate: float


#: By the name of the method.
LESSONS = {
    "cnn": Lesson(FocusClassifier, classifying, 128, 1e-3),
    "deepfuse": Lesson(DeepFuse, _fusing_exposures, 4, 1e-3),
    "densefuse": Lesson(DenseFuse, _reconstructing, 4, 1e-3),
}


class _Entry(NamedTuple):
    """Mean losses since the last validation, and of it."""

    step: int
    learning_rate: float
    train_loss: float
    loss: float
    seconds: float

    @property
    def at(self) -> int:
        return self.step

    @property
    def curve(self) -> float:
        return self.loss

    @property
    def score(self) -> str:
        return f"{self.loss:.4f}"

    @property
    def told(self) -> str:
        return f"loss {self.train_loss:.4f}, validation {self.loss:.4f}"


@dataclass
class ComparedState(LearningState[_Entry]):
    """Where a training stands: the network as it is now, `best` and `log`."""

    network: nn.Module = field(kw_only=True)

    @property
    def trained(self) -> nn.Module:
        """The network."""
        return self.network


def best_of(state: ComparedState) -> nn.Module:
    """The network with the smallest validation loss, for use."""
    network = copy.deepcopy(state.network)
    network.load_state_dict(state.best)
    return network.eval()


def iter_learn_compared(
    lesson: Lesson, images: Sequence[Image], validation: Sequence[Image], steps: int, seed: int = 0
) -> Generator[LearningReport, None, ComparedState]:
    """Train one of these networks on the CPU; the same weights come out of the same images, steps and seed.

    Parameters
    ----------
    lesson : Lesson
        One of `LESSONS`.
    images, validation : sequences of arrays (Y, X) float32
        Sharp grey images in [0, 1]; half of what is shown are computed textures.
    steps : int
    seed : int
    """
    torch.manual_seed(seed)
    state = ComparedState(network=lesson.network())
    kinds = {"training": images, "validation": validation}
    shown = [Crops(usable(kind, name), _PROCEDURAL, seed) for name, kind in kinds.items()]
    yield from _Run(lesson, state, shown, steps, seed).iter_rounds()
    return state


class _Run(Course[LearningReport]):
    """Twenty rounds of steps, each with its validation."""

    rounds: ClassVar[str] = "validations"
    complete: ClassVar[str] = "steps"

    def __init__(self, lesson: Lesson, state: ComparedState, shown: Sequence[Crops], steps: int, seed: int) -> None:
        super().__init__(state, Clock(0, 0), 0)
        self._lesson, self._state, self._steps, self._seed = lesson, state, steps, seed
        self._images, self._held_out = shown
        self._optimizer = torch.optim.Adam(state.network.parameters())
        self._step, self._latest = 0, math.nan

    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self._step >= self._steps

    def iter_round(self) -> Generator[LearningReport, None, Any]:
        """Some steps, and a validation."""
        losses, before = [], self._clock.spent
        for _ in range(min(max(self._steps // 20, 1), self._steps - self._step)):
            rate = self._lesson.rate * (1 + math.cos(math.pi * self._step / self._steps)) / 2
            self._optimizer.param_groups[0]["lr"] = rate
            losses.append(self._fit())
            self._step += 1
            yield from self._clock.give(self.report())
        loss = yield from self.iter_validation_loss("validation")
        return _Entry(self._step, rate, float(np.mean(losses)), loss, self._clock.spent - before)

    def iter_validation_loss(self, what: str) -> Generator[LearningReport, None, Any]:  # noqa: ARG002
        """Mean loss of batches that are always the same."""
        losses = []
        for k in range(_VALIDATED):
            with torch.no_grad():
                losses.append(self._loss(self._held_out, _VALIDATING, k).item())
            yield from self._clock.give(self.report())
        return float(np.mean(losses))

    def report(self, *, kept: bool = False) -> LearningReport:
        """Where the training stands."""
        done, total, clock = self._step, self._steps, self._clock
        left = clock.left(done, total - done)
        state = self._state if kept else None
        what = f"step {done} of {total}"
        return LearningReport(done, total, what, self._latest, clock.rate(done), left, done, state)

    def _fit(self) -> float:
        loss = self._loss(self._images, _FITTING, self._step)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimizer.step()
        self._latest = loss.item()
        return self._latest

    def _loss(self, crops: Crops, stream: int, number: int) -> Tensor:
        rng = np.random.default_rng((self._seed, stream, number))
        return self._lesson.loss(self._state.network, crops, rng, self._lesson.batch)
