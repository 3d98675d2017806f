"""From an image layer to all its positions: time points and channels, and where their results belong in the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.config.fusion import CHANNEL, STACK_AXIS
from napari_focusfuse.gui.layers.source import Taken, axis_name, data_of, placed, plane_axes, taken, to_world

__all__ = ["Whole", "take_whole"]

#: For axes besides the stack axis, the channel and those of a slice; time first.
_LETTERS = "TPQRVABDEFGHIJKLMNOUW"
_TIME = ("t", "time")


@dataclass(frozen=True, eq=False)
class Whole(Taken):
    """All focus stacks of an image layer along some of its further axes.

    Attributes
    ----------
    axes : str
        A letter for each axis of `data`, as the engine takes them: Z is the stack axis.
    names : dict of str to str
        What the layer calls them, by letter.
    """

    axes: str
    names: dict[str, str]
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
        units, labels = ([values[i] for i in kept] for values in (self._units, self._labels))
        return placed(matrix, scale, matrix[:-1, -1], units, labels)

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
    # What is fixed is lacking in the results, as the stack axis is.
    named = tuple(letters[i] if i not in fixed else "-" for i in range(layer.ndim))
    return Whole(
        **taken(layer, axis, fixed),
        axes="".join(letter for letter in named if letter != "-") + "S" * bool(layer.rgb),
        names={letters[i]: axis_name(layer, i) for i in range(layer.ndim)},
        _letters=tuple("-" if letter == STACK_AXIS else letter for letter in named),
        _matrix=to_world(layer, range(layer.ndim), {}),
        _shape=tuple(int(n) for n in data_of(layer).shape[: layer.ndim]),
        _units=tuple(layer.units),
        _labels=tuple(layer.axis_labels),
        _scale=tuple(map(float, layer.scale)),
    )


def _letters(layer: Image, axis: int, channel: int | None) -> list[str]:
    """A letter for each axis: Z, Y, X, C for the channel, T for time, or the first of the others if it has no name."""
    y, x = plane_axes(layer, axis)
    given = {axis: STACK_AXIS, y: "Y", x: "X"} | ({} if channel is None else {channel: CHANNEL})
    others = [i for i in range(layer.ndim) if i not in given]
    others.sort(key=lambda i: str(layer.axis_labels[i]).lower() not in _TIME)
    first = str(layer.axis_labels[others[0]]).lower() if others else ""
    timed = first in _TIME or first.startswith(("axis ", "-"))
    given |= dict(zip(others, _LETTERS if timed else _LETTERS[1:], strict=False))
    return [given[i] for i in range(layer.ndim)]
