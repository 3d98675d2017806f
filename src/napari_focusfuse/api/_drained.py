"""Long work that runs to its end, made from the generator that does it: `fuse` of `iter_fuse`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from napari_focusfuse.core.progress import Progress, drain

__all__ = ["Drained", "drained"]

Report = Callable[[Progress], object]
P = ParamSpec("P")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

_PROGRESS = """
progress : callable, optional
    Called with a `Progress` at each step.
"""


class Drained(Protocol[P, Result_co]):
    """A function that takes what its generator takes, and `progress`.

    No type can add a keyword to those of another function: where `progress` is given, the others are not checked.
    """

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result_co: ...
    @overload
    def __call__(self, *args: Any, progress: Report | None, **kwargs: Any) -> Result_co: ...


def drained(steps: Callable[P, Generator[Progress, None, Result]], name: str = "") -> Drained[P, Result]:
    """The function that runs `steps` to its end, called as it is without "iter_", or by `name`."""

    @wraps(steps)
    def run(*args: Any, progress: Report | None = None, **options: Any) -> Result:
        return drain(steps(*args, **options), progress)

    signature = inspect.signature(steps)
    returns = signature.return_annotation.removeprefix("Generator[Progress, None, ").removesuffix("]")
    last = inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="Report | None")
    parameters = [*signature.parameters.values(), last]
    told: Any = run
    del told.__wrapped__
    told.__name__ = told.__qualname__ = name or steps.__name__.removeprefix("iter_")
    told.__signature__ = signature.replace(parameters=parameters, return_annotation=returns)
    told.__annotations__ = {**steps.__annotations__, "progress": last.annotation, "return": returns}
    told.__doc__ = _with_progress(inspect.getdoc(steps) or "")
    drains: Drained[P, Result] = told
    return drains


def _with_progress(doc: str) -> str:
    """The docstring with `progress` as the last parameter, if it lists them."""
    listed, found, rest = doc.partition("\n\nReturns\n")
    return f"{listed}{_PROGRESS.rstrip()}{found}{rest}" if "Parameters\n-----" in listed else doc
