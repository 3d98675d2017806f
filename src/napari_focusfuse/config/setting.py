"""What is known of a setting besides its type and default, and the checks that say in a sentence what it must be.

It stands in the setting's field, and everything else reads it there. Its help is its paragraph in the docstring of the
class, which documentation and editors show without running anything.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from inspect import get_annotations
from numbers import Integral, Real
from typing import Annotated, Any, Literal, get_args, get_origin

from napari_focusfuse.errors import FocusFuseError, OutputError

__all__ = ["Setting", "check", "check_sizes", "help_of", "one_of", "settings_of", "whole", "within"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Bounds of a setting, and how a form shows it: ``radius: Annotated[int, Setting(label="Radius", least=0)] = 5``.

    Attributes
    ----------
    label : str
        What a form calls it; without one no form shows it.
    unit : str
        Behind the label. A share with the unit "%" is shown in percent.
    tip : str
        What it trades, shown by a form; its help if left out.
    least, most : float
        Bounds.
    above : float
        Instead of `least`, a bound that the value itself must not reach.
    offered : tuple of (str, object)
        Values that a form offers, each with its words; left out of a Literal, all that it names.
    zero : str
        Words for the least value of a number, such as "no limit"; the unit is then shown behind the number.
    step : float
        By how much a form's arrows change a number, as it is shown.
    digits : int
        Digits that a form shows behind the point.
    main : bool
        Whether everybody needs it; a form folds the others away.
    name, kind, default
        Of the field, as `settings_of` finds them.
    """

    label: str = ""
    unit: str = ""
    tip: str = ""
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    offered: tuple[tuple[str, Any], ...] = ()
    zero: str = ""
    step: float = 1.0
    digits: int = 0
    main: bool = False
    name: str = ""
    kind: Any = None
    default: Any = None

    @property
    def percent(self) -> bool:
        """Whether a form shows a share as percent."""
        return self.unit == "%"

    @property
    def choices(self) -> tuple[tuple[str, Any], ...]:
        """What a form offers, each with its words; empty where anything within the bounds may be given."""
        return self.offered or tuple((str(each), each) for each in self.literals)

    @property
    def literals(self) -> tuple[Any, ...]:
        """The only values allowed, where the type names them."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()


def settings_of(config: type[Any]) -> Mapping[str, Setting]:
    """The settings of a type of configuration by name; what is not stated is inherited from the field's base class."""
    key: Any = config  # to the type checker, a type of just anything is not hashable
    return _settings_of(key)


@cache
def _settings_of(config: Any) -> Mapping[str, Setting]:
    """Found once, as each configuration that is made is checked."""
    return {
        field.name: replace(_stated(config, field.name), name=field.name, kind=_bare(field.type), default=field.default)
        for field in fields(config)
    }


def help_of(config: type[Any]) -> Mapping[str, str]:
    """What the docstring of a dataclass, or of those it inherits from, says of each setting."""
    from docstring_parser import DocstringStyle, parse

    told: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        for part in parse(owner.__doc__ or "", DocstringStyle.NUMPYDOC).params:
            for name in part.arg_name.split(", "):
                told[name] = " ".join((part.description or "").split())
    return told


def _stated(config: type[Any], name: str) -> Setting:
    for owner in config.__mro__:
        for told in getattr(get_annotations(owner).get(name), "__metadata__", ()):
            if isinstance(told, Setting):
                return told
    return Setting()


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


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
