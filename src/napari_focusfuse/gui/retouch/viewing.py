"""The view while painting: the slice at the slider, beside the fused image, or in its place while a key is held."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.source import Source, axis_name, data_of, take
from napari_focusfuse.gui.retouch.session import Retoucher, retoucher_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.viewer import Viewer

__all__ = ["PEEK_KEY", "Beside", "Slider", "peek"]

PEEK_KEY = "S"
_SHOWN = ("source", "fused", "decision")
#: One pane a layer, side by side.
_GRID = {"stride": 1, "shape": (1, -1), "spacing": 4, "enabled": True}


class Beside:
    """Source, fused image and decision side by side, in napari's grid; as it was before when it ends."""

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = viewer
        self._before: dict[str, Any] = {}
        self._visible: list[tuple[Any, bool]] = []
        self._opacity: tuple[Any, float] | None = None

    def start(self, retoucher: Retoucher) -> None:
        """Show the layers of a result side by side, and no other."""
        if self._before:
            return
        shown = [retoucher.layer(role) for role in _SHOWN]
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        self._visible = [(layer, layer.visible) for layer in layers if layer.visible != (layer in shown)]
        for layer, visible in self._visible:
            layer.visible = not visible
        decision = retoucher.layer("decision")
        self._opacity = decision, decision.opacity
        decision.opacity = 1.0
        grid = self._viewer.canvas.grid
        self._before = {name: getattr(grid, name) for name in _GRID}
        for name, value in _GRID.items():
            setattr(grid, name, value)

    def stop(self) -> None:
        """As it was before."""
        for name, value in reversed(self._before.items()):
            setattr(self._viewer.canvas.grid, name, value)
        for layer, visible in self._visible:
            if layer.visible != visible:
                layer.visible = visible
        if self._opacity is not None:
            layer, opacity = self._opacity
            layer.opacity = opacity
        self._before, self._visible, self._opacity = {}, [], None


def peek(layer: "Labels") -> Iterator[None]:
    """Show the source in the place of the fused image as long as a key is held."""
    retoucher = retoucher_of(layer)
    source = None if retoucher is None else retoucher.layer("source")
    if retoucher is None or source is None:
        return
    covers = [other for other in (retoucher.layer("fused"), layer) if other is not None]
    before, hidden = [other.opacity for other in covers], not source.visible
    for other in covers:
        other.opacity = 0.0
    if hidden:
        source.visible = True
    yield
    for other, opacity in zip(covers, before, strict=True):
        other.opacity = opacity
    if hidden:
        source.visible = False


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
        """The slice shown; None if it is unknown."""
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
