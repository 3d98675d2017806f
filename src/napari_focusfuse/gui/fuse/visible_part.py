"""Which part of a layer the viewer shows."""

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import ViewerModel

__all__ = ["visible_part"]


def visible_part(viewer: "ViewerModel", layer: "Image", plane: tuple[int, int], least: int) -> tuple[slice, slice]:
    """Rows and columns of the slices of a layer that the canvas shows.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Image
    plane : (int, int)
        The axes of a slice.
    least : int
        Pixels a side at least, as far as the slices reach.

    Returns
    -------
    (slice, slice)
        All of a slice where the viewer shows other axes than its own, or nothing of it.
    """
    shape = [int((layer.data[0] if layer.multiscale else layer.data).shape[axis]) for axis in plane]
    whole = slice(0, shape[0]), slice(0, shape[1])
    offset = viewer.dims.ndim - layer.ndim
    if viewer.dims.ndisplay != 2 or {axis + offset for axis in plane} != set(viewer.dims.displayed):
        return whole
    camera, canvas = viewer.scene.camera, np.asarray(viewer.canvas.size, dtype=float)
    half = canvas / max(float(camera.zoom), 1e-9) / 2
    points = []
    for signs in itertools.product((-1, 1), repeat=2):
        point = np.array(viewer.dims.point, dtype=float)
        point[list(viewer.dims.displayed)] = np.asarray(camera.center)[-2:] + half * signs
        points.append(np.asarray(layer.world_to_data(point[-layer.ndim :]))[list(plane)])
    low, high = np.floor(np.min(points, axis=0) + 0.5), np.ceil(np.max(points, axis=0) + 0.5)
    y, x = (_side(int(low[i]), int(high[i]), shape[i], least) for i in (0, 1))
    return whole if y is None or x is None else (y, x)


def _side(start: int, stop: int, size: int, least: int) -> slice | None:
    """The part of a side of `size` px that lies between `start` and `stop`, widened to `least` px; None: nothing."""
    if stop <= 0 or start >= size:
        return None
    start, stop = max(start, 0), min(stop, size)
    missing = min(least, size) - (stop - start)
    if missing > 0:
        start = min(max(start - missing // 2, 0), size - min(least, size))
        stop = start + min(least, size)
    return slice(start, stop)
