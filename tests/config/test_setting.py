"""A setting stands in one place: what its field says is found in the checks and on the command line."""

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal

import pytest
from cyclopts import App, Parameter

from napari_focusfuse import config
from napari_focusfuse.cli._flags import config_from, flags_of
from napari_focusfuse.config.setting import Setting, check, help_of, settings_of
from napari_focusfuse.errors import FocusFuseError


@dataclass(frozen=True, kw_only=True)
class Before:
    """Settings of something.

    Attributes
    ----------
    depth, height : float
        How far it goes,
        in either direction.
    """

    depth: Annotated[float, Setting(label="Depth", above=0, most=8)] = 1.0
    height: float = 2.0

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class After(Before):
    """The same with one line more."""

    knob: Annotated[int, Setting(label="Knob", tip="What it trades.", least=2, most=9)] = 4


def told(*words: str, kinds: dict[str, type[Any]]) -> Any:
    """The settings that a command line makes, of the last kind."""
    app = App(result_action="return_value")
    flags: Any = flags_of(kinds, "kind")

    @app.default
    def command(*, flags: Annotated[flags | None, Parameter(name="*")] = None) -> Any:
        return config_from(flags, kinds, "kind", list(kinds)[-1])

    return app(words, exit_on_error=False, print_error=False)


def test_a_new_setting_is_checked() -> None:
    assert After(knob=9).knob == 9
    with pytest.raises(FocusFuseError, match="knob must be from 2 to 9, not 10"):
        After(knob=10)
    with pytest.raises(FocusFuseError, match=r"knob must be a whole number, not 2\.5"):
        After(knob=2.5)  # type: ignore[arg-type]


def test_a_new_setting_is_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("--knob", "7", kinds={"after": After}) == After(knob=7)
    assert told(kinds={"after": After}) is None
    with pytest.raises(FocusFuseError, match="knob must be from 2 to 9"):
        told("--knob", "1", kinds={"after": After})
    told("--help", kinds={"before": Before, "after": After})
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--knob INT What it trades. [default: 4]" in shown
    assert "--depth FLOAT How far it goes, in either direction. [default: 1.0]" in shown
    assert "Kind after" in shown
    assert "Any kind" in shown


def test_a_flag_of_another_one_is_refused_in_words() -> None:
    with pytest.raises(FocusFuseError, match="--knob belongs to the kind after, and this is before: leave it out"):
        told("--knob", "7", kinds={"after": After, "before": Before})


@pytest.mark.parametrize("depth", [0, -1, 8.5, math.nan])
def test_a_bound_that_is_not_reached(depth: float) -> None:
    with pytest.raises(FocusFuseError, match="depth must be greater than 0 and at most 8, not"):
        Before(depth=depth)


def test_a_changed_default_keeps_what_is_known_of_the_setting() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Other(After):
        knob: int = 5

    assert settings_of(Other)["knob"].default == 5
    assert settings_of(Other)["knob"].most == 9
    with pytest.raises(FocusFuseError, match="from 2 to 9"):
        Other(knob=10)


def test_choices_are_those_of_the_type_in_the_words_that_are_offered() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Kinds:
        plain: Literal["a", "b"] = "a"
        worded: Annotated[Literal["a", "b", "c"], Setting(offered=(("the first", "a"), ("the other", "b")))] = "c"

    settings = settings_of(Kinds)
    assert settings["plain"].choices == (("a", "a"), ("b", "b"))
    assert settings["worded"].choices == (("the first", "a"), ("the other", "b"))
    check(Kinds())
    with pytest.raises(FocusFuseError, match="worded 'd' is unknown: choose one of a, b, c"):
        check(Kinds(worded="d"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in config.__all__ if is_dataclass(getattr(config, name))])
def test_every_setting_has_its_paragraph(name: str) -> None:
    kind = getattr(config, name)
    if isinstance(kind, type):
        assert set(help_of(kind)) == {field.name for field in fields(kind)}
        assert all(help_of(kind).values())
