"""Planes by their places on axes: a regular array of them as metadata state them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Facts
from napari_focusfuse.io.limits import check_count
from napari_focusfuse.io.names import listed
from napari_focusfuse.io.stack_file import StackFile, lazy_planes, title

__all__ = ["Places", "regular", "stack_of"]

Place = TypeVar("Place")


class Places(NamedTuple, Generic[Place]):
    """A regular array of planes.

    Attributes
    ----------
    axes : str
        Letters of those of more than one plane.
    values : tuple of tuples
        What is counted along each.
    there : tuple
        Where each plane is; the last axis runs fastest.
    notes : tuple of str
    """

    axes: str
    values: tuple[tuple[Any, ...], ...]
    there: tuple[Place, ...]
    notes: tuple[str, ...] = ()

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the axes."""
        return tuple(len(values) for values in self.values)

    def each(self, axis: str) -> tuple[Place, ...]:
        """A plane at each place along an axis, the first on all others; nothing where there is no such axis."""
        if axis not in self.axes:
            return ()
        behind = math.prod(self.lengths[self.axes.index(axis) + 1 :])
        return tuple(self.there[k * behind] for k in range(len(self.along(axis))))

    def along(self, axis: str) -> tuple[Any, ...]:
        """What is counted along an axis; nothing where there is no such axis."""
        return self.values[self.axes.index(axis)] if axis in self.axes else ()


def regular(
    found: Mapping[tuple[Any, ...], Place], axes: str, orders: Mapping[str, Sequence[Any]], path: Path
) -> Places[Place]:
    """Planes as an array; time points, or otherwise slices, that are not complete are left out, with a note.

    Parameters
    ----------
    found : mapping
        Where each plane is, by its place on all `axes`.
    axes : str
    orders : mapping
        What is counted along an axis in this order; otherwise it is sorted.
    path : Path
        For messages.

    Raises
    ------
    StackError
        So much is missing that nothing is complete.
    """
    for order in orders.values():
        check_count(path, len(order))
    values = {axis: list(orders.get(axis) or sorted({where[k] for where in found})) for k, axis in enumerate(axes)}
    check_count(path, math.prod(map(len, values.values())))
    notes: list[str] = []
    for axis, what in (("T", "time point"), ("Z", "slice")):
        if axis not in values or not _missing(found, values):
            continue
        kept = [value for value in values[axis] if not _missing(found, {**values, axis: [value]})]
        gone = [f"{value}" for value in values[axis] if value not in kept]
        if kept:
            values[axis] = kept
            are = "s are" if len(gone) > 1 else " is"
            notes.append(f"lacks planes of {what} {listed(gone)}: the {what}{are} left out")
    if absent := _missing(found, values):
        raise StackError(f"{path} lacks {absent} of the planes that its metadata describe: use an intact copy")
    long = [axis for axis in axes if len(values[axis]) > 1]
    cells = product(*(values[axis] for axis in axes))
    return Places(
        "".join(long), tuple(tuple(values[a]) for a in long), tuple(found[cell] for cell in cells), tuple(notes)
    )


def _missing(found: Mapping[tuple[Any, ...], Place], values: Mapping[str, Sequence[Any]]) -> int:
    """How many planes of the full array are not there."""
    return sum(cell not in found for cell in product(*values.values()))


def stack_of(
    places: Places[Any],
    load: Callable[[int], tuple[Path, NDArray[Any]]],
    kind: tuple[tuple[int, ...], np.dtype[Any]],
    facts: Facts,
    files: Iterable[Path],
    path: Path,
    *,
    slots: tuple[int, ...] | None = None,
) -> StackFile:
    """The stack that planes are.

    Parameters
    ----------
    places : Places
    load, kind : callable, (tuple of int, numpy dtype)
        See `lazy_planes`.
    facts : Facts
        Of all of it.
    files : paths
        File of each plane.
    path : Path
        What was opened.
    slots : tuple of int, optional
        See `StackFile`.
    """
    return StackFile(
        lazy_planes(load, places.lengths, *kind),
        places.axes + "YXS"[: len(kind[0])],
        facts.z_step,
        facts.pixel_size,
        title(path),
        path,
        tuple(dict.fromkeys(files)),
        z=facts.z,
        channels=facts.channels,
        notes=facts.notes,
        slots=slots,
    )
