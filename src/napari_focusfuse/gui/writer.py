"""Layers to OME-TIFF with physical sizes, from napari's "Save Selected Layers": a name that ends in .ome.tif."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["write_ome_tiff"]

#: Names of axes that are longer than a letter.
_NAMES = {"time": "T", "ch": "C", "channel": "C", "channels": "C"}
#: The axis of a layer that gives it no name, by what its unit is compatible with; otherwise it stays unnamed.
_BY_UNIT, _UNNAMED = {"micrometer": "Z", "second": "T"}, "Q"


def write_ome_tiff(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write one image or labels layer: an image, or several along a further axis such as z, time or channel.

    Parameters
    ----------
    path : str
        Ends in ``.ome.tif`` or ``.ome.tiff``; napari has asked whether to replace it.
    data : array
        (Y, X) or (Z, Y, X), with RGB(A) samples last if `attributes` say so; in any order where the layer calls its
        axes y and x.
    attributes : mapping
        Of the layer: ``scale`` and ``units`` become physical sizes in um, where they are lengths; ``axis_labels`` say
        what the further axis is. Where they do not, it is z if its unit is a length, time if it is a time, and unnamed
        otherwise.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    OutputError
        The layer has more axes, or a type that OME-TIFF cannot store.
    """
    from napari_focusfuse import api
    from napari_focusfuse.errors import OutputError

    image = np.asarray(data[0] if attributes.get("multiscale", False) else data)
    ndim = image.ndim - bool(attributes.get("rgb", False))
    if ndim not in (2, 3):
        raise OutputError(f"a layer with {ndim} axes is no image or stack: choose one time point and channel")
    labels = [str(label).lower() for label in attributes.get("axis_labels", ())][-ndim:]
    order = _order(labels, ndim)
    units = [attributes["units"][-ndim:][i] for i in order]
    sizes = [_um(attributes["scale"][-ndim:][i], unit) for i, unit in zip(order, units, strict=True)]
    image = np.moveaxis(image, order, range(ndim))
    y, x = sizes[-2:]
    pixel_size = None if y is None or x is None else (y, x)
    if ndim == 2:
        api.save_image(path, image, pixel_size=pixel_size, overwrite=True)
    else:
        axis = _letter(labels[order[0]] if labels else "", units[0])
        api.save_stack(path, image, axis=axis, pixel_size=pixel_size, z_step=sizes[0], overwrite=True)
    return [path]


def _order(labels: Sequence[str], ndim: int) -> list[int]:
    """The axes of a layer, so that y and x are last: those called so, or the last two."""
    plane = [labels.index(label) for label in "yx"] if {"y", "x"} <= set(labels) else [ndim - 2, ndim - 1]
    return [i for i in range(ndim) if i not in plane] + plane


def _letter(label: str, unit: Any) -> str:
    """What an axis is called in the file."""
    if label in _NAMES:
        return _NAMES[label]
    if len(label) == 1 and label.isascii() and label.isalpha() and label not in "yxs":
        return label.upper()
    return next((letter for kind, letter in _BY_UNIT.items() if _unit(unit).is_compatible_with(kind)), _UNNAMED)


def _unit(unit: Any) -> Any:
    import pint

    return pint.Unit(unit) if isinstance(unit, str) else unit


def _um(scale: float, unit: Any) -> float | None:
    """A length in um; None where the unit is none of length."""
    quantity = abs(float(scale)) * _unit(unit)
    return float(quantity.to("micrometer").magnitude) if quantity.is_compatible_with("micrometer") else None
