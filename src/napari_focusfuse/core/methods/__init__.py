"""Fusion methods by name: ours, and others for comparison, all for N slices and with one signature.

Methods with a decision map give a `Decision` as ours does; the others give an image alone. Nothing heavy is imported
before a method runs. A further method is a function ``iter_NAME(stack, config)`` in a file of its family, and an entry
here; what else it takes by keyword, it says in `Method.needs`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from napari_focusfuse.config import (
    BlockSFConfig,
    CNNConfig,
    DenseFuseConfig,
    DSIFTConfig,
    FocusStackConfig,
    FusionConfig,
    GFConfig,
    IMFConfig,
    LoGConfig,
    MethodConfig,
    MWGConfig,
    PyramidConfig,
    SRConfig,
    WaveletConfig,
    WindowConfig,
)
from napari_focusfuse.core.progress import staged
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari_focusfuse.core.progress import Progress
    from napari_focusfuse.core.result.decision import Decision, FusionResult
    from napari_focusfuse.core.stack.stack import Stack

__all__ = ["METHODS", "Method", "Need", "iter_decide", "iter_fuse", "method_named", "settings"]

#: What a method may need besides a stack and settings.
Need = Literal["model", "device", "weights"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """Description of a method.

    Attributes
    ----------
    name, title : str
        What it is called in code and for people.
    description : str
        What it does and when to use it, in one line.
    citation : str
        Where it was published.
    decides : bool
        Whether it makes a decision map.
    needs : tuple of str
        What it needs besides a stack and settings: "model", "device"; "weights" that it comes with.
    config : type or None
        Its settings; None if it has none.
    where : str
        ``module:function`` that does it, beside this one.
    """

    name: str
    title: str
    description: str
    citation: str
    decides: bool = True
    needs: tuple[Need, ...] = ()
    config: type[FusionConfig | MethodConfig] | None = None
    where: str


_ALL = (
    Method(
        name="sesf",
        title="SESF-Fuse",
        description="Spatial frequency of deep features, with depth and confidence: start with this one.",
        citation="Ma et al. 2020, Neural Computing and Applications, doi 10.1007/s00521-020-05358-9",
        needs=("model", "device"),
        config=FusionConfig,
        where="sesf:iter_sesf",
    ),
    Method(
        name="sf",
        title="Spatial frequency",
        description="Spatial frequency of the grey values in a window: quick, for sharp texture without noise.",
        citation="Eskicioglu and Fisher 1995, IEEE Trans. Commun. 43:2959",
        config=WindowConfig,
        where="windows:iter_sf",
    ),
    Method(
        name="block-sf",
        title="Spatial frequency of blocks",
        description="Whole blocks from the slice of largest spatial frequency: quick and coarse, blocks show at edges.",
        citation="Li, Kwok and Wang 2001, Information Fusion 2:169",
        config=BlockSFConfig,
        where="windows:iter_block_sf",
    ),
    Method(
        name="log",
        title="Laplacian energy",
        description="Energy of the Laplacian of Gaussian in a window: fine detail; a larger sigma tolerates noise.",
        citation="Huang and Jing 2007, Pattern Recognition Letters 28:493",
        config=LoGConfig,
        where="windows:iter_log",
    ),
    Method(
        name="focusstack",
        title="FocusStack",
        description="Largest Laplacian at each pixel, no window: very simple, speckled where texture is weak.",
        citation="McGuinness 2015, github.com/cmcguinness/focusstack",
        config=FocusStackConfig,
        where="windows:iter_focusstack",
    ),
    Method(
        name="variance",
        title="Variance",
        description="Variance in a window: simple, and misled by blurred edges of strong contrast.",
        citation="Sugimoto and Ichioka 1985, Applied Optics 24:2076",
        config=WindowConfig,
        where="windows:iter_variance",
    ),
    Method(
        name="mwg",
        title="Multi-scale weighted gradient",
        description="Structure of gradients at a large scale, refined at a small one near borders.",
        citation="Zhou, Li and Wang 2014, Information Fusion 20:60",
        config=MWGConfig,
        where="filters:iter_mwg",
    ),
    Method(
        name="dsift",
        title="Dense SIFT",
        description="SIFT descriptors vote by blocks, local matching at borders: tolerates small shifts; some seconds.",
        citation="Liu, Liu and Wang 2015, Information Fusion 23:139",
        config=DSIFTConfig,
        where="dsift:iter_dsift",
    ),
    Method(
        name="imf",
        title="Image matting",
        description="Sharp regions by morphology, borders by matting along edges: seconds for a pair.",
        citation="Li, Kang, Hu and Yang 2013, Information Fusion 14:147",
        config=IMFConfig,
        where="imf:iter_imf",
    ),
    Method(
        name="cnn",
        title="CNN classifier",
        description="A network compares patches, pair by pair: robust seams, no depth; some seconds for a pair.",
        citation="Liu, Chen, Peng and Wang 2017, Information Fusion 36:191",
        needs=("weights", "device"),
        config=CNNConfig,
        where="cnn:iter_cnn",
    ),
    Method(
        name="gf",
        title="Guided filtering",
        description="Base and detail layers, edge-aware weights: smooth seams, tolerates noise; values may overshoot.",
        citation="Li, Kang and Hu 2013, IEEE Trans. Image Process. 22:2864",
        decides=False,
        config=GFConfig,
        where="filters:iter_gf",
    ),
    Method(
        name="lp",
        title="Laplacian pyramid",
        description="Strongest detail at every scale: for pairs without noise; values may overshoot.",
        citation="Burt and Adelson 1983, IEEE Trans. Commun. 31:532",
        decides=False,
        config=PyramidConfig,
        where="images:iter_lp",
    ),
    Method(
        name="rp",
        title="Ratio of low-pass pyramid",
        description="Strongest contrast at every scale: favours dark detail, picks noise; values may overshoot.",
        citation="Toet 1989, Pattern Recognition Letters 9:245",
        decides=False,
        config=PyramidConfig,
        where="images:iter_rp",
    ),
    Method(
        name="dwt",
        title="Wavelets",
        description="Wavelet detail of the strongest area at every scale: like the Laplacian pyramid; may overshoot.",
        citation="Li, Manjunath and Mitra 1995, Graphical Models and Image Processing 57:235",
        decides=False,
        config=WaveletConfig,
        where="images:iter_dwt",
    ),
    Method(
        name="sr",
        title="Sparse representation",
        description="Patches of the largest sparse coefficients: removes some noise; half a minute for a colour pair.",
        citation="Yang and Li 2010, IEEE Trans. Instrum. Meas. 59:884",
        decides=False,
        needs=("weights",),
        config=SRConfig,
        where="sr:iter_sr",
    ),
    Method(
        name="deepfuse",
        title="DeepFuse",
        description="A network for exposures merges all slices: blur stays visible; for comparison only.",
        citation="Prabhakar, Srikar and Babu 2017, ICCV, 4714",
        decides=False,
        needs=("weights", "device"),
        where="deepfuse:iter_deepfuse",
    ),
    Method(
        name="densefuse",
        title="DenseFuse",
        description="Features of a network are averaged and decoded: blur stays visible; for comparison only.",
        citation="Li and Wu 2019, IEEE Trans. Image Process. 28:2614",
        decides=False,
        needs=("weights", "device"),
        config=DenseFuseConfig,
        where="densefuse:iter_densefuse",
    ),
    Method(
        name="max",
        title="Maximum projection",
        description="Brightest value along z: for bright, sparse structures on black (fluorescence), not for surfaces.",
        citation="Wallis et al. 1989, IEEE Trans. Med. Imaging 8:297",
        decides=False,
        where="images:iter_max",
    ),
    Method(
        name="mean",
        title="Mean projection",
        description="Mean along z: least noise and all of the blur; the baseline for all other methods.",
        citation="Gonzalez and Woods 2018, Digital Image Processing, Sect. 2.6",
        decides=False,
        where="images:iter_mean",
    ),
)
#: All methods by name, the default first.
METHODS: dict[str, Method] = {method.name: method for method in _ALL}


def method_named(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    FocusFuseError
        There is none.
    """
    if name not in METHODS:
        raise FocusFuseError(f"there is no method {name!r}: choose one of {', '.join(METHODS)}")
    return METHODS[name]


