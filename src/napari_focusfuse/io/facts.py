"""What a file says of its images besides the pixels: sizes in um, positions of the slices, channels, contradictions.

Nothing is guessed: what is not stated stays None, and what cannot be right is left out with a warning.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tifffile import TiffFile, TiffPage, xml2dict

__all__ = [
    "Channel",
    "Facts",
    "colour_of",
    "length",
    "listed",
    "mm_note",
    "number_of",
    "ome_facts",
    "position_of",
    "positive",
    "spaced",
    "tiff_facts",
    "to_um",
    "unit_um",
]

#: TIFF's ResolutionUnit: inch, centimetre, and the two extensions millimetre, micrometre.
_TAG_UM = {2: 25400.0, 3: 1e4, 4: 1e3, 5: 1.0}
_X_RESOLUTION = 282
#: Densities per inch that programs fill in for screens and printers: they say nothing about the specimen.
_SCREEN_AND_PRINT = (1, 72, 90, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 360, 400, 600, 720, 1200)
#: Positions that are off an even spacing by less than this part of a step are even; steps that differ by less are one.
_EVEN = 0.05
_DAMAGED = "has damaged OME-XML: its axes and sizes are unknown"
#: Micro-Manager's note beside each image, and what it calls its position.
_MM_NOTE = 51123
_HEIGHTS = ("ZPositionUm", "ZPosition_um_Intended", "ZPosition_um_Actual")
#: Units that say of themselves that they are none.
_NO_UNIT = ("pixel", "pixels", "reference frame", "none", "")
_PREFIXES = {
    ("yotta", "Y"): 24, ("zetta", "Z"): 21, ("exa", "E"): 18, ("peta", "P"): 15, ("tera", "T"): 12, ("giga", "G"): 9,
    ("mega", "M"): 6, ("kilo", "k"): 3, ("hecto", "h"): 2, ("deca", "da"): 1, ("", ""): 0, ("deci", "d"): -1,
    ("centi", "c"): -2, ("milli", "m"): -3, ("micro", "u"): -6, ("micro", "µ"): -6, ("nano", "n"): -9,
    ("pico", "p"): -12, ("femto", "f"): -15, ("atto", "a"): -18, ("zepto", "z"): -21, ("yocto", "y"): -24,
}  # fmt: skip
_INCH = 25400.0
#: By their exact symbol (Mm is not mm), for OME-XML; the rest by name in lower case.
_SYMBOLS = {f"{symbol}m": 10.0 ** (power + 6) for (_, symbol), power in _PREFIXES.items()}
_SYMBOLS |= {"Å": 1e-4, "thou": _INCH / 1000, "li": _INCH / 12, "in": _INCH, "ft": 12 * _INCH, "yd": 36 * _INCH}
_SYMBOLS |= {"mi": 63360 * _INCH, "pt": _INCH / 72}
_NAMES = {f"{name}meter": 10.0 ** (power + 6) for (name, _), power in _PREFIXES.items()}
_NAMES |= {"micron": 1.0, "microns": 1.0, "angstrom": 1e-4, "å": 1e-4, "inch": _INCH, "foot": 12 * _INCH}
_NAMES |= {"yard": 36 * _INCH, "mile": 63360 * _INCH}


class Channel(NamedTuple):
    """One channel.

    Attributes
    ----------
    name : str or None
    colour : str or None
        "#rrggbb".
    """

    name: str | None = None
    colour: str | None = None


class Facts(NamedTuple):
    """What a file says.

    Attributes
    ----------
    z_step : float or None
        Mean distance between neighbouring slices, um.
    pixel_size : (float, float) or None
        Size of a pixel along y and x, um.
    z : tuple of float or None
        Positions of the slices from the lowest on, um, where they are not evenly spaced or descend.
    channels : tuple of Channel
    notes : tuple of str
        What the file says and cannot be so, and what was made of it; a sentence each, without a subject.
    position : float or None
        Where a file of one slice lies, um.
    """

    z_step: float | None = None
    pixel_size: tuple[float, float] | None = None
    z: tuple[float, ...] | None = None
    channels: tuple[Channel, ...] = ()
    notes: tuple[str, ...] = ()
    position: float | None = None


def tiff_facts(tif: TiffFile) -> Facts:
    """What OME-XML or ImageJ's description say, and the resolution tags where these say nothing."""
    facts = _ome(tif) if tif.is_ome else _imagej(tif) if tif.is_imagej else Facts()
    if not tif.is_ome and "<OME " in tif.pages.first.description[:1000]:
        facts = Facts(notes=(_DAMAGED,))
    note = mm_note(tif.pages.first)
    if facts.position is None:
        facts = facts._replace(position=position_of(note))
    pixel = positive(note.get("PixelSizeUm"))
    by_note = None if pixel is None else (pixel, pixel)
    return facts._replace(pixel_size=facts.pixel_size or by_note or _tags(tif.pages.first))


