"""The slice of a stack that the viewer shows, and how to show another."""

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.source import Source, axis_name, data_of, take

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["Slider"]


class Slider:
    """The viewer's sliders as a focus stack sees them.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image or None
        The layer of the stack; None if it is gone.
    source : Source
        What of it was fused.
    """

    def __init__(self, viewer: "ViewerModel", layer: Image | None, source: Source) -> None:
        self._viewer, self._layer, self._source = viewer, layer, source
        names = [] if layer is None else [axis_name(layer, i) for i in range(layer.ndim)]
        self._axis = names.index(source.label) if source.label in names else None
        self._others = {names.index(name): k for name, k in source.position.items() if name in names}

    def slice(self) -> int | None:
        """The slice shown; None if that cannot be told."""
        if self._layer is None or self._axis is None:
            return None
        shown = round(float(self._point()[self._axis]))
        return int(np.clip(shown, 0, data_of(self._layer).shape[self._axis] - 1))

    def elsewhere(self) -> str:
        """Where the viewer shows another time point or channel than was fused: "t = 1"; or nothing."""
        if self._layer is None or self._axis is None or not self._others:
            return ""
        position = take(self._layer, self._axis, self._viewer.dims.point).position
        return ", ".join(f"{name} = {k}" for name, k in position.items() if k != self._source.position.get(name))

    def show(self, k: int) -> None:
        """Move the sliders to slice `k`, and to the time point and channel that were fused."""
        if self._layer is None or self._axis is None:
            return
        point = self._point()
        for axis, value in {self._axis: k, **self._others}.items():
            point[axis] = value
        world, first = self._layer.data_to_world(point), self._viewer.dims.ndim - self._layer.ndim
        for axis in (self._axis, *self._others):
            self._viewer.dims.set_point(first + axis, float(world[axis]))

    def _point(self) -> NDArray[np.float64]:
        layer = self._layer
        if layer is None:
            raise ValueError("the layer is gone")
        return np.array(layer.world_to_data(np.asarray(self._viewer.dims.point)[-layer.ndim :]), dtype=float)
