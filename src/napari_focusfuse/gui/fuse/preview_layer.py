"""The layer that a preview is shown in; it is there only as long as there is a preview."""

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.gui.fuse.preview_work import Shot
from napari_focusfuse.gui.layers.results import put
from napari_focusfuse.gui.layers.source import KEY

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

__all__ = ["PreviewLayer"]


class PreviewLayer:
    """Makes, updates and removes the layer.

    Parameters
    ----------
    viewer : Viewer
    """

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = viewer
        self.layer: Image | None = None

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return self.layer is not None and self.layer in self._viewer.layers

    def show(self, shot: Shot) -> None:
        """Show a preview exactly on its source."""
        from napari.layers import Image

        source, place = shot.view.source, _place(shot)
        if self.layer is not None and self.layer.rgb != source.rgb:
            self.remove()
        if self.layer is None or not self.there:
            looks = {name: look for name, look in source.looks.items() if name != "blending"}
            # It stands for the slices, so that nothing of them shines through.
            layer = Image(shot.image, rgb=source.rgb, blending="opaque", **looks, **place)
            self.layer = layer
            self._sign(shot)
            chosen = set(self._viewer.layers.selection)
            self._viewer.add_layer(layer)
            self._viewer.layers.selection = chosen
        else:
            self.layer.data = shot.image
            put(self.layer, place)
            self._sign(shot)

    def remove(self) -> None:
        """Remove it, if it is there."""
        layer, self.layer = self.layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _sign(self, shot: Shot) -> None:
        if self.layer is not None:
            source = shot.view.source
            note: dict[str, Any] = {"role": "preview", "result_id": "preview", "source_id": source.layer_id}
            note |= {"position": source.position, "layer_id": str(self.layer.unique_id)}
            self.layer.metadata = {KEY: note}
            self.layer.name = f"{source.title} preview ({shot.size})"


def _place(shot: Shot) -> dict[str, Any]:
    """Where squares of `factor` px of the part that is shown lie."""
    place = shot.view.source.place
    scale = np.asarray(place["scale"], dtype=float)
    start = np.array([side.start for side in shot.view.where], dtype=float)
    return {
        **place,
        "scale": scale * shot.factor,
        "translate": np.asarray(place["translate"], dtype=float) + scale * (start + (shot.factor - 1) / 2),
    }
