"""Flags from the dataclasses that hold the defaults, so that none is written twice."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token, convert

from napari_focusfuse.config.setting import Setting, help_of, settings_of
from napari_focusfuse.errors import FocusFuseError, StackError

__all__ = [
    "Names",
    "Out",
    "Switch",
    "config_from",
    "flags_of",
    "given",
    "opening_given",
    "parsed",
    "sizes_given",
]

Out = Annotated[Path, Parameter(alias="-o")]
#: Of names, `--exclude a.tif --exclude "*_fused.*"`.
Names = Annotated[list[str] | None, Parameter(negative=())]
Switch = Annotated[bool, Parameter(negative=(), show_default=False)]

_PLAIN = (bool, int, float, str)


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
    chosen = None if slices is None else _slices_given(slices)
    return {"axis": axis, "rgb": rgb, **given(channel=channel, slices=chosen, exclude=exclude or None)}


def _slices_given(words: str) -> slice | list[int]:
    """A range of slices; or the numbers that several ranges and single slices with commas between them hold."""
    ranges = [part.split(":") for part in words.split(",")]
    numbers = all(len(part) <= 3 and all(p.isdecimal() or not p for p in part) for part in ranges)
    closed = all(all(part) and part[2:] != ["0"] for part in ranges)
    if not numbers or not (closed if len(ranges) > 1 else len(ranges[0]) > 1):
        raise StackError(
            f"--slices must be FIRST:END, FIRST:END:STEP or a list such as 0:8,10,12, not {words}: "
            "10:50:2 takes 10, 12... 48"
        )
    if len(ranges) == 1:
        return slice(*(int(part) if part else None for part in ranges[0]))
    return [k for first, *more in ranges for k in (range(int(first), *map(int, more)) if more else [int(first)])]


def parsed(kind: type[Any], tokens: Sequence[Token]) -> Any:
    """Convert words of the command line as usual, but do not round 2.5 to a whole number."""
    if kind not in (int, int | None):
        return convert(kind, tokens)
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value} is not a whole number") from None


def flags_of(configs: Mapping[Any, type[Any]], owner: str = "") -> type[Any]:
    """The settings of several dataclasses as flags, all None by default; the help says to which each belongs.

    Parameters
    ----------
    configs : mapping
        Dataclasses by the name of what they are the settings of.
    owner : str
        What these are names of, such as "recipe"; nothing where there is one dataclass only.
    """
    found: dict[str, dict[str, Setting]] = {}
    helps: dict[str, dict[str, str]] = {}
    for name, config in configs.items():
        told = help_of(config)
        for setting in settings_of(config).values():
            found.setdefault(setting.name, {})[name] = setting
            helps.setdefault(setting.name, {})[name] = told.get(setting.name, setting.tip)
    fields = [(name, _flag(of, configs, owner, _told(helps[name])), None) for name, of in found.items()]
    return dataclasses.make_dataclass("Flags", fields, kw_only=True, namespace={"__module__": __name__})


def config_from(flags: Any, configs: Mapping[Any, type[Any]], owner: str, chosen: str) -> Any:
    """The settings of the one chosen, None if no flag was given.

    Raises
    ------
    FocusFuseError
        A flag belongs to another one, or a value makes no sense.
    """
    values = given(**vars(flags)) if flags else {}
    for name in values:
        owners = [other for other, config in configs.items() if name in settings_of(config)]
        if chosen not in owners:
            flag = f"--{name.replace('_', '-')}"
            raise FocusFuseError(
                f"{flag} belongs to the {owner} {owners[0]}, and this is {chosen}: "
                f"leave it out, or use --{owner} {owners[0]}"
            )
    return configs[chosen](**values) if values else None


def _flag(settings: Mapping[str, Setting], configs: Mapping[Any, Any], owner: str, text: str) -> Any:
    """The type of a flag, with its help."""
    first = next(iter(settings.values()))
    # What is neither is a number or a word, and the configuration says which words.
    kind = first.kind if first.literals or first.kind in _PLAIN else int | str
    shown: dict[str, Any] = {"help": text, "show_default": _defaults(settings)}
    if first.default is False:
        shown |= {"negative": (), "show_default": False}
    if owner and len(settings) == 1:
        shown |= {"group": f"{owner.capitalize()} {next(iter(settings))}"}
    elif owner:
        shown |= {"group": f"Any {owner}" if len(settings) == len(configs) else f"Several {owner}s"}
    return Annotated[kind | None, Parameter(**shown)]


def _defaults(settings: Mapping[str, Setting]) -> str | bool:
    """The default, for each owner where they differ; those that depend on other settings are told by the help."""
    known = {name: str(setting.default) for name, setting in settings.items() if setting.default is not None}
    if len(known) == len(settings) and len(set(known.values())) == 1:
        return next(iter(known.values()))
    return ", ".join(f"{name}: {default}" for name, default in known.items()) or False


def _told(texts: Mapping[str, str]) -> str:
    """What is said of each owner, once where it is the same."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(text, []).append(name)
    if len(names) == 1:
        return next(iter(names))
    return " ".join(f"{', '.join(owners)}: {text}" for text, owners in names.items())
