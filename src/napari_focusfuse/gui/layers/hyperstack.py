"""From an image layer to all its positions: time points and channels, and where their results belong in the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.config.fusion import CHANNEL, STACK_AXIS
from napari_focusfuse.gui.layers.source import LOOKS, axis_name, data_of, inputs_of, lazy, plane_axes

__all__ = ["Whole", "take_whole"]

#: For axes besides the stack axis, the channel and those of a slice; time first.
_LETTERS = "TPQRVABDEFGHIJKLMNOUW"
_TIME = ("t", "time")


@dataclass(frozen=True, eq=False)
class Whole:
    """All focus stacks of an image layer along some of its further axes, frozen when a run starts.

    Attributes
    ----------
    title : str
        Name of the layer, with the index on those axes that are fixed.
    layer_id : str
        Identifies the layer as long as napari runs.
    inputs : list of str
        Files that the layer was read from, as far as they are known.
    data : array
        Without the fixed axes; not copied.
    axes : str
        A letter for each axis of `data`, as the engine takes them: Z is the stack axis.
    names : dict of str to str
        What the layer calls them, by letter.
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
    inputs: list[str]
    data: Any
    axes: str
    names: dict[str, str]
    label: str
    slices: int
    position: dict[str, int]
    rgb: bool
    looks: dict[str, Any]
    _letters: tuple[str, ...]
    _matrix: NDArray[np.float64]
    _shape: tuple[int, ...]
    _units: tuple[Any, ...]
    _labels: tuple[str, ...]
    _scale: tuple[float, ...]

    @property
    def further(self) -> str:
        """Letters of the axes that vary, in the order of the layer."""
        return "".join(letter for letter in self.axes if letter not in "ZYXS")

    def arranged(self, data: Any, axes: str) -> Any:
        """A result with its `axes` in the order of the layer, so that the viewer's sliders move along them.

        An axis of the layer that the result lacks has length 1, but for those in front of all others, which are left
        out.
        """
        wanted = [letter for letter in self._letters if letter in axes] + ["S"] * ("S" in axes)
        data = data.transpose([axes.index(letter) for letter in wanted])
        kept = self._kept(axes)
        index = tuple(slice(None) if self._letters[i] in axes else None for i in kept)
        return data[index]

    def place(self, axes: str) -> dict[str, Any]:
        """Arguments that put what `arranged` gives on the layer; where an axis is lacking, over its whole length."""
        kept = self._kept(axes)
        slab = np.eye(len(self._letters) + 1)
        for i, letter in enumerate(self._letters):
            if letter not in axes:
                slab[i, i], slab[i, -1] = self._shape[i], (self._shape[i] - 1) / 2
        rows = [*kept, len(self._letters)]
        matrix = (self._matrix @ slab)[np.ix_(rows, rows)]
        scale = np.array([self._scale[i] * slab[i, i] for i in kept])
        own = np.eye(len(kept) + 1)
        own[:-1, :-1], own[:-1, -1] = np.diag(scale), matrix[:-1, -1]
        affine = matrix @ np.linalg.inv(own)
        return {
            "scale": scale,
            "translate": matrix[:-1, -1],
            "units": tuple(self._units[i] for i in kept),
            "axis_labels": tuple(self._labels[i] for i in kept),
            "affine": np.eye(len(own)) if np.allclose(affine, np.eye(len(own))) else affine,
        }

    def _kept(self, axes: str) -> list[int]:
        """The axes of the layer, but those in front that the result lacks."""
        first = next(i for i, letter in enumerate(self._letters) if letter in axes)
        return list(range(first, len(self._letters)))


def take_whole(layer: Image, axis: int, *, fixed: Mapping[int, int] | None = None, channel: int | None = None) -> Whole:
    """Freeze what a run needs of a layer.

    Parameters
    ----------
    layer : Image
    axis : int
        The stack axis.
    fixed : mapping of int to int
        The index on axes that do not vary.
    channel : int, optional
        The channel axis, whose positions share a decision.
    """
    fixed = dict(fixed or {})
    letters = _letters(layer, axis, channel)
    index = tuple(fixed.get(i, slice(None)) for i in range(layer.ndim))
    position = {axis_name(layer, i): k for i, k in fixed.items()}
    where = ", ".join(f"{name} = {k}" for name, k in position.items())
    shape = tuple(int(n) for n in data_of(layer).shape[: layer.ndim])
    # What is fixed is lacking in the results, as the stack axis is.
    named = tuple(letters[i] if i not in fixed else "-" for i in range(layer.ndim))
    return Whole(
        title=f"{layer.name} ({where})" if where else str(layer.name),
        layer_id=str(layer.unique_id),
        inputs=inputs_of(layer),
        data=lazy(data_of(layer))[index],
        axes="".join(letter for letter in named if letter != "-") + "S" * bool(layer.rgb),
        names={letters[i]: axis_name(layer, i) for i in range(layer.ndim)},
        label=axis_name(layer, axis),
        slices=shape[axis],
        position=position,
        rgb=bool(layer.rgb),
        looks={} if layer.rgb else {name: getattr(layer, name) for name in LOOKS},
        _letters=tuple("-" if letter == STACK_AXIS else letter for letter in named),
        _matrix=_to_world(layer),
        _shape=shape,
        _units=tuple(layer.units),
        _labels=tuple(layer.axis_labels),
        _scale=tuple(map(float, layer.scale)),
    )


def _letters(layer: Image, axis: int, channel: int | None) -> list[str]:
    """A letter for each axis: Z, Y, X, C for the channel, T for time or the first of the others."""
    y, x = plane_axes(layer, axis)
    given = {axis: STACK_AXIS, y: "Y", x: "X"} | ({} if channel is None else {channel: CHANNEL})
    others = [i for i in range(layer.ndim) if i not in given]
    others.sort(key=lambda i: str(layer.axis_labels[i]).lower() not in _TIME)
    given |= dict(zip(others, _LETTERS, strict=False))
    return [given[i] for i in range(layer.ndim)]


def _to_world(layer: Image) -> NDArray[np.float64]:
    """Affine (n + 1, n + 1) from pixels to the world, rotation and shear of the layer included."""
    points = np.vstack([np.zeros(layer.ndim), np.eye(layer.ndim)])
    world = np.array([np.asarray(layer.data_to_world(point)) for point in points])
    matrix = np.eye(layer.ndim + 1)
    matrix[:-1, :-1], matrix[:-1, -1] = (world[1:] - world[0]).T, world[0]
    return matrix
