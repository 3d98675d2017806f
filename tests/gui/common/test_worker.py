"""A generator in a thread: progress, result, errors, cancel."""

import threading
import time
import warnings
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest
from qtpy.QtCore import QObject, QThreadPool

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning
from napari_focusfuse.gui.common.worker import Latest, Run, UnexpectedError, report

Work = Generator[Progress, None, Any]


def failing(error: Exception) -> Callable[[], Work]:
    def work() -> Work:
        yield Progress(1, 2, "first")
        raise error

    return work


def counting() -> Work:
    for k in range(4):
        yield Progress(k + 1, 4, f"step {k + 1}")
    return threading.current_thread() is threading.main_thread()


def test_progress_and_result_arrive_in_the_main_thread(qtbot):
    run = Run(counting, "Counting")
    seen = []
    run.progressed.connect(lambda step: seen.append((step.done, threading.current_thread() is threading.main_thread())))
    with qtbot.waitSignals([run.returned, run.finished], timeout=5000, order="strict") as caught:
        run.start()
    assert caught.all_signals_and_args[0].args == (False,)
    assert seen[-1] == (4, True)
    assert all(main for _, main in seen)


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ValueError("odd"), MemoryError(), StopIteration()])
def test_every_error_arrives(qtbot, error):
    run = Run(failing(error), "Failing")
    with qtbot.waitSignals([run.failed, run.finished], timeout=5000, order="strict") as caught:
        run.start()
    (failure,) = caught.all_signals_and_args[0].args
    assert isinstance(failure, UnexpectedError)
    assert str(error) in str(failure)


def test_an_error_of_the_user_arrives_as_it_is(qtbot):
    error = FocusFuseError("one slice")
    run = Run(failing(error), "Failing")
    with qtbot.waitSignal(run.failed, timeout=5000) as caught:
        run.start()
    assert caught.args == [error]


def test_cancel_stops_at_the_next_step_and_closes_the_generator(qtbot):
    closed, steps = threading.Event(), []

    def endless() -> Work:
        try:
            while True:
                time.sleep(0.01)
                steps.append(1)
                yield Progress(0, 0, "on and on")
        finally:
            closed.set()

    run = Run(endless, "Endless")
    results = []
    run.returned.connect(results.append)
    run.failed.connect(results.append)
    run.start()
    qtbot.waitUntil(lambda: len(steps) > 3)
    with qtbot.waitSignal(run.finished, timeout=2000):
        run.cancel()
    done = len(steps)
    qtbot.wait(100)
    assert closed.is_set()
    assert len(steps) == done
    assert results == []


@pytest.mark.parametrize("fails", [False, True])
def test_what_comes_after_cancel_is_dropped(qtbot, fails):
    """The last step was under way when Cancel was pressed."""
    started, go = threading.Event(), threading.Event()

    def last_step() -> Work:
        yield Progress(1, 1, "last")
        started.set()
        go.wait(5)
        if fails:
            raise RuntimeError("too late")
        return "too late"

    run = Run(last_step, "Last step")
    results = []
    run.returned.connect(results.append)
    run.failed.connect(results.append)
    run.start()
    qtbot.waitUntil(started.is_set)
    with qtbot.waitSignal(run.finished, timeout=2000):
        run.cancel()
        go.set()
    assert results == []


def test_a_result_that_is_on_its_way_is_dropped(qtbot):
    """The thread was through when Cancel was pressed, but its result had not been looked at yet."""
    run = Run(counting, "Counting")
    results = []
    run.returned.connect(results.append)
    run.start()
    assert QThreadPool.globalInstance().waitForDone(5000)
    with qtbot.waitSignal(run.finished, timeout=2000):
        run.cancel()
    assert results == []


def test_only_our_own_warnings_are_shown(qtbot):
    def warning() -> Work:
        yield Progress(1, 1, "warning")
        warnings.warn("divided by zero", RuntimeWarning, stacklevel=1)
        warnings.warn("check the stack axis", FocusFuseWarning, stacklevel=1)

    run = Run(warning, "Warning")
    texts = []
    run.warned.connect(texts.append)
    with qtbot.waitSignal(run.finished, timeout=5000):
        run.start()
    assert texts == ["check the stack axis"]


def test_nothing_turns_while_work_runs(qtbot):
    """napari's turning wheel has the whole window drawn at each of its frames, which takes the time from the work."""
    from napari.utils.progress import progress

    go = threading.Event()

    def work() -> Work:
        yield Progress(3, 7, "third")
        go.wait(5)

    run = Run(work, "Fusing beetle")
    with qtbot.waitSignal(run.progressed, timeout=5000):
        run.start()
    assert not [bar for bar in progress._all_instances if bar.desc.startswith("Fusing beetle")]
    with qtbot.waitSignal(run.finished, timeout=5000):
        go.set()


def test_report_gives_one_sentence(notes):
    assert report(FocusFuseError("one slice"), "Fusing") == "one slice"
    text = report(UnexpectedError("ValueError: odd"), "Fusing beetle")
    assert text == "Fusing beetle failed unexpectedly (ValueError: odd)."
    assert [note.message for note in notes] == ["one slice", text]


def test_of_many_questions_the_newest_is_answered(qtbot):
    parent = QObject()
    latest, answers = Latest(parent), []
    latest.ready.connect(answers.append)

    def slowly(k):
        time.sleep(0.05)
        return k

    for k in range(10):
        latest.ask(lambda k=k: slowly(k))
    qtbot.waitUntil(lambda: 9 in answers)
    assert answers == [0, 9]
    latest.ask(lambda: slowly(10))
    latest.forget()
    qtbot.wait(150)
    assert answers == [0, 9]
    with qtbot.waitSignal(latest.failed) as failed:
        latest.ask(lambda: 1 / 0)
    assert isinstance(failed.args[0], ZeroDivisionError)
    latest.forget()


def test_runs_that_overlap_leave_warnings_as_they_were(qtbot):
    """Of two threads that each restore the filters, the one that ends last would restore those of the other."""
    before = list(warnings.filters), warnings.showwarning
    events = {name: threading.Event() for name in "ab"}

    def work(name):
        yield Progress(0, 1, name)
        events[name].wait(10)
        yield Progress(1, 1, name)

    runs = {name: Run(partial(work, name), name) for name in "ab"}
    for run in runs.values():
        with qtbot.waitSignal(run.progressed):
            run.start()
    for name, run in runs.items():
        with qtbot.waitSignal(run.finished):
            events[name].set()
    qtbot.waitUntil(lambda: (list(warnings.filters), warnings.showwarning) == before)
