"""Lengths in um, from the many names that files have for their units."""

import math

__all__ = ["number_of", "positive", "to_um", "unit_um"]

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
