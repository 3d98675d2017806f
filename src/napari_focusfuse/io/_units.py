"""Physical sizes in um, from what TIFF, ImageJ and OME say. What is not said stays None."""

import math
from typing import Any, NamedTuple

from tifffile import TiffFile, TiffPage, xml2dict

__all__ = ["Sizes", "positive", "tiff_sizes", "to_um"]

_UM = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "um": 1.0,
    "µm": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "m": 1e6,
    "meter": 1e6,
    "in": 25400.0,
    "inch": 25400.0,
}
#: TIFF's ResolutionUnit: inch, centimetre, and the two extensions millimetre, micrometre.
_TAG_UM = {2: 25400.0, 3: 1e4, 4: 1e3, 5: 1.0}
#: Densities per inch that programs fill in for screens and printers: they say nothing about the specimen.
_SCREEN_AND_PRINT = (1, 72, 90, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 360, 400, 600, 720, 1200)


class Sizes(NamedTuple):
    """Distance of slices and size of a pixel (y, x), um; None where unknown."""

    z_step: float | None = None
    pixel_size: tuple[float, float] | None = None


def positive(value: object) -> float | None:
    """`value` as a number if it is finite and not 0, without its sign; otherwise None."""
    try:
        number = abs(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None


def to_um(value: object, unit: object) -> float | None:
    """A length in um; None if the value is no length or the unit is unknown."""
    number = positive(value)
    # Micro sign, Greek mu and ImageJ's escape are one letter; British and American spellings one word.
    name = str(unit).strip().lower().replace("\\u00b5", "µ").replace("μ", "µ").replace("metre", "meter")
    return None if number is None or name not in _UM else number * _UM[name]


def _pair(y: float | None, x: float | None) -> tuple[float, float] | None:
    return None if y is None or x is None else (y, x)


def _ome(tif: TiffFile) -> Sizes:
    image = xml2dict(tif.ome_metadata or "").get("OME", {}).get("Image", {})
    pixels = (image[0] if isinstance(image, (list, tuple)) else image).get("Pixels", {})
    x, y, z = (to_um(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "XYZ")
    return Sizes(z, _pair(y, x))


def _imagej(tif: TiffFile) -> Sizes:
    metadata: dict[str, Any] = tif.imagej_metadata or {}
    unit = metadata.get("unit")
    x, y = (positive(density) for density in tif.pages.first.resolution)
    pixel = None if x is None or y is None else _pair(to_um(1 / y, unit), to_um(1 / x, unit))
    return Sizes(to_um(metadata.get("spacing"), unit), pixel)


def _tags(page: TiffPage) -> Sizes:
    unit = _TAG_UM.get(int(page.resolutionunit))
    x, y = (positive(density) for density in page.resolution)
    if unit is None or x is None or y is None:
        return Sizes()
    if any(abs(density * 25400 / unit - usual) < 0.02 for density in (x, y) for usual in _SCREEN_AND_PRINT):
        return Sizes()
    return Sizes(None, (unit / y, unit / x))


def tiff_sizes(tif: TiffFile) -> Sizes:
    """Physical sizes from OME-XML or ImageJ's description, and from the resolution tags for what these leave out."""
    sizes = _ome(tif) if tif.is_ome else _imagej(tif) if tif.is_imagej else Sizes()
    return sizes if sizes.pixel_size else Sizes(sizes.z_step, _tags(tif.pages.first).pixel_size)
