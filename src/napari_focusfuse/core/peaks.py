"""The running best of N activity maps: a few maps in memory, however many slices (Eq. 8 for N images)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.decision import Labels
from napari_focusfuse.core.head import SLOPE

__all__ = ["KEPT", "Peaks"]

#: Slices that are kept for a pixel.
KEPT = 4

Map = NDArray[np.float32]
Where = tuple[slice, slice]


class Peaks:
    """For each pixel the best few activities so far, and the activities beside the best.

    Slices are shown in the order of their z; ties go to the earlier one.

    Parameters
    ----------
    shape : (int, int)
        Height and width, px.
    slices : int
        Number of slices to come.
    beside : bool
        Whether to keep the activities beside the best.
    carried : int
        Number of further maps that come with each slice, and are kept for its label.

    Attributes
    ----------
    activity, labels : (K, Y, X) float32 and int16 or int32
        The K = min(4, N) best activities, best first, and their slices.
    below, above : (Y, X) float32
        Activity one slice before and one after the best; NaN where there is none.
    carried : (C, K, Y, X) float32
        The further maps, of the slices in `labels`.
    total : (Y, X) float32
        Logarithm of the sum over all slices of activity^`SLOPE`, the odds of a decision head; if anything is carried.
    """

    def __init__(self, shape: tuple[int, int], slices: int, *, beside: bool = True, carried: int = 0) -> None:
        kept = min(KEPT, slices)
        self.activity = np.full((kept, *shape), -np.inf, dtype=np.float32)
        self.labels: Labels = np.full((kept, *shape), -1, dtype=np.int16 if slices < 2**15 else np.int32)
        self.carried = np.zeros((carried, kept, *shape), dtype=np.float32)
        self.total = np.full(shape if carried else (0, 0), -np.inf, dtype=np.float32)
        self._beside = beside
        kept_shape = shape if beside else (0, 0)
        self.below, self.above, self._last = (np.full(kept_shape, np.nan, dtype=np.float32) for _ in range(3))

    def show(self, where: Where, label: int, previous: int, activity: Map, *further: Map) -> None:
        """Take in the activity (y, x) of slice `label` in a part of the image, and as many maps as are carried.

        Slice `previous` came just before it.
        """
        best, labels = self.activity[:, *where], self.labels[:, *where]
        wins = activity > best[0]
        if self._beside:
            below, above, last = self.below[where], self.above[where], self._last[where]
            np.copyto(above, activity, where=labels[0] == previous)
            np.copyto(below, last, where=wins)
            above[wins] = np.nan
            last[...] = activity
        if further:
            total = self.total[where]
            with np.errstate(divide="ignore"):
                np.logaddexp(total, SLOPE * np.log(activity), out=total)
        kept = [best, labels, *(maps[:, *where] for maps in self.carried)]
        current: list[NDArray[Any]] = [activity, np.full(activity.shape, label, dtype=labels.dtype), *further]
        for k in range(len(best)):
            wins = wins | (current[0] > best[k])
            for i, maps in enumerate(kept):
                current[i], maps[k] = _exchanged(wins, current[i], maps[k])


def _exchanged(where: NDArray[np.bool_], a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.where(where, b, a), np.where(where, a, b)
