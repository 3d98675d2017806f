"""The clock of a training: what its time budget has to hold, and what it says is left."""

import pytest

from napari_focusfuse.core import progress
from napari_focusfuse.core.progress import Clock


@pytest.fixture
def now(monkeypatch):
    """The time, which the test moves."""
    time = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    return time


def test_the_budget_holds_the_last_validation_and_the_scores(now):
    clock = Clock(0.0, 1.0)
    clock.validated(10.0)
    now[0] += 39
    assert clock.cut() == ""
    assert clock.left(1, 1000) == pytest.approx(21)
    now[0] += 1
    assert clock.cut() == "the 1 minutes are over"
    assert clock.left(1, 1000) == pytest.approx(20)


def test_the_budget_holds_what_is_done_before_and_after(now):
    clock = Clock(0.0, 1.0, around=25.0)
    assert clock.left(0, 10) != clock.left(1, 10)
    now[0] += 5
    assert clock.rate(10) == pytest.approx(2)
    assert clock.left(10, 4) == pytest.approx(2 + 25)
    assert clock.cut() == ""
    now[0] += 5
    assert clock.cut()


def test_nothing_is_left_only_when_all_is_done(now):
    clock = Clock(0.0, 0.0)
    clock.validated(3.0)
    now[0] += 10
    assert clock.left(10, 10) == pytest.approx(10 + 6)
    assert clock.left(10, 0) == pytest.approx(3)


def test_the_clock_stands_still_while_a_report_is_looked_at(now):
    clock = Clock(0.0, 0.0)
    for _ in clock.give("report"):
        now[0] += 1000
    assert clock.spent == 0