def settings(method: Method, config: FusionConfig | MethodConfig | None) -> FusionConfig | MethodConfig | None:
    """`config`, or the method's own defaults for None.

    Raises
    ------
    FocusFuseError
        These are the settings of another method.
    """
    if config is None:
        return None if method.config is None else method.config()
    if method.config is None or type(config) is not method.config:
        takes = "none" if method.config is None else f"those of {method.config.__name__}"
        given = type(config).__name__
        raise FocusFuseError(f"{given} has no settings of the method {method.name!r}: leave them out, it uses {takes}")
    return config


def iter_decide(
    method: Method, stack: Stack, config: FusionConfig | MethodConfig | None, info: Mapping[str, Any], **needed: Any
) -> Generator[Progress, None, Decision]:
    """Decide by a method.

    Parameters
    ----------
    method : Method
    stack : Stack
    config : FusionConfig, MethodConfig or None
        Of the type that the method takes; its defaults for None.
    info : mapping
        What goes into `Decision.info` besides the configuration and what the method tells.
    needed
        What the method needs (`Method.needs`): ``encoder`` of the model, ``device``, ``weights``.

    Returns
    -------
    Decision

    Raises
    ------
    FocusFuseError
        The method makes no decision map, or these are the settings of another one.
    """
    if not method.decides:
        deciding = ", ".join(other.name for other in METHODS.values() if other.decides)
        raise FocusFuseError(f"the method {method.name!r} makes an image but no decision map: choose one of {deciding}")
    checked = settings(method, config)
    decision: Decision = yield from _work(method)(stack, checked, **needed)
    return replace(decision, info={**_described(checked, info), **decision.info})


def iter_fuse(
    method: Method, stack: Stack, config: FusionConfig | MethodConfig | None, info: Mapping[str, Any], **needed: Any
) -> Generator[Progress, None, FusionResult]:
    """Fuse by a method; see `iter_decide`. Without a decision ``result.decision`` is None."""
    from napari_focusfuse.core.blend import iter_blend
    from napari_focusfuse.core.decide.confidence import summary
    from napari_focusfuse.core.result.decision import FusionResult

    if not method.decides:
        checked = settings(method, config)
        image = yield from _work(method)(stack, checked, **needed)
        text = f"{len(stack)} slices: {method.title.lower()}, an image without decision."
        return FusionResult(image, None, text, _described(checked, info))
    decision = yield from staged(iter_decide(method, stack, config, info, **needed), 0, 0.85)
    image = yield from staged(iter_blend(stack, decision), 0.85, 0.15)
    return FusionResult(image, decision, summary(decision), decision.info)


def _work(method: Method) -> Callable[..., Generator[Progress, None, Any]]:
    module, _, function = method.where.partition(":")
    work: Callable[..., Generator[Progress, None, Any]] = getattr(import_module(f"{__name__}.{module}"), function)
    return work


def _described(config: FusionConfig | MethodConfig | None, info: Mapping[str, Any]) -> dict[str, Any]:
    return dict(info) if config is None else {**info, "config": asdict(config)}
