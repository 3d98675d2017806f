"""The running best of N activity maps: a few maps in memory, however many slices (Eq. 8 for N images)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.encode.head import odds
from napari_focusfuse.core.result import Labels

__all__ = ["BEST", "KEPT", "PEAKS", "TopK"]

#: Slices that are kept for a pixel: the best ones, and for a candidate head further peaks of the energy along z.
BEST, KEPT = 4, 6
#: Peaks that are looked at: some of them are among the best slices as well.
PEAKS = 3
#: Largest number that half a float holds, or nearly.
_MOST = 6e4

Map = NDArray[np.float32]
Where = tuple[slice, slice]


class TopK:
    """For each pixel the best few activities so far, and the activities beside the best.

    Slices are shown in the order of their z; ties go to the earlier one. In a stack with many slices the best few lie
    next to each other. Beside an edge in depth, or on a hair before a rich ground, the right one may be far from them:
    the activity is taken from too wide a window to see it, but the energy of the grey values has a peak there, and a
    candidate head wants to see that too.

    Parameters
    ----------
    shape : (int, int)
        Height and width, px.
    slices : int
        Number of slices to come.
    beside : bool
        Whether to keep the activities beside the best.
    carried : bool
        Whether two further maps come with each slice, grey values and their energy, and are kept for its label; and
        further peaks of the energy are kept.

    Attributes
    ----------
    activity, labels : (K, Y, X) float32 and int16 or int32
        The K = min(4, N) best activities, best first, and their slices. Where maps are carried and N > 4, those two of
        the three highest peaks of the energy that are not among them follow after `finish`; where there is none, the
        best slice with an activity of 0.
    below, above : (Y, X) float32
        Activity one slice before and one after the best; NaN where there is none.
    carried : 2 (K, Y, X) float16 arrays, or none
        The further maps, of the slices in `labels`.
    """

    def __init__(self, shape: tuple[int, int], slices: int, *, beside: bool = True, carried: bool = False) -> None:
        self._layout = _Layout(np.int16 if slices < 2**15 else np.int32, carried)
        self._best = min(BEST, slices)
        self._peaks = PEAKS if carried and slices > BEST else 0
        self._kept = self._layout.empty((self._best + self._peaks, *shape))
        self._fields = self._layout.fields(self._kept)
        self._fields.activity[...], self._fields.labels[...] = -np.inf, -1
        if self._peaks:
            self._fields.energy[...] = -np.inf
        self._odds = np.zeros(shape if carried else (0, 0))
        self._beside = beside
        kept_shape = shape if beside else (0, 0)
        self.below, self.above, self._last = (np.full(kept_shape, np.nan, dtype=np.float32) for _ in range(3))
        hills = shape if self._peaks else (0, 0)
        self._before, self._rising = self._layout.empty(hills), np.ones(hills, dtype=bool)

    @property
    def _shown(self) -> int:
        return min(self._best + self._peaks, KEPT)

    @property
    def activity(self) -> Map:
        """See the class."""
        return self._fields.activity[: self._shown]

    @property
    def labels(self) -> Labels:
        """See the class."""
        return self._fields.labels[: self._shown]

    @property
    def carried(self) -> tuple[NDArray[np.float16], ...]:
        """See the class."""
        return tuple(maps[: self._shown] for maps in self._fields.carried)

    def total(self, where: Where) -> Map:
        """Logarithm (y, x) of the sum over all slices of activity^`SLOPE`, the odds of a decision head."""
        with np.errstate(divide="ignore"):
            return np.log(self._odds[where]).astype(np.float32)

    def show(self, where: Where, label: int, previous: int, activity: Map, *further: Map) -> None:
        """Take in the activity (y, x) of slice `label` in a part of the image, and as many maps as are carried.

        Slice `previous` came just before it; -1: it is the first one.
        """
        best, labels = self._fields.activity[:, *where], self._fields.labels[:, *where]
        wins = activity > best[0]
        if self._beside:
            below, above, last = self.below[where], self.above[where], self._last[where]
            np.copyto(above, activity, where=labels[0] == previous)
            np.copyto(below, last, where=wins)
            above[wins] = np.nan
            last[...] = activity
        current = self._layout.empty(activity.shape)
        fields = self._layout.fields(current)
        fields.activity[...], fields.labels[...] = activity, label
        for maps, given in zip(fields.carried, further, strict=True):
            np.clip(given, -_MOST, _MOST, out=maps, casting="unsafe")
        if further:
            self._odds[where] += odds(activity.astype(np.float64))
        if self._peaks:
            self._climb(where, previous, current)
        kept = _of(self._kept, (slice(None), *where))
        for k in range(self._best):
            wins = wins | (self._layout.fields(current).activity > best[k])
            current = _swapped(current, _of(kept, k), wins)

    def finish(self) -> None:
        """Take in that there are no more slices, and keep the highest peaks that are none of the best slices."""
        if not self._peaks:
            return
        self._insert((slice(None), slice(None)), self._rising, self._before)
        activity, labels, energy = self._fields.activity, self._fields.labels, self._fields.energy
        for peak in range(self._best, self._best + self._peaks):
            known = (labels[peak] == labels[: self._best]).any(axis=0) | (labels[peak] < 0)
            energy[peak][known] = -np.inf
        kept = _of(self._kept, slice(self._best, None))
        for first in (0, 1):
            for k in range(self._peaks - 1, first, -1):
                upper, lower = _of(kept, k - 1), _of(kept, k)
                behind = self._layout.fields(upper).energy < self._layout.fields(lower).energy
                _put(_swapped(lower, upper, behind), lower)
        absent = np.isneginf(energy)
        for part in self._kept:
            np.copyto(part, part[:1], where=absent)
        activity[absent] = 0

    def _climb(self, where: Where, previous: int, current: "_Parts") -> None:
        """Find the peaks that the slice before was."""
        before, rising = _of(self._before, where), self._rising[where]
        if previous >= 0:
            energy, level = self._layout.fields(current).energy, self._layout.fields(before).energy
            falls = energy < level
            self._insert(where, rising & falls, before)
            np.copyto(rising, False, where=falls)
            np.copyto(rising, True, where=energy > level)
        _put(current, before)

    def _insert(self, where: Where, here: NDArray[np.bool_], records: "_Parts") -> None:
        """Put `records` into the list of peaks, `here`, where they are higher than the lowest of it."""
        last = self._best + self._peaks - 1
        at = np.nonzero(here & (self._layout.fields(records).energy > self._fields.energy[last, *where]))
        current = _of(records, at)
        for peak in range(self._best, last + 1):
            kept = _of(self._kept, (peak, *where))
            old = _of(kept, at)
            wins = self._layout.fields(current).energy > self._layout.fields(old).energy
            for part, new, was in zip(kept, current, old, strict=True):
                part[at] = np.where(wins, new, was)
            current = _Parts(*(np.where(wins, was, new) for new, was in zip(current, old, strict=True)))


class _Fields(NamedTuple):
    """What is known of slices at pixels; views."""

    activity: Map
    labels: Labels
    carried: tuple[NDArray[np.float16], ...]

    @property
    def energy(self) -> NDArray[np.float16]:
        """The last of the carried maps."""
        return self.carried[-1]


class _Parts(NamedTuple):
    """The same, in numbers of 8 and 4 or 2 bytes that are moved as they are."""

    main: NDArray[Any]
    rest: NDArray[Any]


class _Layout:
    """How activity, label and carried maps lie in memory: what belongs to a pixel is moved at once."""

    def __init__(self, label: type[np.signedinteger[Any]], carried: bool) -> None:
        self._label, self._carried = label, carried
        #: Whether a carried map fits beside a label.
        self._beside = label is np.int16

    def empty(self, shape: tuple[int, ...]) -> _Parts:
        """Records with anything in them."""
        rest = np.dtype(np.float16 if self._beside else np.float32)
        return _Parts(np.empty(shape, np.float64), np.empty(shape if self._carried else (*shape[:-2], 0, 0), rest))

    def fields(self, records: _Parts) -> _Fields:
        """The fields of records, in place."""
        main = records.main[..., None]
        label = main.view(self._label)[..., 4 // self._label().itemsize]
        halves = records.rest[..., None].view(np.float16)
        if not self._carried:
            carried: tuple[NDArray[np.float16], ...] = ()
        elif self._beside:
            carried = (main.view(np.float16)[..., 3], halves[..., 0])
        else:
            carried = (halves[..., 0], halves[..., 1])
        return _Fields(main.view(np.float32)[..., 0], label, carried)


def _of(records: _Parts, part: Any) -> _Parts:
    return _Parts(*(numbers[part] if numbers.size else numbers for numbers in records))


def _put(records: _Parts, into: _Parts) -> None:
    for numbers, place in zip(records, into, strict=True):
        place[...] = numbers


def _swapped(current: _Parts, kept: _Parts, wins: NDArray[np.bool_]) -> _Parts:
    """Put `current` in the place of `kept` where it wins; what is left over."""
    over = [
        np.where(wins, place, numbers) if place.size else place for numbers, place in zip(current, kept, strict=True)
    ]
    for numbers, place in zip(current, kept, strict=True):
        if place.size:
            np.copyto(place, numbers, where=wins)
    return _Parts(*over)
