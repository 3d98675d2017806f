"""Sparse representation: B. Yang, S. Li, IEEE Trans. Instrum. Meas. 59 (2010) 884-892.

Each patch of 8 x 8 pixels, one at every pixel, is represented by few atoms of a dictionary; that of the slice whose
coefficients have the largest sum of magnitudes is taken, and overlapping patches are averaged. The mean of a patch is
kept apart and comes from the same slice, as in the toolbox of Liu, Liu and Wang (Information Fusion 24 (2015) 147).

The paper uses cosines; the dictionary here was learned, as in that toolbox. Colours are fused one by one.
"""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config import SRConfig
from napari_focusfuse.core.encode.sparse import Code, omp, represented
from napari_focusfuse.core.methods.shared import Planes, iter_limits
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.core.stack import Stack

__all__ = ["iter_sr", "patches_of"]

Floats = NDArray[np.floating]
_SIDE = 8
#: Rows of patches that are fused at once, and most atoms of a patch.
_ROWS, _MOST = 64, 64


def patches_of(plane: Floats, step: int) -> Floats:
    """Patches (P, 64) of a plane (Y, X) with corners `step` px apart, row by row; the last ones are at its end."""
    rows, columns = (_starts(side, step) for side in plane.shape)
    every = np.lib.stride_tricks.sliding_window_view(plane, (_SIDE, _SIDE))
    return every[np.ix_(rows, columns)].reshape(-1, _SIDE**2)


def _starts(side: int, step: int) -> NDArray[np.intp]:
    """Where patches begin along a side."""
    last = side - _SIDE
    return np.unique([*range(0, last, step), last])


def iter_sr(
    stack: Stack, config: SRConfig, *, weights: Mapping[str, Tensor]
) -> Generator[Progress, None, NDArray[Any]]:
    """Take the patches whose sparse coefficients have the largest sum of magnitudes.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((48, 48), slices=3)
    >>> image = ff.fuse(scene.stack, method="sr", config=ff.SRConfig(error=0.05)).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 30
    True
    """
    dictionary = weights["dictionary"].numpy()
    limits = yield from staged(iter_limits(stack), 0, 0.02)
    planes, pad = Planes(stack), [(0, max(_SIDE - side, 0)) for side in stack.shape]
    height, width = (max(side, _SIDE) for side in stack.shape)
    total, counts = np.zeros((planes.shape[0], height, width)), np.zeros((height, width))
    starts = range(0, height - _SIDE + 1, _ROWS)
    for number, start in enumerate(starts):
        rows = slice(start, min(start + _ROWS + _SIDE - 1, height))
        best = [_Best() for _ in total]
        for done, k in enumerate(int(k) for k in stack.order):
            unit = planes.take_unit(k, limits)
            for channel, kept in enumerate(best):
                at, of = number * len(stack) + done, len(starts) * len(stack)
                yield Progress(20 + 980 * at // of, 1000, f"rows from {start + 1} on, slice {done + 1} of {len(stack)}")
                if unit is not None:
                    part = np.pad(unit[channel], pad, mode="edge")[rows]
                    kept.show(dictionary, patches_of(part, config.step), config.error)
        for plane, kept in zip(total[:, rows], best, strict=True):
            _add(plane, kept.patches, config.step)
        _add(counts[rows], np.ones(patches_of(counts[rows], config.step).shape), config.step)
    yield Progress(1000, 1000, "fused image")
    image = (total / counts)[:, : stack.shape[0], : stack.shape[1]]
    return planes.image_of_unit(image, limits)


class _Best:
    """Of the patches (P, 64) of slices those with the largest sum of magnitudes; ties go to what came first."""

    def __init__(self) -> None:
        self._level: Floats | None = None
        self.patches: Floats = np.zeros((0, _SIDE**2))

    def show(self, dictionary: Floats, patches: Floats, error: float) -> None:
        """Take in the patches of a slice."""
        mean = patches.mean(axis=1, keepdims=True)
        code = omp(dictionary, patches - mean, error, _MOST)
        level = np.abs(code.coefficients).sum(axis=1)
        if self._level is None:
            self._level, self.patches = level, represented(dictionary, code) + mean
            return
        wins = level > self._level
        self._level[wins] = level[wins]
        self.patches[wins] = represented(dictionary, Code(*(part[wins] for part in code))) + mean[wins]


def _add(plane: Floats, patches: Floats, step: int) -> None:
    """Add patches (P, 64) to a plane (Y, X) at their places; none if there are none."""
    rows, columns = (_starts(side, step) for side in plane.shape)
    for pixel, values in enumerate(patches.T if len(patches) else ()):
        y, x = divmod(pixel, _SIDE)
        plane[np.ix_(rows + y, columns + x)] += values.reshape(len(rows), len(columns))
