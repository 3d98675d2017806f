"""Progress of long work: every generator of the core yields `Progress`, and is drained to have its result alone."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

__all__ = ["Clock", "Drained", "Progress", "Returning", "drain", "drained", "duration", "repeated", "staged"]

Step = TypeVar("Step")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """One step of long work.

    Attributes
    ----------
    done, total : int
        Steps finished and steps in all.
    what : str
        What is being done, for people: "slice 3 of 12".
    """

    done: int
    total: int
    what: str


class Returning(Generic[Step, Result]):
    """Iterates over a generator and keeps what it returns in `result`."""

    result: Result

    def __init__(self, work: Generator[Step, None, Result]) -> None:
        self._work = work

    def __iter__(self) -> Generator[Step, None, None]:
        self.result = yield from self._work


def drain(work: Generator[Step, None, Result], report: Callable[[Step], object] | None = None) -> Result:
    """Run a generator to its end and return its result, calling `report` at each step."""
    steps = Returning(work)
    for step in steps:
        if report is not None:
            report(step)
    return steps.result


def staged(work: Generator[Progress, None, Result], start: float, share: float) -> Generator[Progress, None, Result]:
    """Let a part of some work report as `share` of the whole (1000 steps), from `start` on."""
    steps = Returning(work)
    for step in steps:
        yield Progress(round(1000 * (start + share * step.done / step.total)), 1000, step.what)
    return steps.result


def repeated(work: Generator[None, None, Result], progress: Progress) -> Generator[Progress, None, Result]:
    """Yield the same progress at every step of work that has no measure of its own."""
    steps = Returning(work)
    for _ in steps:
        yield progress
    return steps.result


def duration(seconds: float) -> str:
    """A time for people: "40 s", "12 min", "3 h 5 min"; "?" where it is not known."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 90:
        return f"{max(round(seconds), 0)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


Report = Callable[[Progress], object]
P = ParamSpec("P")
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
    # Stable: it goes behind the others, but in front of **options.
    parameters = sorted([*signature.parameters.values(), last], key=lambda parameter: parameter.kind)
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


class Clock:
    """Counts the time between reports: while one is looked at, or the training is paused, it stands still.

    Parameters
    ----------
    spent : float
        Seconds spent before.
    minutes : float
        Time budget; 0 for none.
    stop : callable, optional
        True ends the training before its time.
    around : float
        Seconds of the budget that were spent on something else, and will be needed for the same afterwards.
    """

    def __init__(
        self, spent: float, minutes: float, stop: Callable[[], bool] | None = None, around: float = 0.0
    ) -> None:
        self._spent = self._before = spent + around
        self._minutes, self._limit = minutes, 60 * minutes or math.inf
        self._around, self._validating = around, 0.0
        self._stop = stop or (lambda: False)
        self._since = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds."""
        return self._spent + time.monotonic() - self._since

    def cut(self) -> str:
        """Why the training is over at once; empty if it is not."""
        if self.spent + self._closing >= self._limit:
            return f"the {self._minutes:g} minutes are over"
        return "stopped" if self._stop() else ""

    @property
    def _closing(self) -> float:
        """Seconds that are needed after the last step: to validate, and to score the best model."""
        return 2 * self._validating + self._around

    def validated(self, seconds: float) -> None:
        """A validation took so long, and so may the last one."""
        self._validating = seconds

    def give(self, report: Step) -> Generator[Step, None, None]:
        """Yield a report and stand still meanwhile."""
        self._spent = self.spent
        yield report
        self._since = time.monotonic()

    def rate(self, done: int) -> float:
        """Units a second, of `done` since this clock was made."""
        return done / max(self.spent - self._before, 1e-6)

    def left(self, done: int, remaining: int) -> float:
        """Seconds until `remaining` more units are done and all that follows, or the budget is used up."""
        closing = self._closing if remaining else self._closing - self._validating
        needed = closing + remaining / self.rate(done) if done else math.nan
        return min(self._limit - self.spent, needed) if math.isfinite(self._limit) else needed
