"""What takes part: methods of ours by name and settings, external programs, and what each gives."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from napari_focusfuse.config import FusionConfig, MethodConfig
from napari_focusfuse.config.setting import settings_of
from napari_focusfuse.core.methods import Method, method_named
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_focusfuse.core.result import Decision

__all__ = [
    "DEFAULT_METHODS",
    "Contender",
    "Outcome",
    "OwnMethod",
    "check_labels",
    "named",
    "parse_methods",
    "setting_value",
]

#: Run where no methods are named.
DEFAULT_METHODS = "sesf,sf,block-sf,log,log:sigma=3,focusstack,variance,mwg,gf,lp,rp,dwt,mean"
#: The encoder of the paper, for its preset.
_PAPER_MODEL = "sesf-cse"
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Outcome(NamedTuple):
    """What a contender made of a stack.

    Attributes
    ----------
    image : array (Y, X[, C]) or None
        Of the type of the stack; None if it failed.
    decision : Decision or None
    seconds : float
        Wall time.
    peak_mb : float or None
        Most memory in use, MB; None where it is not known.
    failure : str
        Why there is no image, a line.
    """

    image: NDArray[Any] | None
    decision: Decision | None = None
    seconds: float = 0.0
    peak_mb: float | None = None
    failure: str = ""


class Contender(Protocol):
    """Anything that fuses a stack."""

    @property
    def label(self) -> str:
        """Name in tables."""

    def run(self, stack: Any) -> Outcome:
        """Fuse; what an external program does wrong is told in the outcome, never raised."""


@dataclass(frozen=True)
class OwnMethod:
    """A method of this package with settings.

    Attributes
    ----------
    label : str
        As it was asked for: ``log:sigma=3``.
    method : str
        Name in the registry.
    config : FusionConfig or MethodConfig or None
        None is the method's own defaults.
    model : str
        Encoder, for methods that use one.
    """

    label: str
    method: str
    config: FusionConfig | MethodConfig | None = None
    model: str = "default"

    def run(self, stack: Any) -> Outcome:
        """Fuse on the CPU and take the time."""
        from napari_focusfuse import api

        start = perf_counter()
        result = api.fuse(stack, method=self.method, config=self.config, model=self.model, device="cpu")
        return Outcome(result.image, result.decision, perf_counter() - start)


def parse_methods(text: str) -> list[OwnMethod]:
    """Methods from words such as ``sesf,log:sigma=3,radius=5,sesf:preset=paper``.

    A method may be followed by ``:`` and settings; besides the fields of its configuration, methods with an encoder
    know ``model``. The preset "paper" runs with the paper's encoder if none is named.

    Raises
    ------
    FocusFuseError
        A method or setting is unknown, or a value is not one.
    """
    found = named(text)
    if not found:
        raise FocusFuseError("there is no method to run: name some, such as sesf,log")
    return [_own_method(name, settings) for name, *settings in found]


def named(text: str) -> list[list[str]]:
    """Names, each with its settings: ``a,b:x=1,y=2`` is ``[["a"], ["b", "x=1", "y=2"]]``."""
    found: list[list[str]] = []
    for piece in (piece.strip() for piece in text.split(",")):
        if found and "=" in piece and ":" not in piece:
            found[-1].append(piece)
        elif piece:
            name, colon, first = piece.partition(":")
            found.append([name, *([first] if colon else [])])
    return found


def check_labels(contenders: Sequence[Contender]) -> None:
    """Refuse two contenders of one name.

    Raises
    ------
    FocusFuseError
        There are.
    """
    labels = [contender.label for contender in contenders]
    for label in labels:
        if labels.count(label) > 1:
            raise FocusFuseError(f"{label!r} takes part twice: name each method and program once")


def _own_method(name: str, settings: Sequence[str]) -> OwnMethod:
    method = method_named(name)
    given: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        given[key.strip()] = setting_value(method, key.strip(), value.strip())
    model = given.pop("model", _PAPER_MODEL if given.get("preset") == "paper" else "default")
    config = method.config(**given) if given and method.config else None
    return OwnMethod(":".join([name, ",".join(settings)]) if settings else name, name, config, model)


def setting_value(method: Method, key: str, value: str) -> Any:
    """The value of a setting of a method, of the type that the setting has.

    Raises
    ------
    FocusFuseError
        There is no such setting, or the value is of another type.
    """
    known = {name: setting.kind for name, setting in settings_of(method.config).items()} if method.config else {}
    if "model" in method.needs:
        known["model"] = str
    if key not in known:
        which = f"choose one of {', '.join(known)}" if known else "it has none"
        raise FocusFuseError(f"{method.name} has no setting {key!r}: {which}")
    kind = known[key]
    if kind is bool:
        if value.lower() not in (*_TRUE, *_FALSE):
            raise FocusFuseError(f"{key} of {method.name} must be true or false, not {value!r}")
        return value.lower() in _TRUE
    if kind not in (int, float):
        return value
    try:
        return kind(value)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise FocusFuseError(f"{key} of {method.name} must be {wanted}, not {value!r}") from None
