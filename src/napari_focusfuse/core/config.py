"""Every default of the project, in frozen dataclasses that the API, the command line and the widgets share."""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, get_args

from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "BlockSFConfig",
    "FocusStackConfig",
    "FusionConfig",
    "GFConfig",
    "LoGConfig",
    "MWGConfig",
    "MethodConfig",
    "Preset",
    "PyramidConfig",
    "SEVariant",
    "TrainConfig",
    "WaveletConfig",
    "WindowConfig",
]

Preset = Literal["default", "paper"]
SEVariant = Literal["cse", "sse", "scse", "none"]

#: What each preset means: a field that is left None takes its value from here.
_PRESETS: dict[str, dict[str, Any]] = {
    "default": {"radius": 5, "levels": 3, "softness": 0.0, "min_region": 0.0},
    "paper": {"radius": 5, "levels": 1, "softness": math.inf, "min_region": 0.01},
}
_FROM_PRESET: Any = None


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """How to fuse. Fields that are left out take the preset's values.

    Attributes
    ----------
    preset : {"default", "paper"}
        "default" is the best we know: robust intensity range, gates frozen per stack, scales weighted by the noise of
        the stack, soft weights. "paper" is Ma et al. 2020: dtype range, gates per image, one scale, a hard choice with
        consistency verification.
    radius : int
        r of Eq. 5-7, px: half the window of the spatial frequency. Larger windows are surer and blunter. (5)
    levels : int
        Scales on which the encoder may look: full size, 1/2, 1/4; coarser ones are used as far as the noise of the
        stack asks for. (default 3, paper 1)
    softness : float
        Weights are (activity / best activity) to this power: 1 averages many slices, 16 takes little more than the
        best one, inf takes the best one alone and verifies the choice (Sect. 3.3.2). 0 follows the noise of the
        stack. (default 0, paper inf)
    min_region : float
        Regions of the decision smaller than this share of the image go to their surroundings (Sect. 3.3.2). Only with
        softness inf. (default 0, paper .01)
    series : bool
        Fuse one by one, in series (Sect. 3.1), instead of all slices at once. Only with the preset "paper".
    tile : int
        Side of the tiles in which slices are encoded, px: memory against speed; the result is the same.
    """

    preset: Preset = "default"
    radius: int = _FROM_PRESET
    levels: int = _FROM_PRESET
    softness: float = _FROM_PRESET
    min_region: float = _FROM_PRESET
    series: bool = False
    tile: int = 512

    def __post_init__(self) -> None:
        _one_of("preset", self.preset, Preset)
        softened = self.softness not in (_FROM_PRESET, math.inf)
        for name, value in _PRESETS[self.preset].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, 0.0 if name == "min_region" and softened else value)
        for name in ("radius", "levels", "tile"):
            _whole(name, getattr(self, name))
        _within("radius", self.radius, 0, 50)
        _within("levels", self.levels, 1, 3)
        _within("softness", self.softness, 0, math.inf)
        _within("min_region", self.min_region, 0, 0.5)
        _within("tile", self.tile, 64, 8192)
        if self.min_region and not self.hard:
            raise FocusFuseError("min_region needs a hard choice: set softness to inf as well")
        if self.preset == "paper" and (self.levels > 1 or self.softness == 0):
            raise FocusFuseError('the preset "paper" has one level and does not follow the noise: choose "default"')
        if self.series and not (self.preset == "paper" and self.hard):
            raise FocusFuseError('series is part of the preset "paper" with softness inf: choose those as well')

    @property
    def hard(self) -> bool:
        """Whether each pixel comes from one slice, by a decision that is verified."""
        return math.isinf(self.softness)


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """Settings of a method other than ours; which method takes which is in `napari_focusfuse.core.methods`."""


@dataclass(frozen=True, kw_only=True)
class WindowConfig(MethodConfig):
    """Settings of the methods `sf` and `variance`.

    Attributes
    ----------
    radius : int
        The window has 2 radius + 1 pixels a side. (5: that of the paper's spatial frequency)
    """

    radius: int = 5

    def __post_init__(self) -> None:
        _within("radius", self.radius, 0, 50)


@dataclass(frozen=True, kw_only=True)
class LoGConfig(MethodConfig):
    """Settings of the method `log`.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, px. Larger values bear more noise and see less detail.
    radius : int
        The energy is summed over 2 radius + 1 pixels a side.
    """

    sigma: float = 1.0
    radius: int = 5

    def __post_init__(self) -> None:
        _within("sigma", self.sigma, 0.3, 20)
        _within("radius", self.radius, 0, 50)


