"""Fusion in a transform: what all methods share that pick coefficients by areas and average the rest.

The rule is that of H. Li, B. S. Manjunath, S. K. Mitra, "Multisensor image fusion using the wavelet transform",
Graphical Models and Image Processing 57 (1995) 235-245, which comparisons of transforms use for all of them: Y. Liu,
S. Liu, Z. Wang, "A general framework for image fusion based on multi-scale transform and sparse representation",
Information Fusion 24 (2015) 147-164.
"""

from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.methods.shared import Planes
from napari_focusfuse.core.methods.windows import majority
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.result import Labels
from napari_focusfuse.core.stack import Stack

__all__ = ["MARGIN", "Image", "Regional", "Transform", "cut", "halvings", "iter_transformed", "mirrored"]

Image = NDArray[Any]
#: Side of the window of the activity and of the majority vote.
_WINDOW = 3
#: Mirrored pixels on each side of an image whose transform is periodic.
MARGIN = 32


class Transform(Protocol):
    """A linear transform of planes (Y, X) of one shape, which can be inverted."""

    def forward(self, plane: Image) -> tuple[Image, list[Image]]:
        """What remains at the coarsest scale, and the real or complex bands of detail (y, x)."""

    def inverse(self, rest: Image, bands: list[Image]) -> Image:
        """The plane (Y, X) of such coefficients."""


class Regional:
    """Which slice each coefficient is taken from (Sect. 3 of Li et al.): areas decide, not single coefficients.

    The activity is the largest magnitude in a window of 3 x 3 coefficients; where five or more of the 3 x 3 around
    agree on another slice, that one is taken. With two slices this is the majority filter of the paper.
    """

    def __init__(self) -> None:
        self._best: list[Image] = []
        self.labels: list[Labels] = []

    def show(self, k: int, bands: list[Image]) -> None:
        """Take in the bands (y, x) of slice `k`; ties go to what came first."""
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
        self.labels = [majority(label) for label in self.labels]


def iter_transformed(stack: Stack, transform: Transform) -> Generator[Progress, None, Image]:
    """Take the bands' coefficients of largest regional magnitude and the mean of the rest, colour by colour.

    Each slice is transformed twice, once to decide and once to take from it, so that no more than one is in memory.
    """
    planes = Planes(stack)
    share = 1 / planes.shape[0]
    fused = []
    for channel in range(planes.shape[0]):
        work = _iter_channel(stack, planes, channel, transform)
        fused.append((yield from staged(work, channel * share, share)))
    return planes.image(np.stack(fused))


def _iter_channel(stack: Stack, planes: Planes, channel: int, transform: Transform) -> Generator[Progress, None, Image]:
    regional, order = Regional(), [int(k) for k in stack.order]
    for done, k in enumerate(order):
        yield Progress(done, 2 * len(order), f"slice {done + 1} of {len(order)}")
        if (slice_ := planes.take(k)) is not None:
            regional.show(k, transform.forward(slice_[channel])[1])
    yield Progress(1, 2, "majority of neighbours")
    regional.verify()
    fused: list[Image] = []
    rest, count = np.zeros(()), 0
    for done, k in enumerate(order):
        yield Progress(len(order) + done, 2 * len(order), f"detail of slice {done + 1} of {len(order)}")
        if (slice_ := planes.take(k)) is None:
            continue
        more, bands = transform.forward(slice_[channel])
        fused = fused or [np.zeros_like(band) for band in bands]
        rest, count = rest + more.astype(np.float64), count + 1
        for out, band, label in zip(fused, bands, regional.labels, strict=True):
            np.copyto(out, band, where=label == k)
    yield Progress(1, 1, "fused image")
    return transform.inverse(rest / count, fused) if count else np.zeros(stack.shape)


def halvings(shape: tuple[int, ...], levels: int) -> int:
    """How many of `levels` times an image (Y, X) can be halved."""
    return min(levels, min(shape).bit_length() - 1)


def mirrored(plane: Image, shape: tuple[int, ...]) -> Image:
    """A plane (Y, X) in the middle of a larger one of `shape`, mirrored at its borders."""
    before = [(large - small) // 2 for large, small in zip(shape, plane.shape, strict=True)]
    widths = [(b, large - small - b) for b, large, small in zip(before, shape, plane.shape, strict=True)]
    return np.pad(plane, widths, mode="symmetric")


def cut(plane: Image, shape: tuple[int, ...]) -> Image:
    """The middle of a plane, `shape`: what was mirrored."""
    y, x = ((large - small) // 2 for large, small in zip(plane.shape, shape, strict=True))
    return plane[y : y + shape[0], x : x + shape[1]]
