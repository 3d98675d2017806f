"""The layer of a surface, and the way of the viewer to it and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_focusfuse.gui.layers.source import KEY

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_focusfuse.core.surface.mesh import Surface

__all__ = ["SurfaceView"]

#: Where the camera looks and what is up (z, y, x): from above and from the lower edge of the image.
_VIEW, _UP = (-1.0, -0.9, 0.0), (1.0, -1.0, 0.0)
#: What of the camera is put back with the image.
_CAMERA = ("center", "zoom", "angles")
#: Share of the canvas that the surface takes.
_MARGIN = 0.1


class SurfaceView(QObject):
    """One surface in a viewer.

    Parameters
    ----------
    viewer : Viewer
    """

    #: The surface was shown, or went.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Layer | None = None
        self._hidden: list[Layer] = []
        self._chosen: list[Layer] = []
        self._point: tuple[float, ...] = ()
        self._camera: dict[str, Any] = {}
        self._unit, self._middle, self._base = 1.0, 0.0, 0.0
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)

    @property
    def shown(self) -> bool:
        """Whether the surface is what the viewer shows."""
        return self._layer is not None

    def show(
        self,
        name: str,
        mesh: "Surface",
        texture: NDArray[np.uint8],
        pixel_size: tuple[float, float],
        place: Mapping[str, Any],
        metadata: dict[str, Any],
    ) -> None:
        """Show a mesh with an image on it, in the place of the one shown before.

        Parameters
        ----------
        name : str
            Of the layer.
        mesh : Surface
        texture : (Y, X, 3) uint8
        pixel_size : (float, float)
            Height and width of a pixel, um.
        place : mapping
            What puts the image on its stack, `Source.place`: the surface stands on it, as tall as it is wide in um.
        metadata : dict
            Of the layer.
        """
        from napari.layers import Surface as SurfaceLayer

        first = self._layer is None
        # World units a um: the stack may be scaled in another unit, or in none.
        self._unit = abs(float(place["scale"][0])) / pixel_size[0]
        z = mesh.vertices[:, 0]
        self._middle = float(z.min() + z.max()) / 2
        layer = SurfaceLayer(
            (mesh.vertices, mesh.faces),
            name=name,
            texture=texture,
            # The viewer counts from the bottom.
            texcoords=np.stack([mesh.texcoords[:, 0], 1 - mesh.texcoords[:, 1]], axis=1),
            shading="smooth",
            metadata=metadata,
            **_placed(place, self._unit),
        )
        layer.metadata[KEY]["layer_id"] = str(layer.unique_id)
        if first:
            self._hide_others()
        old, self._layer = self._layer, layer
        self._viewer.add_layer(layer)
        if old is not None:
            self._viewer.layers.remove(old)
            layer.name = name
        if first:
            self._viewer.dims.ndisplay = 3
            self._viewer.fit_to_view(margin=_MARGIN)
            self._viewer.scene.camera.set_view_direction(_VIEW, _UP)
        self.changed.emit()

    def _hide_others(self) -> None:
        """Hide what is shown, and remember it with the view."""
        self._chosen, self._point = list(self._viewer.layers.selection), tuple(self._viewer.dims.point)
        self._camera = {name: getattr(self._viewer.scene.camera, name) for name in _CAMERA}
        self._hidden = [other for other in self._viewer.layers if other.visible]
        for other in self._hidden:
            other.visible = False

    def set_height(self, times: float) -> None:
        """Show it so many times as tall, about its middle."""
        if self._layer is None:
            return
        scale, translate = np.array(self._layer.scale), np.array(self._layer.translate)
        scale[0], translate[0] = self._unit * times, self._unit * self._middle * (1 - times)
        self._layer.scale, self._layer.translate = scale, translate

    def back(self) -> None:
        """Take the surface away and show in 2-D what was shown before; it would stretch the sliders of the stack."""
        layer, self._layer = self._layer, None
        self._viewer.dims.ndisplay = 2
        for other in self._hidden:
            if other in self._viewer.layers:
                other.visible = True
        chosen, point = self._chosen, self._point
        if layer is not None:
            self._viewer.layers.remove(layer)
        self._hidden = []
        self._viewer.layers.selection = {other for other in chosen if other in self._viewer.layers}
        if len(point) == self._viewer.dims.ndim:
            self._viewer.dims.set_point(range(len(point)), point)
        for name, value in self._camera.items():
            setattr(self._viewer.scene.camera, name, value)
        self.changed.emit()

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer = None
            self.back()

    def _on_ndisplay(self, _event: Any = None) -> None:
        """In 2-D there is nothing to see of a surface: show again what it has hidden."""
        if self._layer is not None and self._viewer.dims.ndisplay == 2:
            self.back()


def _placed(place: Mapping[str, Any], unit: float) -> dict[str, Any]:
    """Arguments that put a layer with vertices (z, y, x) in um where `place` puts the image."""
    affine = np.eye(4)
    flat = np.asarray(getattr(place["affine"], "affine_matrix", place["affine"]), dtype=float)
    affine[1:, 1:] = flat
    signs = np.sign(np.asarray(place["scale"], dtype=float))
    return {
        "scale": unit * np.array([1.0, *signs]),
        "translate": np.array([0.0, *place["translate"]]),
        "affine": affine,
        "units": (place["units"][0], *place["units"]),
        "axis_labels": ("z", *place["axis_labels"]),
    }
