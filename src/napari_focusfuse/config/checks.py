"""Checks that say in a sentence what a setting must be."""

import math
from collections.abc import Iterable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, get_args

from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["check_sizes", "one_of", "typed", "whole", "within"]

#: What the fields of settings may be, and how it is called. True and false are no numbers.
_KINDS: dict[Any, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "a text"),
}


def typed(config: Any) -> None:
    """Refuse settings whose type is not that of their field; choices among a few are checked by `one_of`."""
    for field in fields(config):
        kind, called = _KINDS.get(field.type, (object, ""))
        _ask(field.name, getattr(config, field.name), kind, called)


def _ask(name: str, value: object, kind: type, called: str) -> None:
    counted = kind in (Integral, Real) and type(value) is bool
    if counted or not isinstance(value, kind):
        raise FocusFuseError(f"{name} must be {called}, not {value!r}")


def one_of(name: str, value: object, choices: Any) -> None:
    """Refuse what is none of the choices of a Literal."""
    if value not in get_args(choices):
        raise FocusFuseError(f"{name} {value!r} is unknown: choose one of {', '.join(get_args(choices))}")


def whole(name: str, value: object) -> None:
    """Refuse what is no whole number."""
    _ask(name, value, *_KINDS[int])


def within(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Refuse what lies outside of the bounds."""
    if not least <= value <= most:
        bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
        raise FocusFuseError(f"{name} must be {bounds}, not {value}")


def check_sizes(pixel_size: Any = None, z_step: Any = None) -> None:
    """Refuse a pixel size that is not two lengths, and a z-step that is none; None is not known, and right.

    Raises
    ------
    OutputError
    """
    if pixel_size is not None:
        sides = list(pixel_size) if isinstance(pixel_size, Iterable) else []
        if len(sides) != 2 or not all(map(_is_length, sides)):
            raise OutputError(
                f"the pixel size must be a height and a width greater than 0, not {pixel_size}: give both in um"
            )
    if z_step is not None and not _is_length(z_step):
        raise OutputError(f"the z-step must be greater than 0, not {z_step}: give the distance of two slices in um")


def _is_length(value: Any) -> bool:
    try:
        return 0 < float(value) < math.inf
    except (TypeError, ValueError, OverflowError):
        return False