def mm_note(page: TiffPage) -> Mapping[str, Any]:
    """What Micro-Manager notes beside an image."""
    note = page.tags[_MM_NOTE].value if _MM_NOTE in page.tags else None
    return note if isinstance(note, dict) else {}


def position_of(note: Mapping[str, Any]) -> float | None:
    """Where an image lies, um, by what stands beside it."""
    stated = [number_of(note.get(name)) for name in _HEIGHTS]
    return next((height for height in stated if height is not None), None)


def length(value: object, unit: object, what: str, notes: list[str]) -> float | None:
    """A length in um as a file states it; what is odd about it is added to `notes`."""
    if value is None:
        return None
    number = number_of(value)
    if number is None or number == 0:
        notes.append(f"states a {what} of {value}: it is treated as unknown")
    elif unit_um(unit) is None:
        if str(unit).strip().lower() not in _NO_UNIT:
            notes.append(
                f"states its {what} in {str(unit)[:20]!r}, which is not a known unit: it is treated as unknown"
            )
    elif number < 0:
        notes.append(f"states a {what} of {number:g}: its sign is ignored")
    return to_um(value, unit)


def colour_of(red: int, green: int, blue: int) -> str:
    """Three numbers of 0 to 255 as "#rrggbb"."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def listed(value: Any) -> list[Any]:
    """Children of a name, of which XML may hold none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _ome(tif: TiffFile) -> Facts:
    try:
        images = listed(xml2dict(tif.ome_metadata or "")["OME"].get("Image"))
    except Exception:  # noqa: BLE001 - the parser has many ways to fail
        return Facts(notes=(_DAMAGED,))
    return ome_facts(images[0].get("Pixels", {}) if images else {})


