"""From an image layer to the focus stack that a run takes: axes, position, spacing; and its place in the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.opened import mark, sample

__all__ = [
    "KEY",
    "LOOKS",
    "Source",
    "Taken",
    "axis_name",
    "data_of",
    "further_axes",
    "in_file",
    "inputs_of",
    "lazy",
    "micrometres",
    "place_along",
    "place_of",
    "placed",
    "plane_axes",
    "problem",
    "take",
    "taken",
    "to_world",
]

#: Our part of a layer's metadata.
KEY = "napari-focusfuse"
#: What a layer made of another shares with it so that it looks like it.
LOOKS = ("blending", "colormap", "contrast_limits", "gamma")


@dataclass(frozen=True, eq=False)
class Taken:
    """What a run takes of an image layer, frozen when it starts: one stack or those of several positions.

    Attributes
    ----------
    title : str
        Name of the layer, with the index on those axes that are fixed.
    layer_id : str
        Identifies the layer as long as napari runs.
    layer : Image
    data : array
        Without the fixed axes; not copied.
    label : str
        Name of the stack axis.
    slices : int
    position : dict of str to int
        Index on each fixed axis, by name.
    rgb : bool
    looks : dict
        Arguments that make an image look like the layer.
    """

    title: str
    layer_id: str
    layer: Image
    data: Any
    label: str
    slices: int
    position: dict[str, int]
    rgb: bool
    looks: dict[str, Any]

    @cached_property
    def inputs(self) -> list[str]:
        """Files that the layer was read from, as far as they are known; asked for at first, some pixels are read."""
        return inputs_of(self.layer)

    def note(self) -> dict[str, Any]:
        """What the layers of a result say of where it comes from."""
        return {
            "source": self.title,
            "source_id": self.layer_id,
            "inputs": self.inputs,
            "axis": self.label,
            "position": self.position,
            "slices": self.slices,
        }


@dataclass(frozen=True, eq=False)
class Source(Taken):
    """One focus stack of an image layer; all further axes are fixed.

    Attributes
    ----------
    data : array
        The three axes of the stack, and the samples of RGB(A) as the last.
    axis : int
        The stack axis of `data`.
    place : dict
        Arguments that put a (Y, X) layer exactly on the slices.
    """

    axis: int
    place: dict[str, Any]


def data_of(layer: Image) -> Any:
    """The pixels of a layer, at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def axis_name(layer: Image, axis: int) -> str:
    """Label of an axis; "axis -3" where it has none but napari's number."""
    label = str(layer.axis_labels[axis])
    return f"axis {label}" if label.lstrip("-").isdigit() else label


def plane_axes(layer: Image, axis: int) -> tuple[int, int]:
    """The axes of a slice: those labelled y and x, or the last two besides the stack axis."""
    others = [i for i in range(layer.ndim) if i != axis]
    labelled = [i for i in others if layer.axis_labels[i].lower() in ("y", "x")]
    first, second = labelled if len(labelled) == 2 else others[-2:]
    return first, second


def _extra_axes(layer: Image, axis: int) -> list[int]:
    """Axes that are neither the stack axis nor in a slice: time, channel."""
    return [i for i in range(layer.ndim) if i != axis and i not in plane_axes(layer, axis)]


def problem(layer: Image, axis: int) -> str | None:
    """Why the layer is not a focus stack along `axis`, in one sentence; None if it is."""
    if layer.ndim < 3:
        return (
            f"{layer.name!r} is a single image, and a focus stack needs two or more: "
            "open the slices together with File > Open Files as Stack, or open their folder."
        )
    if data_of(layer).shape[axis] < 2:
        return f"{layer.name!r} has only one slice along {axis_name(layer, axis)}: choose another stack axis."
    return None


def micrometres(layer: Image, axis: int) -> float | None:
    """Spacing along an axis in um; None where the layer gives no unit of length."""
    unit = layer.units[axis]
    if not unit.is_compatible_with("micrometer"):
        return None
    return float(abs(float(layer.scale[axis]) * unit).to("micrometer").magnitude)


def further_axes(layer: Image, axis: int, point: Sequence[float]) -> dict[int, int]:
    """The axes that are neither the stack axis nor in a slice, and the index of the viewer's `point` on each."""
    shape = data_of(layer).shape
    where = np.round(layer.world_to_data(np.asarray(point)[-layer.ndim :])).astype(int)
    return {i: int(np.clip(where[i], 0, shape[i] - 1)) for i in _extra_axes(layer, axis)}


