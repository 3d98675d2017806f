"""Checks that say in a sentence what a setting must be."""

import math
from numbers import Integral
from typing import Any, get_args

from napari_focusfuse.errors import FocusFuseError

__all__ = ["one_of", "whole", "within"]


def one_of(name: str, value: object, choices: Any) -> None:
    if value not in get_args(choices):
        raise FocusFuseError(f"{name} {value!r} is unknown: choose one of {', '.join(get_args(choices))}")


def whole(name: str, value: object) -> None:
    if not isinstance(value, Integral):
        raise FocusFuseError(f"{name} must be a whole number, not {value!r}")


def within(name: str, value: float, least: float, most: float = math.inf) -> None:
    if not least <= value <= most:
        bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
        raise FocusFuseError(f"{name} must be {bounds}, not {value}")
