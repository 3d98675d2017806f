"""Discrete wavelet transform.

H. Li, B. S. Manjunath, S. K. Mitra, "Multisensor image fusion using the wavelet transform", Graphical Models and Image
Processing 57 (1995) 235-245.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import WaveletConfig
from napari_focusfuse.core.methods._planes import Planes
from napari_focusfuse.core.methods.block_sf import majority
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result.decision import Labels
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Regional", "iter_dwt"]

Image = NDArray[Any]
_AXES = (-2, -1)
#: Side of the window of the activity and of the majority vote.
_WINDOW = (1, 3, 3)


class Regional:
    """Which slice each coefficient is taken from (Sect. 3 of the paper): areas decide, not single coefficients.

    The activity is the largest magnitude in a window of 3 x 3 coefficients; where five or more of the 3 x 3 around
    agree on another slice, that one is taken. With two slices this is the majority filter of the paper.
    """

    def __init__(self) -> None:
        self._best: list[Image] = []
        self.labels: list[Labels] = []

    def show(self, k: int, bands: list[Image]) -> None:
        """Take in the bands (C, y, x) of slice `k`; ties go to what came first."""
        activities = [ndimage.maximum_filter(np.abs(band), _WINDOW, mode="mirror") for band in bands]
        if not self.labels:
            self._best = activities
            self.labels = [np.full(band.shape, k, dtype=np.int32) for band in bands]
            return
        for best, label, activity in zip(self._best, self.labels, activities, strict=True):
            wins = activity > best
            best[wins], label[wins] = activity[wins], k

    def verify(self) -> None:
        """Let the majority of the neighbours decide; to be called after the last slice."""
        self._best = []
        self.labels = [np.stack([majority(plane) for plane in label]) for label in self.labels]


def iter_dwt(stack: Stack, config: WaveletConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the detail coefficients of largest regional magnitude and the mean of the approximations.

    Each slice is transformed twice, once to decide and once to take from it, so that no more than one is in memory.

    Raises
    ------
    FocusFuseError
        There is no such wavelet.
    """
    if config.wavelet not in pywt.wavelist(kind="discrete"):
        raise FocusFuseError(f"there is no discrete wavelet {config.wavelet!r}: choose one that PyWavelets has")
    planes, regional, order = Planes(stack), Regional(), [int(k) for k in stack.order]
    for done, k in enumerate(order):
        yield Progress(done, 2 * len(stack), f"slice {done + 1} of {len(stack)}")
        found = _transformed(planes, k, config)
        if found is not None:
            regional.show(k, found[1])
    yield Progress(1, 2, "majority of neighbours")
    regional.verify()
    fused = [np.zeros(label.shape) for label in regional.labels]
    rest: Image | float = 0.0
    count = 0
    for done, k in enumerate(order):
        yield Progress(len(stack) + done, 2 * len(stack), f"detail of slice {done + 1} of {len(stack)}")
        found = _transformed(planes, k, config)
        if found is None:
            continue
        rest, count = rest + found[0].astype(np.float64), count + 1
        for out, band, label in zip(fused, found[1], regional.labels, strict=True):
            np.copyto(out, band, where=label == k)
    yield Progress(1, 1, "fused image")
    if not count:
        return planes.image(np.zeros(planes.shape))
    levels = [tuple(fused[i : i + 3]) for i in range(0, len(fused), 3)]
    image = pywt.waverec2([rest / count, *levels], config.wavelet, axes=_AXES)
    return planes.image(image[:, : stack.shape[0], : stack.shape[1]])


def _transformed(planes: Planes, k: int, config: WaveletConfig) -> tuple[Image, list[Image]] | None:
    """Approximation and bands, coarsest first, of slice `k`; None if nothing in it is finite."""
    slice_ = planes.take(k)
    if slice_ is None:
        return None
    levels = min(config.levels, pywt.dwt_max_level(min(slice_.shape[1:]), config.wavelet))
    rest, *details = pywt.wavedec2(slice_, config.wavelet, level=levels, axes=_AXES)
    return rest, [band for bands in details for band in bands]