def ome_facts(pixels: dict[str, Any]) -> Facts:
    """What the element Pixels of OME-XML says, as `tifffile.xml2dict` gives it."""
    notes: list[str] = []
    x, y, z = (
        length(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"), what, notes)
        for axis, what in (("X", "pixel width"), ("Y", "pixel height"), ("Z", "z-step"))
    )
    z_step, positions = spaced(z, _positions(pixels), notes)
    channels = tuple(_ome_channel(channel) for channel in listed(pixels.get("Channel")))
    return Facts(z_step, _pair(y, x), positions, channels, tuple(notes), _alone(pixels))


def _ome_channel(channel: dict[str, Any]) -> Channel:
    name, colour = channel.get("Name"), channel.get("Color")
    rgba = int(colour) & 0xFFFFFFFF if isinstance(colour, int) else None
    shown = None if rgba is None else colour_of(rgba >> 24, rgba >> 16 & 255, rgba >> 8 & 255)
    return Channel(None if name is None else str(name), shown)


def _positions(pixels: dict[str, Any]) -> list[tuple[float, object]] | None:
    """Position and unit of each slice of the first channel and time point; None if any is missing."""
    found: dict[int, tuple[float, object]] = {}
    for plane in listed(pixels.get("Plane")):
        value = number_of(plane.get("PositionZ"))
        if value is not None and plane.get("TheC", 0) == plane.get("TheT", 0) == 0:
            found[int(plane.get("TheZ", -1))] = value, plane.get("PositionZUnit", "reference frame")
    count = pixels.get("SizeZ")
    return [found[k] for k in range(count)] if count and set(range(count)) <= set(found) else None


def _alone(pixels: dict[str, Any]) -> float | None:
    """Position of the only plane, um."""
    if any(pixels.get(f"Size{axis}", 1) != 1 for axis in "ZCT"):
        return None
    plane: dict[str, Any] = next(iter(listed(pixels.get("Plane"))), {})
    number, factor = number_of(plane.get("PositionZ")), unit_um(plane.get("PositionZUnit"))
    return None if number is None or factor is None else number * factor


def spaced(
    step: float | None, stated: Sequence[tuple[float, object]] | None, notes: list[str]
) -> tuple[float | None, tuple[float, ...] | None]:
    """z-step and positions of the slices, from the z-step and the positions that a file states."""
    if stated is None or len(stated) < 2 or len({value for value, _ in stated}) == 1:
        return step, None  # a stage that stood still while something else focused
    values = np.array([value for value, _ in stated])
    mean = float(np.ptp(values)) / (len(values) - 1)
    uneven = bool(np.abs(values - np.linspace(values[0], values[-1], len(values))).max() > _EVEN * mean)
    units = {unit_um(unit) for _, unit in stated}
    factor = units.pop() if len(units) == 1 else None
    if factor is None or len(np.unique(values)) < len(values):
        if uneven:
            why = "without a unit" if factor is None else "and one for several slices"
            notes.append(f"states uneven positions {why}: its slices are treated as evenly spaced")
        return step, None
    mean, z = mean * factor, (values - values.min()) * factor
    agrees = step is not None and abs(mean - step) <= _EVEN * step
    if uneven:
        gaps = np.abs(np.diff(z))
        notes.append(f"has slices {gaps.min():.4g} to {gaps.max():.4g} um apart: the positions it states are used")
    elif step is not None and not agrees:
        notes.append(f"states a z-step of {step:.4g} um and positions {mean:.4g} um apart: the positions are used")
    if not uneven and z[-1] > z[0]:
        return step if agrees else mean, None
    return mean, tuple(float(value) for value in z)


def _imagej(tif: TiffFile) -> Facts:
    metadata: dict[str, Any] = tif.imagej_metadata or {}
    unit, notes = metadata.get("unit", ""), list[str]()
    step = length(metadata.get("spacing"), metadata.get("zunit", unit), "z-step", notes)
    pixel = None
    if _X_RESOLUTION in tif.pages.first.tags:
        x, y = (positive(density) for density in tif.pages.first.resolution)
        if x is not None and y is not None:
            pixel = _pair(to_um(1 / y, metadata.get("yunit", unit)), to_um(1 / x, unit))
    tables = [np.asarray(table) for table in metadata.get("LUTs") or []]
    colours = [colour_of(*(int(value) for value in table[:3, -1])) for table in tables if table.ndim == 2]
    return Facts(step, pixel, None, tuple(Channel(None, colour) for colour in colours), tuple(notes))


def _tags(page: TiffPage) -> tuple[float, float] | None:
    unit = _TAG_UM.get(int(page.resolutionunit))
    x, y = (positive(density) for density in page.resolution)
    if unit is None or x is None or y is None:
        return None
    if any(abs(density * 25400 / unit - usual) < 0.02 for density in (x, y) for usual in _SCREEN_AND_PRINT):
        return None
    return unit / y, unit / x


def _pair(y: float | None, x: float | None) -> tuple[float, float] | None:
    return None if y is None or x is None else (y, x)


def unit_um(unit: object) -> float | None:
    """The length of a unit in um; None if it is none, such as "pixel"."""
    # Micro sign, Greek mu and ImageJ's escape are one letter; British and American spellings one word.
    name = str(unit).strip().replace("\\u00b5", "µ").replace("\\u00B5", "µ").replace("μ", "µ")
    low = name.lower().replace("metre", "meter")
    # An exact symbol first; otherwise names, and symbols in the wrong case that can be no other: UM, Micron.
    return _SYMBOLS.get(name) or _NAMES.get(low) or _NAMES.get(low.removesuffix("s")) or _SYMBOLS.get(low)


def number_of(value: object) -> float | None:
    """`value` as a finite number, otherwise None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def positive(value: object) -> float | None:
    """`value` as a number if it is finite and not 0, without its sign; otherwise None."""
    return abs(number_of(value) or 0.0) or None


def to_um(value: object, unit: object) -> float | None:
    """A length in um; None if the value is no length or the unit is unknown."""
    number, factor = positive(value), unit_um(unit)
    return None if number is None or factor is None else number * factor
