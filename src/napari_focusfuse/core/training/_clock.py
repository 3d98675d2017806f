"""Time spent in training, how much is left, and whether it is over."""

import math
import time
from collections.abc import Callable, Generator
from typing import TypeVar

__all__ = ["Clock"]

Report = TypeVar("Report")


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
    """

    def __init__(self, spent: float, minutes: float, stop: Callable[[], bool] | None = None) -> None:
        self._spent = self._before = spent
        self._minutes, self._limit = minutes, 60 * minutes or math.inf
        self._stop = stop or (lambda: False)
        self._since = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds."""
        return self._spent + time.monotonic() - self._since

    def cut(self) -> str:
        """Why the training is over at once; empty if it is not."""
        if self.spent >= self._limit:
            return f"the {self._minutes:g} minutes are over"
        return "stopped" if self._stop() else ""

    def give(self, report: Report) -> Generator[Report, None, None]:
        """Yield a report and stand still meanwhile."""
        self._spent = self.spent
        yield report
        self._since = time.monotonic()

    def rate(self, done: int) -> float:
        """Units a second, of `done` since this clock was made."""
        return done / max(self.spent - self._before, 1e-6)

    def left(self, done: int, remaining: int) -> float:
        """Seconds until `remaining` more units are done, or the budget is used up."""
        needed = remaining / self.rate(done) if done else math.nan
        return min(self._limit - self.spent, needed) if math.isfinite(self._limit) else needed
