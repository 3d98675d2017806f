"""Flags from the dataclasses that hold the defaults, so that none is written twice."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cyclopts import Token, convert

from napari_focusfuse.core.config import FusionConfig, TrainConfig

__all__ = ["FusionFlags", "TrainFlags", "given", "parsed"]


def given(**options: Any) -> dict[str, Any]:
    """Options without those that were left out, so that the API's own defaults hold."""
    return {name: value for name, value in options.items() if value is not None}


def parsed(kind: type[Any], tokens: Sequence[Token]) -> Any:
    """Convert words of the command line as usual, but do not round 2.5 to a whole number."""
    if kind not in (int, int | None):
        return convert(kind, tokens)
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value} is not a whole number") from None


def _flags(config: type[Any]) -> type[Any]:
    """The fields of `config`; those that are left to it (their default is None) may be None here, as types are checked.

    The values are checked by `config` itself, which is what an instance turns into with `vars`.
    """
    fields = [
        (field.name, field.type if field.default is not None else field.type | None, field.default)  # type: ignore[operator]
        for field in dataclasses.fields(config)
    ]
    # Without a module of its own it would be taken for a built-in type.
    namespace = {"__doc__": config.__doc__, "__module__": __name__}
    return dataclasses.make_dataclass(config.__name__, fields, kw_only=True, namespace=namespace)


if TYPE_CHECKING:
    from napari_focusfuse.core.config import FusionConfig as FusionFlags
    from napari_focusfuse.core.config import TrainConfig as TrainFlags
else:
    FusionFlags, TrainFlags = _flags(FusionConfig), _flags(TrainConfig)
