"""Run, Cancel, progress and status, without a viewer."""

import threading

import pytest
from qtpy.QtCore import QTimer

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.gui.common.run_panel import RunPanel


@pytest.fixture
def panel(qtbot):
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


@pytest.fixture
def go():
    go = threading.Event()
    yield go
    go.set()


@pytest.fixture
def begin(go):
    def begin():
        yield Progress(250, 1000, "slice 1 of 4")
        go.wait(10)
        return "result"

    return begin


def test_it_is_off_until_there_is_something_to_run(panel, qtbot):
    assert not panel.run_button.isEnabled()
    panel.set_ready(True)
    with qtbot.waitSignal(panel.requested):
        panel.run_button.click()


def test_it_shows_where_the_work_stands(panel, begin, go, qtbot):
    results = []
    panel.set_ready(True)
    panel.start(begin, "Fusing beetle", results.append)
    assert panel.busy
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.progress.format() == "slice 1 of 4")
    assert (panel.progress.value(), panel.progress.maximum()) == (250, 1000)
    assert not panel.run_button.isEnabled()
    go.set()
    qtbot.waitUntil(lambda: not panel.busy)
    assert results == ["result"]
    assert not panel.progress.isVisible()
    assert panel.run_button.isEnabled()


def test_what_follows_gets_a_breath_at_each_step(panel, begin, go, qtbot):
    """The event loop runs between the steps, and the work ends with the last."""
    seen = []

    def done(result):
        for k in range(3):
            QTimer.singleShot(0, lambda k=k: seen.append(f"event {k}"))
            seen.append(f"step {k}")
            assert panel.busy
            assert not panel.cancel_button.isEnabled() or not k
            yield
        panel.status.setText("done")

    panel.set_ready(True)
    panel.start(begin, "Fusing beetle", done)
    go.set()
    qtbot.waitUntil(lambda: not panel.busy)
    assert seen == [f"{what} {k}" for k in range(3) for what in ("step", "event")]
    assert panel.status.text() == "done"
    assert panel.run_button.isEnabled()


def test_closing_stops_what_follows(panel, begin, go, qtbot):
    seen = []

    def done(result):
        for k in range(3):
            seen.append(k)
            QTimer.singleShot(0, panel.cancel)
            yield

    panel.start(begin, "Fusing beetle", done)
    go.set()
    qtbot.waitUntil(lambda: not panel.busy)
    assert seen == [0]


def test_one_piece_of_work_at_a_time(panel, begin):
    panel.start(begin, "Fusing beetle", print)
    with pytest.raises(ValueError, match="Fusing beetle is running"):
        panel.start(begin, "Fusing ant", print)


def test_the_keyboard_focus_stays_at_the_buttons(panel, begin, go, qtbot):
    """A knob that got it would be changed by the next key or turn of the wheel."""
    panel.set_ready(True)
    panel.run_button.setFocus()
    panel.start(begin, "Fusing beetle", print)
    assert panel.focusWidget() is panel.cancel_button
    go.set()
    qtbot.waitUntil(lambda: not panel.busy)
    assert panel.focusWidget() is panel.run_button


def test_cancel_before_the_thread_has_begun(panel, begin, go, qtbot):
    results = []
    panel.start(begin, "Fusing beetle", results.append)
    panel.cancel()
    go.set()
    qtbot.waitUntil(lambda: not panel.busy)
    assert results == []
    assert panel.status.text() == "Fusing beetle was cancelled; nothing was changed."


def test_the_time_left_follows_the_pace(qtbot, monkeypatch):
    from napari_focusfuse.gui.common import run_panel

    clock = iter([0.0, 1.0, 10.0])
    monkeypatch.setattr(run_panel.time, "monotonic", lambda: next(clock))
    panel = run_panel.RunPanel(time_left=True)
    qtbot.addWidget(panel)
    shown = []
    for done in (0, 1, 10):
        panel._on_progress(Progress(done, 30, f"slice {done + 1} of 30"))
        shown.append(panel.progress.format())
    assert shown == ["slice 1 of 30", "slice 2 of 30", "slice 11 of 30 · 20 s left"]
