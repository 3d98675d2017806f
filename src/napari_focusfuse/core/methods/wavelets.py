"""Fusion by wavelets: discrete, and dual-tree complex ones.

The discrete wavelet transform: H. Li, B. S. Manjunath, S. K. Mitra, "Multisensor image fusion using the wavelet
transform", Graphical Models and Image Processing 57 (1995) 235-245.

The dual-tree complex wavelet transform: N. Kingsbury, "Complex wavelets for shift invariant analysis and filtering of
signals", Applied and Computational Harmonic Analysis 10 (2001) 234-253; I. W. Selesnick, R. G. Baraniuk, N. G.
Kingsbury, "The dual-tree complex wavelet transform", IEEE Signal Processing Magazine 22 (2005) 123-151. For fusion with
the filters that S. Li, B. Yang, J. Hu, "Performance comparison of different multi-resolution transforms for image
fusion", Information Fusion 12 (2011) 74-84, found best.
"""

from collections.abc import Generator
from itertools import product
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from napari_focusfuse.config import PyramidConfig, WaveletConfig
from napari_focusfuse.core.methods.transforms import MARGIN, Image, cut, halvings, iter_transformed, mirrored
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError

__all__ = ["DualTree", "iter_dtcwt", "iter_dwt"]


class _Wavelets:
    """Discrete wavelets of planes, as deep as the wavelet allows."""

    def __init__(self, shape: tuple[int, ...], config: WaveletConfig) -> None:
        self._shape, self._wavelet = shape, config.wavelet
        self._levels = min(config.levels, pywt.dwt_max_level(min(shape), config.wavelet))

    def forward(self, plane: Image) -> tuple[Image, list[Image]]:
        rest, *details = pywt.wavedec2(plane, self._wavelet, level=self._levels)
        return rest, [band for bands in details for band in bands]

    def inverse(self, rest: Image, bands: list[Image]) -> Image:
        levels = [tuple(bands[i : i + 3]) for i in range(0, len(bands), 3)]
        image: Image = pywt.waverec2([rest, *levels], self._wavelet)
        return image[: self._shape[0], : self._shape[1]]


def iter_dwt(stack: Stack, config: WaveletConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the detail coefficients of largest regional magnitude and the mean of the approximations.

    Raises
    ------
    FocusFuseError
        There is no such wavelet.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="dwt", config=ff.WaveletConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    37
    """
    if config.wavelet not in pywt.wavelist(kind="discrete"):
        raise FocusFuseError(f"there is no discrete wavelet {config.wavelet!r}: choose one that PyWavelets has")
    return (yield from iter_transformed(stack, _Wavelets(stack.shape, config)))


#: Kingsbury's quarter-sample shift filter of six taps, published with 8 digits; these make it orthogonal to all digits.
_Q_SHIFT = (
    0.03516383734444785,
    0.0,
    -0.08832942306022215,
    0.2338903203119106,
    0.7602723669023219,
    0.5875183003504205,
    0.0,
    -0.1143018394757836,
    0.0,
    0.0,
)
_TREES = (0, 1)
_ROOT = 2**0.5


def _first() -> tuple[pywt.Wavelet, ...]:
    """LeGall's 5/3 filters of the finest scale; those of the second tree are one sample later."""
    filters = [np.pad(taps, 1) for taps in pywt.Wavelet("bior2.2").filter_bank]
    later = [np.roll(taps, shift) for taps, shift in zip(filters, (-1, -1, 1, 1), strict=True)]
    return tuple(pywt.Wavelet("5/3", filter_bank=bank) for bank in (filters, later))


def _further() -> tuple[pywt.Wavelet, ...]:
    """Filters of the coarser scales; those of the second tree are reversed, half a sample from the first."""
    banks = (pywt.orthogonal_filter_bank(taps) for taps in (_Q_SHIFT, _Q_SHIFT[::-1]))
    return tuple(pywt.Wavelet("q-shift", filter_bank=bank) for bank in banks)


class DualTree:
    """Dual-tree complex wavelets of planes (Y, X), mirrored at their borders: six directions at each scale.

    Of the four products of two trees along y and two along x, the bands are joined in pairs to complex ones
    (Selesnick et al. 2005), whose magnitude hardly depends on the position of an edge.

    Parameters
    ----------
    shape : (int, int)
    levels : int
        Times that the plane is halved, as far as it can be.
    """

    def __init__(self, shape: tuple[int, ...], levels: int) -> None:
        self._shape, self._levels = shape, halvings(shape, levels)
        step = 2**self._levels
        self._padded = tuple(-(-(side + 2 * MARGIN) // step) * step for side in shape)
        first, further = _first(), _further()
        self._wavelets = [(first if level == 0 else further) for level in range(self._levels)]

    def forward(self, plane: Image) -> tuple[Image, list[Image]]:
        """The four coarse images (4, y, x), and complex bands (y, x), finest scale first."""
        trees = [mirrored(plane, self._padded)] * 4
        bands: list[Image] = []
        for pair in self._wavelets:
            found = [
                pywt.dwt2(tree, (pair[i], pair[j]), mode="periodization")
                for tree, (i, j) in zip(trees, product(_TREES, _TREES), strict=True)
            ]
            trees = [low for low, _ in found]
            for details in zip(*(high for _, high in found), strict=True):
                bands += _joined(*details)
        return np.stack(trees), bands

    def inverse(self, rest: Image, bands: list[Image]) -> Image:
        """The plane (Y, X) of such coefficients; what trees say differently is averaged."""
        trees = list(rest)
        for level in reversed(range(self._levels)):
            pair, six = self._wavelets[level], bands[6 * level : 6 * level + 6]
            details = zip(*(_parted(*two) for two in zip(six[::2], six[1::2], strict=True)), strict=True)
            trees = [
                pywt.idwt2((low, high), (pair[i], pair[j]), mode="periodization")
                for low, high, (i, j) in zip(trees, details, product(_TREES, _TREES), strict=True)
            ]
        return cut(sum(trees) / 4, self._shape)


def _joined(aa: Image, ab: Image, ba: Image, bb: Image) -> tuple[Image, Image]:
    """The complex bands of the two diagonal directions, of equal energy."""
    return (aa - bb + 1j * (ab + ba)) / _ROOT, (aa + bb + 1j * (ba - ab)) / _ROOT


def _parted(one: Image, other: Image) -> tuple[Image, Image, Image, Image]:
    """The bands of the trees that two complex ones were made of."""
    return (
        (one.real + other.real) / _ROOT,
        (one.imag - other.imag) / _ROOT,
        (one.imag + other.imag) / _ROOT,
        (other.real - one.real) / _ROOT,
    )


def iter_dtcwt(stack: Stack, config: PyramidConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the complex detail coefficients of largest regional magnitude and the mean of the coarse images.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="dtcwt", config=ff.PyramidConfig(levels=3)).image
    >>> round(ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"])
    38
    """
    return (yield from iter_transformed(stack, DualTree(stack.shape, config.levels)))
