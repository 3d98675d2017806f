"""Discrete wavelet transform.

H. Li, B. S. Manjunath, S. K. Mitra, "Multisensor image fusion using the wavelet transform", Graphical Models and Image
Processing 57 (1995) 235-245.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from napari_focusfuse.core.config import WaveletConfig
from napari_focusfuse.core.methods._planes import Planes
from napari_focusfuse.core.methods.pyramids import Strongest
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError

__all__ = ["iter_dwt"]

_AXES = (-2, -1)


def iter_dwt(stack: Stack, config: WaveletConfig) -> Generator[Progress, None, NDArray[Any]]:
    """Take the detail coefficients of largest magnitude and the mean of the approximations.

    Raises
    ------
    FocusFuseError
        There is no such wavelet.
    """
    if config.wavelet not in pywt.wavelist(kind="discrete"):
        raise FocusFuseError(f"there is no discrete wavelet {config.wavelet!r}: choose one that PyWavelets has")
    planes, strongest = Planes(stack), Strongest()
    levels = min(config.levels, pywt.dwt_max_level(min(stack.shape), config.wavelet))
    for done, k in enumerate(int(k) for k in stack.order):
        yield Progress(done, len(stack), f"slice {done + 1} of {len(stack)}")
        slice_ = planes.take(k)
        if slice_ is not None:
            rest, *details = pywt.wavedec2(slice_, config.wavelet, level=levels, axes=_AXES)
            strongest.show([band for bands in details for band in bands], rest)
    yield Progress(len(stack), len(stack), "fused image")
    found = strongest.result()
    if found is None:
        return planes.image(np.zeros(planes.shape))
    best, rest = found
    bands = [tuple(best[i : i + 3]) for i in range(0, len(best), 3)]
    fused = pywt.waverec2([rest, *bands], config.wavelet, axes=_AXES)
    return planes.image(fused[:, : stack.shape[0], : stack.shape[1]])
