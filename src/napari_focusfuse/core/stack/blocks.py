"""A lazy array that caches what was read last, for repeated reads of one place."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "Memory", "NotReadError"]

#: What all arrays together remember at most, bytes.
_KEPT = 2**29
_Key = tuple[int, ...]
_numbers = count()
_Span = tuple[int, int]


class NotReadError(Exception):
    """What is asked for is not at hand."""


class Memory:
    """Blocks of several arrays; those longest out of use, of any array, are forgotten first.

    Parameters
    ----------
    kept : int
        Bytes that are remembered at most.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self.kept = kept
        self._blocks: OrderedDict[tuple[int, _Key], NDArray[Any]] = OrderedDict()
        self._sizes: dict[int, int] = {}
        # An array may go, and be forgotten, while this thread is in here.
        self._lock = threading.RLock()

    def size(self, owner: int | None = None) -> int:
        """Bytes that are remembered, of one array or of all."""
        with self._lock:
            return sum(self._sizes.values()) if owner is None else self._sizes.get(owner, 0)

    def get(self, owner: int, block: _Key) -> NDArray[Any] | None:
        """A block, if it is remembered."""
        with self._lock:
            found = self._blocks.get((owner, block))
            if found is not None:
                self._blocks.move_to_end((owner, block))
            return found

    def put(self, owner: int, block: _Key, found: NDArray[Any]) -> None:
        """Remember a block."""
        with self._lock:
            self._drop((owner, block))
            self._blocks[owner, block] = found
            self._sizes[owner] = self._sizes.get(owner, 0) + found.nbytes
            while self.size() > self.kept and len(self._blocks) > 1:
                self._drop(next(iter(self._blocks)))

    def forget(self, owner: int) -> None:
        """Remember nothing of an array any more."""
        with self._lock:
            for key in [key for key in self._blocks if key[0] == owner]:
                self._drop(key)
            self._sizes.pop(owner, None)

    def _drop(self, key: tuple[int, _Key]) -> None:
        found = self._blocks.pop(key, None)
        if found is not None:
            self._sizes[key[0]] -= found.nbytes


_shared = Memory()


class Blocks:
    """An array whose blocks, once read, stay at hand; those longest out of use are forgotten.

    Parameters
    ----------
    data : array
        Lazy, with ``chunks`` as dask or zarr have them; without, an index of its first axis is a block.
    memory : Memory, optional
        Remembers them; by default all arrays share one.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy dtype
    """

    def __init__(self, data: Any, memory: Memory | None = None) -> None:
        self._data, self._memory, self._number = data, memory or _shared, next(_numbers)
        self.shape: tuple[int, ...] = tuple(int(n) for n in data.shape)
        self.dtype = np.dtype(data.dtype)
        chunks = getattr(data, "chunks", None) or (1, *self.shape[1:])
        self._edges = [_edges(chunk, n) for chunk, n in zip(chunks, self.shape, strict=True)]
        weakref.finalize(self, self._memory.forget, self._number)
        self._silent = -1
        self._warming = False

    def __getitem__(self, key: Any) -> "_View":
        """A view, by integers and slices of step 1 along the first axes; it reads when it becomes an array."""
        keys = key if isinstance(key, tuple) else (key,)
        return _View(self, tuple(range(len(self.shape))), [(0, n) for n in self.shape])[keys]

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Meanwhile this thread reads nothing: what is not remembered raises `NotReadError`."""
        self._silent = threading.get_ident()
        try:
            yield
        finally:
            self._silent = -1

    def warm(self) -> None:
        """Read as much as can be remembered, block by block, until `cool` is called from another thread."""
        self._warming = True
        for block in product(*(range(len(edges) - 1) for edges in self._edges)):
            if not self._warming or 2 * self._memory.size(self._number) > self._memory.kept:
                break
            self._block(block)

    def cool(self) -> None:
        """End `warm`."""
        self._warming = False

    def read(self, spans: Sequence[_Span]) -> NDArray[Any]:
        """What lies between a start and a stop along each axis."""
        out = np.empty([stop - start for start, stop in spans], dtype=self.dtype)
        touched = [_touched(edges, span) for edges, span in zip(self._edges, spans, strict=True)]
        for block in product(*touched):
            source, target = [], []
            for edges, i, (start, stop) in zip(self._edges, block, spans, strict=True):
                low, high = max(start, edges[i]), min(stop, edges[i + 1])
                source.append(slice(low - edges[i], high - edges[i]))
                target.append(slice(low - start, high - start))
            out[tuple(target)] = self._block(block)[tuple(source)]
        return out

    def _block(self, block: _Key) -> NDArray[Any]:
        known = self._memory.get(self._number, block)
        if known is not None:
            return known
        if self._silent == threading.get_ident():
            raise NotReadError
        where = tuple(slice(edges[i], edges[i + 1]) for edges, i in zip(self._edges, block, strict=True))
        found = np.asarray(self._data[where])
        self._memory.put(self._number, block, found)
        return found


class _View:
    """A part of an array: `spans` of all axes, of which only `axes` are left."""

    def __init__(self, blocks: Blocks, axes: tuple[int, ...], spans: list[_Span]) -> None:
        self._blocks, self._axes, self._spans = blocks, axes, spans

    def __getitem__(self, key: Any) -> "_View":
        keys = key if isinstance(key, tuple) else (key,)
        spans, left = list(self._spans), list(self._axes)
        for axis, k in zip(self._axes, keys, strict=False):
            start, stop = spans[axis]
            low, high = _span(k, stop - start)
            spans[axis] = start + low, start + high
            if not isinstance(k, slice):
                left.remove(axis)
        return _View(self._blocks, tuple(left), spans)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        shape = [stop - start for start, stop in self._spans]
        found = self._blocks.read(self._spans).reshape([shape[axis] for axis in self._axes])
        return found if dtype is None else found.astype(dtype, copy=False)


def _edges(chunk: Any, size: int) -> list[int]:
    """Where blocks begin, and the end: of equal blocks (int) or of those listed."""
    if isinstance(chunk, tuple):
        return [0, *(int(n) for n in np.cumsum(chunk))]
    return [*range(0, size, max(int(chunk), 1)), size]


def _span(key: Any, size: int) -> _Span:
    if isinstance(key, slice):
        start, stop, step = key.indices(size)
        if step != 1:
            raise IndexError("only slices of step 1 can be read")
        return start, max(stop, start)
    if not -size <= key < size:
        raise IndexError(f"there is no index {key} along an axis of {size}")
    return int(key) % size, int(key) % size + 1


def _touched(edges: list[int], span: _Span) -> range:
    first = int(np.searchsorted(edges, span[0], side="right")) - 1
    return range(first, int(np.searchsorted(edges, span[1], side="left")))
