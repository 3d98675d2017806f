"""Settings of the methods other than ours."""

from dataclasses import dataclass

from napari_focusfuse.config.checks import typed, within

__all__ = [
    "BlockSFConfig",
    "FocusStackConfig",
    "GFConfig",
    "LoGConfig",
    "MWGConfig",
    "MethodConfig",
    "PyramidConfig",
    "WaveletConfig",
    "WindowConfig",
]


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
        typed(self)
        within("radius", self.radius, 0, 50)


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
        typed(self)
        within("sigma", self.sigma, 0.3, 20)
        within("radius", self.radius, 0, 50)


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
        typed(self)
        within("sigma", self.sigma, 0.3, 20)


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
        typed(self)
        within("block", self.block, 2, 1024)
        within("threshold", self.threshold, 0, 255)


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
        typed(self)
        within("large", self.large, 0.3, 20)
        within("small", self.small, 0.3, self.large)
        within("alpha", self.alpha, 0, 1)
        within("margin", self.margin, 0, 10)


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
        typed(self)
        for name in ("base_radius", "detail_radius"):
            within(name, getattr(self, name), 1, 200)
        for name in ("base_eps", "detail_eps"):
            within(name, getattr(self, name), 1e-12)


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
        typed(self)
        within("levels", self.levels, 1, 16)


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
        typed(self)
        within("levels", self.levels, 1, 16)
