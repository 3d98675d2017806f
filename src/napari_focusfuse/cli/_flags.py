"""Flags from the dataclasses that hold the defaults, so that none is written twice."""

import dataclasses
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token, convert

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.errors import OutputError, StackError

__all__ = [
    "FusionFlags",
    "Names",
    "Out",
    "Switch",
    "check_apart",
    "given",
    "merged",
    "opening_given",
    "parsed",
    "sizes_given",
]

Out = Annotated[Path, Parameter(alias="-o")]
#: Of names, `--exclude a.tif --exclude "*_fused.*"`.
Names = Annotated[list[str] | None, Parameter(negative=())]
Switch = Annotated[bool, Parameter(negative=(), show_default=False)]


def given(**options: Any) -> dict[str, Any]:
    """Options without those that were left out, so that the API's own defaults hold."""
    return {name: value for name, value in options.items() if value is not None}


def sizes_given(z_step: float | None, pixel_size: float | None) -> dict[str, Any]:
    """The sizes in um that were given, as the API takes them; StackError where one is none."""
    for name, size in (("--z-step", z_step), ("--pixel-size", pixel_size)):
        if size is not None and not 0 < size < math.inf:
            raise StackError(f"{name} must be greater than 0, not {size}: give it in um")
    return given(z_step=z_step, pixel_size=pixel_size and (pixel_size, pixel_size))


def opening_given(
    *,
    axis: str | None,
    rgb: bool,
    channel: str | None = None,
    slices: str | None = None,
    exclude: Sequence[str] | None = None,
) -> dict[str, Any]:
    """How inputs are opened, as `api.open_stack` takes it; StackError where the slices are no range."""
    parts = [] if slices is None else slices.split(":")
    if slices is not None and (len(parts) not in (2, 3) or not all(p.isdecimal() or not p for p in parts)):
        raise StackError(f"--slices must be FIRST:END or FIRST:END:STEP, not {slices}: 10:50:2 takes 10, 12... 48")
    chosen = slice(*(int(part) if part else None for part in parts)) if parts else None
    return {"axis": axis, "rgb": rgb, **given(channel=channel, slices=chosen, exclude=exclude or None)}


def check_apart(source: Path, out: Path) -> None:
    """Refuse to write over the input, or among the slices, where the next run would take the result for a slice."""
    if out.resolve() == source.resolve():
        raise OutputError(f"{out} is the input itself: choose another name")
    if source.is_dir() and out.resolve().parent == source.resolve():
        raise OutputError(f"{out} would be written among the slices of the stack: choose a folder outside {source}")


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


def merged(name: str, configs: Mapping[str, type[Any]]) -> type[Any]:
    """The fields of several dataclasses, all None by default; the help says to which each belongs, and its defaults.

    Parameters
    ----------
    name : str
        Of the class.
    configs : mapping
        Dataclasses by the name of what they are the settings of.
    """
    kinds: dict[str, Any] = {}
    defaults: dict[str, dict[str, str]] = {}
    tips: dict[str, dict[str, str]] = {}
    for owner, config in configs.items():
        told = _tips(config)
        for field in dataclasses.fields(config):
            kinds[field.name] = field.type
            defaults.setdefault(field.name, {})[owner] = str(field.default)
            tips.setdefault(field.name, {})[owner] = told[field.name]
    fields: list[tuple[str, Any, None]] = []
    for key in kinds:
        group = "Any recipe" if len(tips[key]) > 1 else f"Recipe {next(iter(tips[key]))}"
        shown = Parameter(help=_joined(tips[key], " "), group=group, show_default=_joined(defaults[key], ", "))
        fields.append((key, Annotated[kinds[key] | None, shown], None))
    return dataclasses.make_dataclass(name, fields, kw_only=True, namespace={"__module__": __name__})


def _joined(texts: Mapping[str, str], between: str) -> str:
    """What is said of each owner, or once where it is the same."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return between.join(f"{owner}: {text}" for owner, text in texts.items())


def _tips(config: type[Any]) -> dict[str, str]:
    """What the docstring of a dataclass says about each field."""
    found = re.findall(r"^(\w+) : .*\n((?: {4}.*(?:\n|$))+)", inspect.cleandoc(config.__doc__ or ""), re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


if TYPE_CHECKING:
    from napari_focusfuse.config import FusionConfig as FusionFlags
else:
    FusionFlags = _flags(FusionConfig)
