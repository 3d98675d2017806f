"""A stack as a file holds it, and the way from its axes to a focus stack."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Channel

__all__ = ["StackFile", "check_alike", "gapped", "lazy_planes", "stack_letter", "title"]

#: Axes that are a stack of images, but do not say of what.
_UNNAMED = "QI"


@dataclass(frozen=True, eq=False)
class StackFile:
    """Images of one file or folder.

    Attributes
    ----------
    data : dask array
        Read plane by plane when it is needed; colour samples are the last axis. Errors on reading are `StackError`.
    axes : str
        One letter an axis, as in tifffile: "ZYX", "TZCYX", "ZYXS"; S is RGB(A) samples, Q and I are unnamed.
    z_step : float or None
        Distance between neighbouring slices, um.
    pixel_size : (float, float) or None
        Size of a pixel along y and x, um.
    name : str
        Name for people, without folder and suffix.
    path : Path
        What was opened.
    inputs : tuple of Path
        Files (or the Zarr folder) that hold the values.
    z : tuple of float or None
        Positions of the slices, um, where the file states that they are not evenly spaced or descend.
    channels : tuple of Channel
        Names and colours, as far as they are known.
    notes : tuple of str
        Contradictions in the metadata and how they were resolved; one sentence each.
    coarser : tuple of dask arrays
        The same at lower resolution, finest first, for viewers.
    slots : tuple of int or None
        Number of each slice from 0, if the file names skip some or some were left out.
    origin : mapping
        Position of the first pixel, um, by the letter of the axis; 0 if left out.
    suspects : tuple of Path
        Of the inputs, those that may be no slices; `notes` say why.
    ratio : mapping
        Step along an axis by that along Y, by its letter, where only that is known.
    """

    data: Any
    axes: str
    z_step: float | None
    pixel_size: tuple[float, float] | None
    name: str
    path: Path
    inputs: tuple[Path, ...]
    z: tuple[float, ...] | None = None
    channels: tuple[Channel, ...] = ()
    notes: tuple[str, ...] = ()
    coarser: tuple[Any, ...] = ()
    slots: tuple[int, ...] | None = None
    origin: Mapping[str, float] = field(default_factory=dict)
    ratio: Mapping[str, float] = field(default_factory=dict)
    suspects: tuple[Path, ...] = ()

    def focus_stack(self, axis: str | None = None, *, rgb: bool = False) -> "StackFile":
        """Bring the axes to (Z, Y, X) or (Z, Y, X, S); axes of length 1 are dropped.

        Parameters
        ----------
        axis : str, optional
            Letter or number of the stack axis. By default Z, or the only other axis if the file does not name it.
        rgb : bool
            Read a channel axis of length 3 or 4 as colour.

        Raises
        ------
        StackError
            There is no such axis, no stack axis, or an axis besides it, such as time.
        """
        axes, data, here, others = self._sorted_axes(axis, rgb=rgb)
        surplus = [axes[i] for i in others if data.shape[i] != 1]
        if surplus:
            raise _more_axes(self, surplus, colour=surplus == ["C"] and data.shape[axes.index("C")] in (3, 4))
        order = [here, axes.index("Y"), axes.index("X"), *(i for i, a in enumerate(axes) if a == "S")]
        data = data.transpose(others + order)[(0,) * len(others)]
        known = _along(axes[here])
        return replace(self, data=data, axes="ZYXS"[: data.ndim], coarser=(), **known)

    def positions(self, z_step: float | None = None) -> list[float] | None:
        """Position of each slice of a focus stack, um; in slices where only gaps are known; None if nothing is.

        Parameters
        ----------
        z_step : float, optional
            Distance between neighbouring slices, um, instead of what the file states.
        """
        if z_step is None and self.z is not None:
            return list(self.z)
        step = self.z_step if z_step is None else z_step
        slots = self.slots or range(self.data.shape[len(self.axes.replace("S", "")) - 3])
        if step is None:
            return None if self.slots is None else [float(slot) for slot in slots]
        return [slot * step for slot in slots]

    def mean_step(self, z_step: float | None = None) -> float | None:
        """Mean distance between neighbouring slices, um, which is more than the z-step where slices are missing.

        Parameters
        ----------
        z_step : float, optional
            As for `positions`.
        """
        if z_step is None or self.slots is None:
            return self.z_step if z_step is None else z_step
        return z_step * self.slots[-1] / (len(self.slots) - 1)

    def hyperstack(self, axis: str | None = None, *, rgb: bool = False) -> "StackFile":
        """Bring the axes to (..., Z, Y, X) or (..., Z, Y, X, S); further axes are kept, but those of length 1.

        The stack axis keeps its letter; see `focus_stack` for the parameters.

        Raises
        ------
        StackError
            There is no such axis, or no stack axis.
        """
        axes, data, here, others = self._sorted_axes(axis, rgb=rgb)
        kept = [i for i in others if data.shape[i] > 1]
        dropped = [i for i in others if i not in kept]
        order = [*kept, here, axes.index("Y"), axes.index("X"), *(i for i, a in enumerate(axes) if a == "S")]
        data = data.transpose(dropped + order)[(0,) * len(dropped)]
        letters = "".join(axes[i] for i in order)
        if len(set(letters)) < len(letters):
            raise StackError(f"{self.path} has two axes of one name ({self.dimensions}): save it as OME-TIFF")
        return replace(self, data=data, axes=letters, coarser=(), **_along(axes[here]))

    def _sorted_axes(self, axis: str | None, *, rgb: bool) -> tuple[str, Any, int, list[int]]:
        """Letters of the axes, the data, the stack axis and the axes that are neither it nor in a slice."""
        axes, data = self._colour(rgb)
        here = _chosen(self, axis) if axis is not None else _proposed(self, axes)
        return axes, data, here, [i for i, a in enumerate(axes) if i != here and a not in "YXS"]

    def _colour(self, rgb: bool) -> tuple[str, Any]:
        if not rgb or "S" in self.axes:
            return self.axes, self.data
        if "C" not in self.axes or self.data.shape[self.axes.index("C")] not in (3, 4):
            raise StackError(
                f"{self.path} has no channel axis of length 3 or 4 ({self.dimensions}): do not read it as colour"
            )
        return self.axes.replace("C", "S"), self.data

    @property
    def dimensions(self) -> str:
        """Letters and lengths of the axes, for people."""
        return ", ".join(f"{a} = {n}" for a, n in zip(self.axes, self.data.shape, strict=True))


def _more_axes(file: StackFile, surplus: list[str], *, colour: bool) -> StackError:
    """Why a file with further axes is no focus stack, and what can be done."""
    channels = surplus == ["C"]
    ways = ["fuse all of it", *(["choose one channel"] if channels else [])]
    ways += ["read C as colour"] if colour else []
    settings = ["all_positions", *(["channel"] if channels else []), *(["rgb"] if colour else [])]
    return StackError(
        f"{file.path} has more axes than a focus stack ({file.dimensions}): "
        f"{', '.join(ways)}, or save it with one position along {' and '.join(surplus)}",
        settings=dict.fromkeys(settings, ""),
    )


def _along(letter: str) -> dict[str, Any]:
    """What becomes of the positions of slices: along time or channels there are none."""
    return {"z_step": None, "z": None, "slots": None} if letter in "TC" else {}


def _proposed(file: StackFile, axes: str) -> int:
    sizes = dict(zip(axes, file.data.shape, strict=True))
    if sizes.get("Z", 0) > 1:
        return axes.index("Z")
    long = [a for a, n in sizes.items() if n > 1 and a not in "YXSZ"]
    if len(long) == 1 and long[0] in _UNNAMED:
        return axes.index(long[0])
    if not long and "Z" in axes:
        return axes.index("Z")
    if not long:
        raise StackError(
            f"{file.path} contains one image: a focus stack is a folder of slices, a multi-page TIFF or an OME-Zarr"
        )
    raise StackError(
        f"{file.path} does not say which axis is the stack axis ({file.dimensions}): "
        f"if the slices lie along {' or '.join(long)}, say so",
        settings={"axis": long[0]},
    )


def _chosen(file: StackFile, axis: str) -> int:
    letter = axis.strip().upper()
    if letter.isdecimal() and int(letter) < len(file.axes):
        letter = file.axes[int(letter)]
    if len(letter) != 1 or letter not in file.axes or letter in "YXS":
        free = [f"{a} ({i})" for i, a in enumerate(file.axes) if a not in "YXS"]
        choices = f"choose from {', '.join(free)}" if free else "it holds one image"
        raise StackError(f"{axis!r} cannot be the stack axis of {file.path} ({file.dimensions}): {choices}")
    return file.axes.index(letter)


def stack_letter(file: StackFile) -> str:
    """Letter of the stack axis of a focus stack, or of several as `StackFile.hyperstack` gives them."""
    return file.axes.replace("S", "")[-3]


def gapped(
    z: Sequence[float] | None, z_step: float | None, numbers: Sequence[int]
) -> tuple[float | None, tuple[float, ...] | None, tuple[int, ...] | None]:
    """Mean z-step, positions and `StackFile.slots` of slices of which some may be missing.

    Parameters
    ----------
    z : sequence of float or None
        Positions where they are stated.
    z_step : float or None
        Distance of slices whose numbers follow each other, or the mean one of `z`.
    numbers : sequence of int
        Of the slices.
    """
    slots = tuple(number - numbers[0] for number in numbers)
    gaps = slots != tuple(range(len(slots)))
    if z is None and z_step is not None and gaps:
        z = [slot * z_step for slot in slots]
    if z is None or len(z) < 2:
        return z_step, None, slots if gaps else None
    return float(np.ptp(z)) / (len(z) - 1), tuple(z), slots if gaps else None


def title(path: Path) -> str:
    """Name of a file without its suffixes, of an OME-Zarr without its suffix, of another folder as it is."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - "." gets a name, a link keeps its own
    if path.is_dir() and path.suffix.lower() != ".zarr":
        return path.name or "stack"
    name = path.stem
    return name[:-4] if name.lower().endswith(".ome") else name


