"""Schemas of JSON files, composed of small checks that report errors in words.

A check takes a value and the name of its place, and raises `MismatchError`. Entries that are not known are let be: a
later version may write them.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "Check",
    "MismatchError",
    "anything",
    "entries",
    "flag",
    "listed",
    "mapped",
    "maybe",
    "number",
    "text",
    "whole",
]

Check = Callable[[Any, str], object]
#: Letters of a text, entries of a list, and letters of a value in a message.
_LONGEST, _MOST, _SHOWN = 2**16, 2**20, 40


class MismatchError(ValueError):
    """A value is not what its place asks for."""


def number(least: float = -math.inf, most: float = math.inf, *, above: bool = False) -> Check:
    """A finite number within limits; `above`: more than the least."""

    def check(value: Any, where: str) -> None:
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not real or not _finite(value) or not least <= value <= most or (above and value == least):
            raise _mismatch(where, f"a number{_bounds(least, most)}", value)

    return check


def whole(least: float = -math.inf, most: float = math.inf) -> Check:
    """A whole number within limits."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _mismatch(where, f"a whole number{_bounds(least, most)}", value)

    return check


def text(*choices: str, fits: Callable[[str], object] = bool) -> Check:
    """One of some texts, or any that is not empty and `fits`."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or len(value) > _LONGEST or not (value in choices if choices else fits(value)):
            raise _mismatch(where, f"one of {', '.join(choices)}" if choices else "a text as it is written here", value)

    return check


def flag(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _mismatch(where, "true or false", value)


def anything(_value: Any, _where: str) -> None:
    """What is not looked at."""


def maybe(check: Check) -> Check:
    """None, or what `check` asks for."""
    return lambda value, where: None if value is None else check(value, where)


def listed(check: Check, least: int = 0, most: int = _MOST) -> Check:
    """A list of what `check` asks for, of so many."""

    def check_all(value: Any, where: str) -> None:
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise _mismatch(where, f"a list of {least} to {most} values", value)
        for k, item in enumerate(value):
            check(item, f"{where}[{k}]")

    return check_all


def mapped(check: Check) -> Check:
    """Values that `check` asks for by any names."""

    def check_all(value: Any, where: str) -> None:
        for name, item in _mapping(value, where).items():
            check(item, f"{where}.{name[:_SHOWN]}")

    return check_all


def entries(needed: Mapping[str, Check], known: Mapping[str, Check] | None = None) -> Check:
    """Values by their names: those that are `needed`, and those that may be there."""

    def check_all(value: Any, where: str) -> None:
        found = _mapping(value, where)
        for name in needed:
            if name not in found:
                raise MismatchError(f"{where} has no {name}")
        for name, check in {**needed, **(known or {})}.items():
            if name in found:
                check(found[name], f"{where}.{name}")

    return check_all


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _mismatch(where, "values by their names", value)
    return value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that is no float
        return False


def _bounds(least: float, most: float) -> str:
    low = "" if math.isinf(least) else f" from {least:g}"
    return low + ("" if math.isinf(most) else f" to {most:g}")


def _mismatch(where: str, wanted: str, value: Any) -> MismatchError:
    if isinstance(value, (list, tuple, Mapping)):
        shown = f"a {'list' if isinstance(value, (list, tuple)) else 'mapping'} of {len(value)}"
    else:
        shown = "a very large number" if isinstance(value, int) and value.bit_length() > 100 else repr(value)[:_SHOWN]
    return MismatchError(f"{where} must be {wanted}, not {shown}")