def take(layer: Image, axis: int, point: Sequence[float]) -> Source:
    """Freeze what a run needs of a layer.

    Parameters
    ----------
    layer : Image
    axis : int
        The stack axis.
    point : sequence of float
        Where the viewer's sliders are, in world coordinates; chooses the time point and channel.
    """
    position = further_axes(layer, axis, point)
    return Source(
        **taken(layer, axis, position),
        axis=sum(i not in position for i in range(axis)),
        place=place_along(layer, plane_axes(layer, axis), position),
    )


def taken(layer: Image, axis: int, fixed: Mapping[int, int]) -> dict[str, Any]:
    """What `Taken` holds of a layer, with its index on those axes that are fixed."""
    position = {axis_name(layer, i): k for i, k in fixed.items()}
    where = ", ".join(f"{name} = {k}" for name, k in position.items())
    return {
        "title": f"{layer.name} ({where})" if where else str(layer.name),
        "layer_id": str(layer.unique_id),
        "layer": layer,
        "data": lazy(data_of(layer))[tuple(fixed.get(i, slice(None)) for i in range(layer.ndim))],
        "label": axis_name(layer, axis),
        "slices": int(data_of(layer).shape[axis]),
        "position": position,
        "rgb": bool(layer.rgb),
        "looks": {} if layer.rgb else {name: getattr(layer, name) for name in LOOKS},
    }


def inputs_of(layer: Image) -> list[str]:
    """Files that a layer was read from: what our reader noted, or the file that napari opened; none if in doubt.

    None either of a layer whose pixels are no longer those of the files, see `mark` and `sample`.
    """
    from napari_focusfuse import api
    from napari_focusfuse.errors import FocusFuseError
    from napari_focusfuse.gui.layers.axes import stated_by_file

    note, opened = layer.metadata.get(KEY, {}), layer.source.path
    noted = note.get("inputs")
    if noted or not opened or not Path(opened).is_file():
        changed = "mark" in note and mark(data_of(layer)) != note["mark"]
        return [] if changed else list(noted or [])
    if not api.is_stack_file(opened):
        return [str(opened)]
    # Of several files that are opened as a stack napari names the first.
    stated = stated_by_file(layer)
    if stated is None:
        return []
    try:
        there = sample(stated.data)
    except FocusFuseError:
        return []
    same = np.array_equal(sample(data_of(layer)), there, equal_nan=there.dtype.kind == "f")
    return [str(opened)] if same else []


def in_file(layer: Image) -> dict[str, int]:
    """Where a layer lies in its file, on axes that the layer has not."""
    return dict(layer.metadata.get(KEY, {}).get("in_file", {}))


def lazy(data: Any) -> Any:
    """`data`, as something whose indexing reads nothing: zarr and the like would read a whole time point."""
    if isinstance(data, np.ndarray):
        return data
    from dask.array import asarray

    return asarray(data)  # type: ignore[no-untyped-call]


def place_of(layer: Image) -> dict[str, Any]:
    """Arguments that put a (Y, X) layer exactly on a layer that is a single image."""
    return place_along(layer, plane_axes(layer, -1), {})


def place_along(layer: Image, axes: Sequence[int], position: Mapping[int, int]) -> dict[str, Any]:
    """Arguments that put a layer with some of the axes of `layer` on it, at a position on the others, or at 0."""
    kept = list(axes)
    scale, translate = np.asarray(layer.scale)[kept], np.asarray(layer.translate)[kept]
    units, labels = ([values[i] for i in kept] for values in (layer.units, layer.axis_labels))
    return placed(to_world(layer, kept, position), scale, translate, units, labels)


def to_world(layer: Image, axes: Sequence[int], position: Mapping[int, int]) -> NDArray[np.float64]:
    """Affine (n + 1, n + 1) from pixels along some axes to the world: rotation and shear of the layer included."""
    kept = list(axes)
    origin = np.array([position.get(i, 0) for i in range(layer.ndim)], dtype=float)
    points = np.vstack([origin, origin + np.eye(layer.ndim)[kept]])
    world = np.array([np.asarray(layer.data_to_world(point))[kept] for point in points])
    matrix = np.eye(len(kept) + 1)
    matrix[:-1, :-1], matrix[:-1, -1] = (world[1:] - world[0]).T, world[0]
    return matrix


def placed(
    matrix: NDArray[np.float64],
    scale: NDArray[np.float64],
    translate: NDArray[np.float64],
    units: Sequence[Any],
    labels: Sequence[str],
) -> dict[str, Any]:
    """Arguments that put a layer where `matrix` says; napari applies the affine after its scale and translation."""
    own = np.eye(len(matrix))
    own[:-1, :-1], own[:-1, -1] = np.diag(scale), translate
    affine = matrix @ np.linalg.inv(own)
    return {
        "scale": scale,
        "translate": translate,
        "units": tuple(units),
        "axis_labels": tuple(labels),
        "affine": np.eye(len(own)) if np.allclose(affine, np.eye(len(own))) else affine,
    }
