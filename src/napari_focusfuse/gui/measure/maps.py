"""Maps of what is measured, as layers that lie on the images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.gui.layers.results import is_result, note_of, plain, put
from napari_focusfuse.gui.layers.source import KEY

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

__all__ = ["Map", "show_map"]

#: Share of the pixels that the colours reach, of all that differ from 0 (%).
_MOST = 99.5


@dataclass(frozen=True, eq=False)
class Map:
    """A map of one number a pixel.

    Attributes
    ----------
    title : str
        Name of the layer.
    data : (Y, X) float32
    signed : bool
        Whether values lie on both sides of 0.
    top : float or None
        Largest value there can be; None: as the data are.
    place : dict
        Arguments that put a layer where it belongs.
    note : dict
        Where it comes from, of plain JSON types; a map with the same note is the same map.
    """

    title: str
    data: NDArray[np.float32]
    signed: bool
    top: float | None
    place: dict[str, Any]
    note: dict[str, Any]


def show_map(viewer: "ViewerModel", made: Map) -> "Layer":
    """Show a map as a layer on top of the others; the same map of an earlier run is updated, other maps are hidden."""
    from napari.layers import Image

    limits = _limits(made)
    maps = [layer for layer in viewer.layers if is_result(layer) and note_of(layer)["role"] == "map"]
    same = [layer for layer in maps if _bare(note_of(layer)) == plain(made.note)]
    for layer in maps:
        layer.visible = layer in same[:1]
    if same:
        layer = same[0]
        layer.data = made.data
        put(layer, made.place)
        layer.contrast_limits_range = layer.contrast_limits = limits
        return layer
    colours = "PiYG" if made.signed else "inferno" if made.top is None else "viridis"
    layer = Image(made.data, name=made.title, colormap=colours, contrast_limits=limits, **made.place)
    layer.metadata = {KEY: {**plain(made.note), "layer_id": str(layer.unique_id)}}
    viewer.add_layer(layer)
    layer.colorbar.visible = True
    return layer


def _bare(note: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in note.items() if key != "layer_id"}


def _limits(made: Map) -> tuple[float, float]:
    """Colours from 0 or from -top to top, a few outliers apart."""
    top = made.top
    if top is None:
        sizes = np.abs(made.data[np.isfinite(made.data) & (made.data != 0)])
        top = float(np.percentile(sizes, _MOST)) if sizes.size else 1.0
    return (-top if made.signed else 0.0), top
