"""How long work tells where it stands: every generator of the core yields `Progress`."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Progress", "drain", "repeated", "staged"]

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


def drain(work: Generator[Progress, None, Result], report: Callable[[Progress], object] | None = None) -> Result:
    """Run a generator of `Progress` to its end and return its result, calling `report` at each step."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        if report is not None:
            report(step)


def staged(work: Generator[Progress, None, Result], start: float, share: float) -> Generator[Progress, None, Result]:
    """Let a part of some work report as `share` of the whole (1000 steps), from `start` on."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield Progress(round(1000 * (start + share * step.done / step.total)), 1000, step.what)


def repeated(work: Generator[None, None, Result], progress: Progress) -> Generator[Progress, None, Result]:
    """Yield the same progress at every step of work that has no measure of its own."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield progress
