"""Where a layer belongs in the world, with the rotation and shear of another one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

__all__ = ["place_along", "placed", "to_world"]


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
