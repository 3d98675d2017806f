"""The running best of N activity maps: a few maps in memory, however many slices (Eq. 8 for N images)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.encode.head import odds
from napari_focusfuse.core.result.decision import Labels

__all__ = ["KEPT", "TopK"]

#: Slices that are kept for a pixel.
KEPT = 4

Map = NDArray[np.float32]
Where = tuple[slice, slice]


class TopK:
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
        Number of further maps that come with each slice, and are kept for its label: 0 or 2.

    Attributes
    ----------
    activity, labels : (K, Y, X) float32 and int16 or int32
        The K = min(4, N) best activities, best first, and their slices.
    below, above : (Y, X) float32
        Activity one slice before and one after the best; NaN where there is none.
    carried : (C, K, Y, X) float32
        The further maps, of the slices in `labels`.
    """

    def __init__(self, shape: tuple[int, int], slices: int, *, beside: bool = True, carried: int = 0) -> None:
        self._records = _Records(slices, carried)
        self._kept = self._records.empty((min(KEPT, slices), *shape))
        self.activity, self.labels, self.carried = self._records.fields(self._kept)
        self.activity[...], self.labels[...], self.carried[...] = -np.inf, -1, 0
        self._odds = np.zeros(shape if carried else (0, 0))
        self._beside = beside
        kept_shape = shape if beside else (0, 0)
        self.below, self.above, self._last = (np.full(kept_shape, np.nan, dtype=np.float32) for _ in range(3))

    def total(self, where: Where) -> Map:
        """Logarithm (y, x) of the sum over all slices of activity^`SLOPE`, the odds of a decision head."""
        with np.errstate(divide="ignore"):
            return np.log(self._odds[where]).astype(np.float32)

    def show(self, where: Where, label: int, previous: int, activity: Map, *further: Map) -> None:
        """Take in the activity (y, x) of slice `label` in a part of the image, and as many maps as are carried.

        Slice `previous` came just before it.
        """
        best, kept = self.activity[:, *where], self._kept[:, *where]
        wins = activity > best[0]
        if self._beside:
            below, above, last = self.below[where], self.above[where], self._last[where]
            np.copyto(above, activity, where=self.labels[0, *where] == previous)
            np.copyto(below, last, where=wins)
            above[wins] = np.nan
            last[...] = activity
        if further:
            self._odds[where] += odds(activity.astype(np.float64))
        current = self._records.empty(activity.shape)
        activities, labels, carried = self._records.fields(current)
        activities[...], labels[...] = activity, label
        for maps, given in zip(carried, further, strict=True):
            maps[...] = given
        for k in range(len(kept)):
            wins = wins | (self._records.fields(current)[0] > best[k])
            current, kept[k] = np.where(wins, kept[k], current), np.where(wins, current, kept[k])


class _Records:
    """What is known of a slice at a pixel, side by side in 8 or 16 bytes, which are moved as one number.

    Parameters
    ----------
    slices : int
        Number of slices: labels are as short as it allows.
    carried : int
        Number of further maps, at most 2.
    """

    def __init__(self, slices: int, carried: int) -> None:
        self._label: type[np.signedinteger[Any]] = np.int16 if slices < 2**15 else np.int32
        self._carried = carried
        self._number = np.complex128 if carried else np.float64

    def empty(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Records with anything in them."""
        return np.empty(shape, dtype=self._number)

    def fields(self, records: NDArray[Any]) -> tuple[Map, Labels, Map]:
        """The activities (...), labels (...) and further maps (C, ...) in records, in place."""
        numbers = records[..., None].view(np.float32)
        label = records[..., None].view(self._label)[..., 4 // self._label().itemsize]
        return numbers[..., 0], label, np.moveaxis(numbers[..., 2 : 2 + self._carried], -1, 0)
