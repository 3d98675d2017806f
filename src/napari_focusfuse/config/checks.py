"""Checks that say in a sentence what a setting must be."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["check", "check_sizes", "one_of", "whole", "within"]

#: What the fields of settings may be, and how it is called. True and false are no numbers.
_KINDS: dict[Any, tuple[type, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "a text"),
}


def check(config: Any) -> None:
    """Refuse settings that are not of the type, among the choices or within the bounds that their fields state."""
    for name, setting in settings_of(type(config)).items():
        value = getattr(config, name)
        _ask(name, value, *_KINDS.get(setting.kind, (object, "")))
        if setting.literals:
            one_of(name, value, setting.literals)
        if not math.isinf(setting.above):
            _exceeds(name, value, setting.above, setting.most)
        elif not math.isinf(setting.least):
            within(name, value, setting.least, setting.most)


def _ask(name: str, value: object, kind: type, called: str) -> None:
    counted = kind in (Integral, Real) and type(value) is bool
    if counted or not isinstance(value, kind):
        raise FocusFuseError(f"{name} must be {called}, not {value!r}")


def one_of(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices."""
    if value not in choices:
        raise FocusFuseError(f"{name} {value!r} is unknown: choose one of {', '.join(choices)}")


def whole(name: str, value: object) -> None:
    """Refuse what is no whole number."""
    _ask(name, value, *_KINDS[int])


def within(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Refuse what lies outside of the bounds."""
    if not least <= value <= most:
        bounds = f"at least {least}" if math.isinf(most) else f"from {least} to {most}"
        raise FocusFuseError(f"{name} must be {bounds}, not {value}")


def _exceeds(name: str, value: float, above: float, most: float) -> None:
    if not above < value <= most:
        limit = "" if math.isinf(most) else f" and at most {most:g}"
        raise FocusFuseError(f"{name} must be greater than {above:g}{limit}, not {value}")


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
