"""Progress of long work: every generator of the core yields `Progress`."""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Progress", "Returning", "drain", "duration", "repeated", "staged"]

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