@dataclass(frozen=True, kw_only=True)
class FocusStackConfig(MethodConfig):
    """Settings of the method `focusstack`.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, px. (1.1: what OpenCV takes for the program's 5 x 5 kernel)
    """

    sigma: float = 1.1

    def __post_init__(self) -> None:
        _within("sigma", self.sigma, 0.3, 20)


@dataclass(frozen=True, kw_only=True)
class BlockSFConfig(MethodConfig):
    """Settings of the method `block-sf` (Li, Kwok and Wang 2001).

    Attributes
    ----------
    block : int
        Side of the blocks, px. (32)
    threshold : float
        Blocks whose spatial frequencies differ by no more than this, on a range of 0..255, are averaged. (1.75)
    """

    block: int = 32
    threshold: float = 1.75

    def __post_init__(self) -> None:
        _within("block", self.block, 2, 1024)
        _within("threshold", self.threshold, 0, 255)


@dataclass(frozen=True, kw_only=True)
class MWGConfig(MethodConfig):
    """Settings of the method `mwg` (Zhou, Li and Wang 2014; the values are those of their published code).

    Attributes
    ----------
    large, small : float
        Standard deviations of the two scales, px: the large one decides, the small one near borders. (4 and .5)
    alpha : float
        Weight of anisotropy in the structure saliency. (.5)
    margin : float
        Width of the zone around borders, as a multiple of `large`. (1.5)
    """

    large: float = 4.0
    small: float = 0.5
    alpha: float = 0.5
    margin: float = 1.5

    def __post_init__(self) -> None:
        _within("large", self.large, 0.3, 20)
        _within("small", self.small, 0.3, self.large)
        _within("alpha", self.alpha, 0, 1)
        _within("margin", self.margin, 0, 10)


@dataclass(frozen=True, kw_only=True)
class GFConfig(MethodConfig):
    """Settings of the method `gf` (Li, Kang and Hu 2013, the values they recommend).

    Attributes
    ----------
    base_radius, detail_radius : int
        r1 and r2: of the guided filters of the two layers' weights, px. (45 and 7)
    base_eps, detail_eps : float
        eps1 and eps2, for a guide of 0..1. (.3 and 1e-6)
    """

    base_radius: int = 45
    base_eps: float = 0.3
    detail_radius: int = 7
    detail_eps: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("base_radius", "detail_radius"):
            _within(name, getattr(self, name), 1, 200)
        for name in ("base_eps", "detail_eps"):
            _within(name, getattr(self, name), 1e-12)


@dataclass(frozen=True, kw_only=True)
class PyramidConfig(MethodConfig):
    """Settings of the methods `lp` and `rp`.

    Attributes
    ----------
    levels : int
        Times that the image is halved, as far as it can be; what remains is averaged. More levels reach blur that is
        wider. (4: what comparisons of pairs use)
    """

    levels: int = 4

    def __post_init__(self) -> None:
        _within("levels", self.levels, 1, 16)


@dataclass(frozen=True, kw_only=True)
class WaveletConfig(MethodConfig):
    """Settings of the method `dwt`.

    Attributes
    ----------
    levels : int
        Times that the image is halved, as far as the wavelet allows; what remains is averaged. (4)
    wavelet : str
        Name of a discrete wavelet of PyWavelets. (bior2.2: the DBSS(2,2) of the usual toolbox)
    """

    levels: int = 4
    wavelet: str = "bior2.2"

    def __post_init__(self) -> None:
        _within("levels", self.levels, 1, 16)


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
        _one_of("variant", self.variant, SEVariant)
        for name in ("epochs", "batch", "crops_per_image", "decay_epochs"):
            _within(name, getattr(self, name), 1)
        _within("crop", self.crop, 16)
        if not self.learning_rate > 0:
            raise FocusFuseError(f"learning_rate must be greater than 0, not {self.learning_rate}")


def _one_of(name: str, value: object, choices: Any) -> None:
    if value not in get_args(choices):
        raise FocusFuseError(f"{name} {value!r} is unknown: choose one of {', '.join(get_args(choices))}")


def _whole(name: str, value: object) -> None:
    if not isinstance(value, Integral):
        raise FocusFuseError(f"{name} must be a whole number, not {value!r}")


def _within(name: str, value: float, least: float, most: float = math.inf) -> None:
    if not least <= value <= most:
        bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
        raise FocusFuseError(f"{name} must be {bounds}, not {value}")
