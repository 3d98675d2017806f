"""Settings of the methods other than ours."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from napari_focusfuse.config.setting import Setting, check
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "BlockSFConfig",
    "CNNConfig",
    "DSIFTConfig",
    "DenseFuseConfig",
    "FocusStackConfig",
    "GFConfig",
    "IMFConfig",
    "LoGConfig",
    "MWGConfig",
    "MethodConfig",
    "PyramidConfig",
    "SRConfig",
    "WaveletConfig",
    "WindowConfig",
]

_WINDOW = Setting(label="Window radius", unit="px", least=0, most=50)
_SIGMA = Setting(label="Sigma", unit="px", least=0.3, most=20, step=0.1, digits=2)
_LEVELS = Setting(label="Pyramid levels", least=1, most=16)
_GUIDE_RADIUS = Setting(unit="px", least=1, most=200)
_GUIDE_EPS = Setting(least=1e-12, offered=tuple((f"{each:g}", each) for each in (1e-6, 1e-4, 1e-2, 0.1, 0.3, 1.0)))


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

    radius: Annotated[int, _WINDOW] = 5

    def __post_init__(self) -> None:
        check(self)


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

    sigma: Annotated[float, _SIGMA] = 1.0
    radius: Annotated[int, _WINDOW] = 5

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class FocusStackConfig(MethodConfig):
    """Settings of the method `focusstack`.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, px. (1.1: what OpenCV takes for the program's 5 x 5 kernel)
    """

    sigma: Annotated[float, _SIGMA] = 1.1

    def __post_init__(self) -> None:
        check(self)


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

    block: Annotated[int, Setting(label="Block", unit="px", least=2, most=1024)] = 32
    threshold: Annotated[float, Setting(label="Threshold", least=0, most=255, step=0.25, digits=2)] = 1.75

    def __post_init__(self) -> None:
        check(self)


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

    large: Annotated[float, replace(_SIGMA, label="Large scale")] = 4.0
    small: Annotated[float, replace(_SIGMA, label="Small scale")] = 0.5
    alpha: Annotated[float, Setting(label="Alpha", least=0, most=1, step=0.1, digits=2)] = 0.5
    margin: Annotated[float, Setting(label="Margin", least=0, most=10, step=0.1, digits=2)] = 1.5

    def __post_init__(self) -> None:
        check(self)
        if self.small > self.large:
            raise FocusFuseError(f"small must be at most large, {self.large}, not {self.small}")


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

    base_radius: Annotated[int, replace(_GUIDE_RADIUS, label="Base radius")] = 45
    base_eps: Annotated[float, replace(_GUIDE_EPS, label="Base epsilon")] = 0.3
    detail_radius: Annotated[int, replace(_GUIDE_RADIUS, label="Detail radius")] = 7
    detail_eps: Annotated[float, replace(_GUIDE_EPS, label="Detail epsilon")] = 1e-6

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class PyramidConfig(MethodConfig):
    """Settings of the methods `lp`, `rp`, `dtcwt`, `cvt` and `nsct`.

    Attributes
    ----------
    levels : int
        Times that the image is halved, as far as it can be; what remains is averaged. More levels reach blur that is
        wider. (4: what comparisons of pairs use)
    """

    levels: Annotated[int, _LEVELS] = 4

    def __post_init__(self) -> None:
        check(self)


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

    levels: Annotated[int, _LEVELS] = 4
    wavelet: Annotated[str, Setting(label="Wavelet")] = "bior2.2"

    def __post_init__(self) -> None:
        check(self)


_MIN_REGION = Setting(label="Smallest region", unit="%", least=0, most=0.5, step=0.1, digits=2)


@dataclass(frozen=True, kw_only=True)
class DSIFTConfig(MethodConfig):
    """Settings of the method `dsift` (Liu, Liu and Wang 2015; the values are those of their published code).

    Attributes
    ----------
    cell : int
        Side of one of the 4 x 4 cells of a descriptor, px. Larger descriptors tolerate more noise. (6)
    block : int
        Side of the blocks that vote, px. (8)
    radius : int
        How far a pixel may be from its match in the other slice, px: more for slices that are not aligned. (3)
    min_region : float
        Smallest region that is kept, as a share of the image. (.013: 60 x 60 px of 520 x 520)
    """

    cell: Annotated[int, Setting(label="Cell", unit="px", least=2, most=32)] = 6
    block: Annotated[int, Setting(label="Block", unit="px", least=2, most=64)] = 8
    radius: Annotated[int, Setting(label="Matching radius", unit="px", least=0, most=10)] = 3
    min_region: Annotated[float, _MIN_REGION] = 0.013

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class IMFConfig(MethodConfig):
    """Settings of the method `imf` (Li, Kang, Hu and Yang 2013).

    Attributes
    ----------
    radius : int
        Of the disk whose opening and closing find detail, px: up to twice that size.
    min_region : float
        Smallest sharp region, as a share of the image.
    band : int
        Width on each side of a region's border that is left to the matting, px. More takes longer.
    eps : float
        Regularisation of the matting, for an image of 0..1: larger values give smoother alphas.
    """

    radius: Annotated[int, Setting(label="Detail radius", unit="px", least=1, most=30)] = 4
    min_region: Annotated[float, _MIN_REGION] = 0.01
    band: Annotated[int, Setting(label="Matting band", unit="px", least=0, most=100)] = 8
    eps: Annotated[float, replace(_GUIDE_EPS, label="Matting epsilon")] = 1e-4

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class SRConfig(MethodConfig):
    """Settings of the method `sr` (Yang and Li 2010).

    Attributes
    ----------
    step : int
        Distance of neighbouring patches, px: 1 is slower and smoother. (1; 2 in the toolbox of Liu et al. 2015)
    error : float
        Residual at which a patch of 8 x 8 pixels is represented well enough, for intensities of 0..1. Larger values
        are quicker and take away noise and fine detail. (.1 for 0..255, which is .0004; .015 is as good on photographs)
    """

    step: Annotated[int, Setting(label="Step", unit="px", least=1, most=8)] = 2
    error: Annotated[float, Setting(label="Residual", least=0.001, most=1, step=0.01, digits=3)] = 0.015

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class CNNConfig(MethodConfig):
    """Settings of the method `cnn` (Liu, Chen, Peng and Wang 2017).

    Attributes
    ----------
    min_region : float
        Smaller regions take the slice of their surroundings, as a share of the image. (.01)
    radius : int
        Of the guided filter, px. (8)
    eps : float
        Of the guided filter, for a guide of 0..1. Larger values make seams softer. (.1)
    """

    min_region: Annotated[float, _MIN_REGION] = 0.01
    radius: Annotated[int, replace(_GUIDE_RADIUS, label="Guided filter radius")] = 8
    eps: Annotated[float, replace(_GUIDE_EPS, label="Guided filter epsilon")] = 0.1

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class DenseFuseConfig(MethodConfig):
    """Settings of the method `densefuse` (Li and Wu 2019).

    Attributes
    ----------
    strategy : {"l1", "add"}
        How features are fused: by their sum of magnitudes, or all alike. Of N slices "add" takes the mean.
    """

    strategy: Annotated[Literal["l1", "add"], Setting(label="Strategy")] = "l1"

    def __post_init__(self) -> None:
        check(self)