def check_alike(
    path: Path, kind: tuple[tuple[int, ...], np.dtype[Any]], wanted: tuple[tuple[int, ...], np.dtype[Any]]
) -> None:
    """Refuse an image whose shape and type, in whatever byte order, are not those of the others."""
    if (kind[0], kind[1].newbyteorder("=")) != (wanted[0], wanted[1].newbyteorder("=")):
        raise StackError(
            f"{path} holds {kind[1]} {kind[0]} where {wanted[1]} {wanted[0]} is expected: "
            "all slices must be of one size and type"
        )


def lazy_planes(
    load: Callable[[int], tuple[Path, NDArray[Any]]],
    leading: tuple[int, ...],
    shape: tuple[int, ...],
    dtype: DTypeLike,
) -> Any:
    """A dask array of planes, each read when it is computed.

    Parameters
    ----------
    load : callable
        From the number of a plane, the last of the leading axes running fastest, to the file and its image, `shape` and
        `dtype`.
    leading : tuple of int
        Lengths of the axes in front of the planes.
    shape : tuple of int
        Shape of a plane.
    dtype : dtype
        In native byte order on the way out.
    """
    import dask.array as da

    native = np.dtype(dtype).newbyteorder("=")
    chunks = (*((1,) * n for n in leading), *((n,) for n in shape))
    meta = np.empty((0,) * len(chunks), dtype=native)

    def block(block_id: tuple[int, ...]) -> NDArray[Any]:
        where = block_id[: len(leading)]
        path, image = load(int(np.ravel_multi_index(where, leading)) if where else 0)
        check_alike(path, (image.shape, image.dtype), (shape, native))
        return image.astype(native, copy=False)[(None,) * len(leading)]

    # A name of its own: a viewer caches blocks by name, and the file may have changed since it was last opened.
    name = f"planes-{uuid4().hex}"
    return da.map_blocks(block, name=name, chunks=chunks, dtype=native, meta=meta)  # type: ignore[no-untyped-call]
