"""The table of all methods: what each is called, takes and needs, and where it is."""

from dataclasses import dataclass
from typing import Literal

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

__all__ = ["METHODS", "Method", "Need"]

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
        where="wavelets:iter_dwt",
    ),
    Method(
        name="dtcwt",
        title="Dual-tree wavelets",
        description="As wavelets, in six directions and hardly sensitive to shifts: fewer ripples; may overshoot.",
        citation="Kingsbury 2001, Applied and Computational Harmonic Analysis 10:234",
        decides=False,
        config=PyramidConfig,
        where="wavelets:iter_dtcwt",
    ),
    Method(
        name="cvt",
        title="Curvelets",
        description="Strongest curvelet of each scale and direction: long edges, ripples beside them; may overshoot.",
        citation="Candes et al. 2006, Multiscale Modeling and Simulation 5:861",
        decides=False,
        config=PyramidConfig,
        where="curvelets:iter_cvt",
    ),
    Method(
        name="nsct",
        title="Contourlets",
        description="Strongest contourlet of each scale and direction, at full size: slow, much memory; may overshoot.",
        citation="da Cunha, Zhou and Do 2006, IEEE Trans. Image Process. 15:3089",
        decides=False,
        config=PyramidConfig,
        where="contourlets:iter_nsct",
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
        where="autoencoders:iter_deepfuse",
    ),
    Method(
        name="densefuse",
        title="DenseFuse",
        description="Features of a network are averaged and decoded: blur stays visible; for comparison only.",
        citation="Li and Wu 2019, IEEE Trans. Image Process. 28:2614",
        decides=False,
        needs=("weights", "device"),
        config=DenseFuseConfig,
        where="autoencoders:iter_densefuse",
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
