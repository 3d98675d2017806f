"""Layers to OME-TIFF with physical sizes, from napari's "Save Selected Layers": a name that ends in .ome.tif."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["write_ome_tiff"]


def write_ome_tiff(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write one image or labels layer: an image, or a stack of them along z.

    Parameters
    ----------
    path : str
        Ends in ``.ome.tif`` or ``.ome.tiff``; napari has asked whether to replace it.
    data : array
        (Y, X) or (Z, Y, X), with RGB(A) samples last if `attributes` say so; z, y and x in any order where the layer
        calls its axes so.
    attributes : mapping
        Of the layer: ``scale`` and ``units`` become physical sizes in um, where they are lengths.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    OutputError
        The layer has more axes, or a type that OME-TIFF cannot hold.
    """
    from napari_focusfuse import api
    from napari_focusfuse.errors import OutputError

    image = np.asarray(data[0] if attributes.get("multiscale", False) else data)
    ndim = image.ndim - bool(attributes.get("rgb", False))
    sizes = [_um(*size) for size in zip(attributes["scale"][-ndim:], attributes["units"][-ndim:], strict=True)]
    if ndim not in (2, 3):
        raise OutputError(f"a layer with {ndim} axes is no image or stack: choose one time point and channel")
    labels = [str(label).lower() for label in attributes.get("axis_labels", ())]
    if sorted(labels) == ["x", "y", "z"]:
        order = [labels.index(label) for label in "zyx"]
        image, sizes = np.moveaxis(image, order, (0, 1, 2)), [sizes[i] for i in order]
    y, x = sizes[-2:]
    pixel_size = None if y is None or x is None else (y, x)
    if ndim == 2:
        api.save_image(path, image, pixel_size=pixel_size, overwrite=True)
    else:
        api.save_stack(path, image, pixel_size=pixel_size, z_step=sizes[0], overwrite=True)
    return [path]


def _um(scale: float, unit: Any) -> float | None:
    """A length in um; None where the unit is none of length."""
    import pint

    quantity = abs(float(scale)) * (pint.Unit(unit) if isinstance(unit, str) else unit)
    return float(quantity.to("micrometer").magnitude) if quantity.is_compatible_with("micrometer") else None
