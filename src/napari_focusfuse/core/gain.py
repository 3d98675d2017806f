"""Brightness that changes from slice to slice, removed before slices are compared.

A slice that is five per cent brighter has five per cent more activity everywhere and would win everywhere. Defocus
hardly changes the means of blocks of some ten pixels a side, so the contrast between neighbouring blocks tells the gain
of a slice against the one before it, whatever the dark level is and even after a camera's tone curve. The pixels of the
fused image stay as they are.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.intensity import filled

__all__ = ["Leveller", "block_means"]

#: Side of the blocks, px; in small images at most a quarter of the image.
_SIDE = 32
#: Slices that are less alike than this show something else (optical sections), not the same scene at another gain.
_ALIKE = 0.98
#: Defocus alone changes the contrast of the blocks by up to this share from slice to slice; what is less is no gain.
_NO_GAIN = 0.04
_FLAT = 1e-3

Grey = NDArray[np.float32]


def block_means(grey: Grey) -> NDArray[np.float64]:
    """Means of equal square blocks; what is left over at the right and below is not used."""
    side = max(1, min(_SIDE, min(grey.shape) // 4))
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    blocks = grey[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def _contrast(blocks: NDArray[np.float64]) -> float:
    """Standard deviation of the blocks against their neighbourhood."""
    return float((blocks - ndimage.gaussian_filter(blocks, 1)).std())


class Leveller:
    """Brings slices, shown in the order of z, to the gain of the first one."""

    def __init__(self) -> None:
        self._before: NDArray[np.float64] | None = None
        self._gain = 1.0

    def level(self, grey: Grey) -> Grey:
        """The slice (Y, X) with its gain removed; what it adds to all pixels has no spatial frequency and may stay."""
        here, before = block_means(filled(grey)[0]), self._before
        self._before = here
        if before is None:
            return grey
        contrast, contrast_before = _contrast(here), _contrast(before)
        if min(contrast, contrast_before) < _FLAT or np.corrcoef(here.flat, before.flat)[0, 1] < _ALIKE:
            self._gain = 1.0
            return grey
        step = contrast_before / contrast
        if abs(step - 1) > _NO_GAIN:
            self._gain *= step
        return grey if self._gain == 1 else np.asarray(grey * np.float32(self._gain))
