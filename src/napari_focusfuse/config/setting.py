"""What is known of a setting besides its type and default: it stands in its field, and everything else reads it there.

Its help is its paragraph in the docstring of the class, which documentation and editors show without running anything.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any, Literal, get_args, get_origin

__all__ = ["Setting", "help_of", "settings_of"]


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
