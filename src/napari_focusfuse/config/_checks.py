"""Checks that say in a sentence what a setting must be."""

import math
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, get_args

from napari_focusfuse.errors import FocusFuseError

__all__ = ["one_of", "typed", "whole", "within"]


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
    if value not in get_args(choices):
        raise FocusFuseError(f"{name} {value!r} is unknown: choose one of {', '.join(get_args(choices))}")


def whole(name: str, value: object) -> None:
    _ask(name, value, *_KINDS[int])


def within(name: str, value: float, least: float, most: float = math.inf) -> None:
    if not least <= value <= most:
        bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
        raise FocusFuseError(f"{name} must be {bounds}, not {value}")
