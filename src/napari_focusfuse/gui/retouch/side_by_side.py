"""To see a slice while painting: beside the fused image, or in its place as long as a key is held."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from napari_focusfuse.gui.retouch.registry import mender_of
from napari_focusfuse.gui.retouch.session import Mender

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

__all__ = ["PEEK_KEY", "Beside", "peek"]

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

    def start(self, mender: Mender) -> None:
        """Show the layers of a result side by side, and no other."""
        if self._before:
            return
        shown = [mender.layer(role) for role in _SHOWN]
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        self._visible = [(layer, layer.visible) for layer in layers if layer.visible != (layer in shown)]
        for layer, visible in self._visible:
            layer.visible = not visible
        decision = mender.layer("decision")
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
    mender = mender_of(layer)
    source = None if mender is None else mender.layer("source")
    if mender is None or source is None:
        return
    covers = [other for other in (mender.layer("fused"), layer) if other is not None]
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
