"""How the viewer responds: delay of its event loop during a fusion, and how soon a preview follows a knob.

    xvfb-run -a -s "-screen 0 1920x1200x24" python -m benchmarks.responsiveness
    python -m benchmarks.responsiveness --side 1024 --slices 16 --knobs 10
    python -m benchmarks.responsiveness --side 512 --slices 8 --stacks 500     many stacks: the list, and a run of it

A timer ticks every 5 ms in the main thread; what it is late by is the delay that a click would have met. It needs a
display. On a busy machine much of it is the wait for a processor; where the system tells that (Linux), the delays
without it are given too. What the same ticks are late by while nothing is done is measured first.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Bars, ms: what a user takes for at once.
_LATE, _PREVIEW = 100, 500
_TICK = 5
#: So long a run of many stacks is looked at, s.
_RUN = 20
#: Linux: what the scheduler knows of the main thread.
_TOLD = next((path for path in [Path("/proc/self/schedstat")] if path.exists()), None)


def stack(side: int, slices: int) -> NDArray[np.uint16]:
    """A tilted plane of noise texture."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.standard_normal((side, side)), 1.0)
    blurred = ndimage.gaussian_filter(texture, 3.0)
    depth = np.linspace(0, slices - 1, side)[None]
    shares = (np.exp(-np.abs(depth - k)) for k in range(slices))
    planes = [30000 + 6000 * (share * texture + (1 - share) * blurred) / texture.std() for share in shares]
    return np.asarray(np.clip(planes, 0, 65535), dtype=np.uint16)


class Delays:
    """Ticks, and keeps what each is late by."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.late: list[float] = []
        self.waited: list[float] = []
        self._due, self._waited = time.perf_counter(), _wait()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin anew."""
        self.late.clear()
        self.waited.clear()
        self._due, self._waited = time.perf_counter() + _TICK / 1000, _wait()
        self._timer.start(_TICK)

    def told(self) -> str:
        """Stop, and say how it was."""
        self._timer.stop()
        late, waited = 1000 * np.array(self.late), 1000 * np.array(self.waited)
        text = f"{len(late)} ticks, late by {_spread(late)}"
        return f"{text}; without the wait for a processor {_spread(np.maximum(late - waited, 0))}" if _TOLD else text

    def _tick(self) -> None:
        now, waited = time.perf_counter(), _wait()
        self.late.append(max(now - self._due, 0.0))
        self.waited.append(waited - self._waited)
        self._due, self._waited = now + _TICK / 1000, waited


def _wait() -> float:
    """How long this thread has waited for a processor so far, s; 0 where that is not told."""
    return int(_TOLD.read_text().split()[1]) / 1e9 if _TOLD else 0.0


def _spread(late: NDArray[np.float64]) -> str:
    high = np.quantile(late, (0.5, 0.95, 0.99))
    return (
        f"{high[0]:.1f} ms (median), {high[1]:.1f} (95 %), {high[2]:.1f} (99 %), {late.max():.0f} at most, "
        f"{np.sum(late > _LATE)} above {_LATE} ms"
    )


def until(done: Callable[[], bool], seconds: float = 600) -> None:
    """Run the event loop until something is so."""
    from qtpy.QtCore import QEventLoop, QTimer

    end, loop, timer = time.monotonic() + seconds, QEventLoop(), QTimer()

    def look() -> None:
        if done() or time.monotonic() > end:
            loop.quit()

    timer.timeout.connect(look)
    timer.start(2)
    loop.exec()


def rest(seconds: float) -> None:
    """Run the event loop for a while."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() > end)


def main() -> None:
    """Measure, and say whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--knobs", type=int, default=8)
    parser.add_argument("--stacks", type=int, default=0)
    asked = parser.parse_args()
    # Nobody's preferences are read or written.
    os.environ["NAPARI_CONFIG"] = ""
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    if asked.stacks:
        _many(viewer, Delays(), asked)
        viewer.close()
        return
    viewer.add_image(stack(asked.side, asked.slices), name="stack")
    _, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack")
    rest(3)
    delays = Delays()
    print(f"{asked.slices} slices of {asked.side} x {asked.side} px")
    _idle(delays)
    _previews(widget, delays, asked.knobs)
    for what in ("first run", "second run, layers updated"):
        delays.start()
        begun = time.perf_counter()
        widget.run()
        until(lambda: not widget.panel.busy)
        seconds = time.perf_counter() - begun
        # What the viewer does with the new layers belongs to it.
        rest(1)
        print(f"{what}, {seconds:.1f} s: {delays.told()}", flush=True)
    viewer.close()


def _many(viewer: Any, delays: Delays, asked: argparse.Namespace) -> None:
    """List many stacks, scroll from end to end, fuse them for half a minute, and open a result meanwhile."""
    from napari_focusfuse.io import write_stack

    _, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse many stacks")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "stacks"
        first = write_stack(folder / "0.ome.tif", stack(asked.side, asked.slices))
        for k in range(1, asked.stacks):
            (folder / f"{k}.ome.tif").hardlink_to(first)
        rest(3)
        _idle(delays)
        begun = time.perf_counter()
        delays.start()
        widget.choose([folder])
        until(lambda: bool(widget.model.rows))
        print(f"{asked.stacks} stacks listed in {time.perf_counter() - begun:.2f} s: {delays.told()}", flush=True)
        bar = widget.view.verticalScrollBar()
        delays.start()
        for k in range(200):
            bar.setValue(bar.maximum() * k // 199)
            rest(0.02)
        until(lambda: not widget.thumbnails.busy)
        print(f"scrolled from end to end: {delays.told()}", flush=True)
        bar.setValue(0)
        delays.start()
        widget.run()
        until(lambda: widget.model.count("done") > 0)
        rest(_RUN)
        print(f"{widget.model.count('done')} stacks fused: {delays.told()}", flush=True)
        delays.start()
        widget.open_result(0)
        until(lambda: not widget.opening.busy)
        rest(1)
        print(f"a result opened while others are fused: {delays.told()}", flush=True)
        widget.cancel()
        until(lambda: not widget.panel.busy)
        viewer.layers.clear()


def _idle(delays: Delays) -> None:
    delays.start()
    rest(3)
    print(f"idle: {delays.told()}", flush=True)


def _previews(widget: Any, delays: Delays, knobs: int) -> None:
    """Move a knob again and again, each time until the preview shows it and nothing is made any more."""
    preview, seconds, sizes = widget.preview, [], []
    shots: list[tuple[float, int]] = []
    preview.shown.connect(lambda: shots.append((time.perf_counter(), preview.factor)))
    preview.box.setChecked(True)
    until(lambda: preview.settled)
    delays.start()
    for k in range(knobs):
        shots.clear()
        begun = time.perf_counter()
        widget.config.boxes["softness"].value = (2.0, 4.0, 8.0, 16.0, 0.0)[k % 5]
        until(lambda: bool(shots))
        seconds.append(shots[0][0] - begun)
        sizes.append(shots[0][1])
        until(lambda: preview.settled)
    preview.stop()
    median, most = 1000 * np.median(seconds), 1000 * max(seconds)
    print(
        f"preview after a knob: {median:.0f} ms (median), {most:.0f} at most, reduced by {sizes}; "
        f"{sum(s > _PREVIEW / 1000 for s in seconds)} of {knobs} later than {_PREVIEW} ms"
    )
    print(f"while previews are made: {delays.told()}", flush=True)


if __name__ == "__main__":
    main()
