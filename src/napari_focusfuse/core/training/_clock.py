"""Time spent in training, and how much is left."""

import math
import time
from collections.abc import Generator
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
    """

    def __init__(self, spent: float, minutes: float) -> None:
        self._spent = self._before = spent
        self._limit = 60 * minutes or math.inf
        self._since = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds."""
        return self._spent + time.monotonic() - self._since

    @property
    def over(self) -> bool:
        """Whether the time budget is used up."""
        return self.spent >= self._limit

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
