"""A viewer with the widget docked, a stack, and a fusion that the test steers.

Needs napari, pytest-qt and a display; without the first two nothing here is collected.
"""

import functools
import gc
import importlib.util
import os
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("napari") is None or importlib.util.find_spec("pytestqt") is None:
    collect_ignore_glob = ["test_*.py"]


class Fusion:
    """Stands in for `api.iter_fuse`: takes the pixel of greatest value, a step for each slice.

    With `hold` it waits before the second step until the test lets it go on.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.stacks: list[Any] = []
        self.error: Exception | None = None
        self.warning: Warning | None = None
        self.closed = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, stack: Any, **options: Any) -> Generator[Any, None, Any]:
        import warnings

        from napari_focusfuse.core.progress import Progress

        self.calls.append(options)
        self.stacks.append(stack)
        slices = stack.shape[options["axis"]]
        try:
            if self.warning is not None:
                warnings.warn(self.warning, stacklevel=1)
            for k in range(slices):
                yield Progress(k + 1, slices, f"slice {k + 1} of {slices}")
                self.go.wait(10)
                if self.error is not None:
                    raise self.error
        finally:
            self.closed.set()
        return result_of(stack, **options)


def result_of(stack: Any, *, axis: int = 0, z: Any = None, rgb: bool = False, **options: Any) -> Any:
    """A result with the brightest slice of each pixel; NaN depth at the ends; no decision if `method` makes none."""
    from napari_focusfuse.core.methods import METHODS
    from napari_focusfuse.core.result import Decision, FusionResult

    slices = np.moveaxis(np.asarray(stack), axis, 0)
    grey = slices.mean(-1) if rgb else slices
    index = grey.argmax(0)
    image = np.take_along_axis(slices, index[None, ..., None] if rgb else index[None], 0)[0]
    positions = np.arange(len(slices), dtype=float) if z is None else np.asarray(z, dtype=float)
    depth = positions[index].astype(np.float32)
    depth[(index == 0) | (index == len(slices) - 1)] = np.nan
    ones = np.ones((1, *index.shape), np.float32)
    flags = np.zeros(index.shape, np.uint16)
    method = options.get("method", "sesf")
    if not METHODS[method].decides:
        return FusionResult(image, None, f"{len(slices)} slices projected.", {"method": method})
    info = {"method": method, "model": str(options.get("model"))}
    decision = Decision(index[None].astype(np.int16), ones, depth, ones[0] / 2, flags, positions, info)
    return FusionResult(image, decision, f"{len(slices)} slices fused.")


# napari neither reads nor writes settings, which belong to whoever runs the tests.
os.environ["NAPARI_CONFIG"] = ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a viewer is slow."""
    for item in items:
        if "make_napari_viewer" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _plugins_are_known() -> Iterator[None]:
    """Manifests are read once, not for each viewer."""
    from npe2 import PluginManager

    manager = PluginManager.instance()
    manager.discover(include_npe1=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager, "discover", lambda **_: 0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _samples_are_known() -> Iterator[None]:
    """Sample data are simulated once, not for each viewer that shows them."""
    from napari_focusfuse.core import simulate

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "sample_scene", functools.cache(simulate.sample_scene))
        yield


@pytest.fixture(autouse=True)
def _garbage_is_that_of_the_test() -> None:
    """What is there by now is not searched for garbage: napari has it all searched several times for each viewer."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def make_result() -> Callable[..., Any]:
    """A quick result of a stack, known by looking: the brightest slice of each pixel."""
    return result_of


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: on a busy machine more are slower, and there are seconds to keep."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def fusion(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fusion]:
    """A fusion that the test steers instead of the real one."""
    from napari_focusfuse import api

    fake = Fusion()
    monkeypatch.setattr(api, "iter_fuse", fake)
    yield fake
    fake.go.set()


@pytest.fixture
def notes() -> Iterator[list[Any]]:
    """The notifications shown during the test."""
    from napari.utils.notifications import notification_manager

    shown: list[Any] = []
    notification_manager.notification_ready.connect(shown.append)
    yield shown
    notification_manager.notification_ready.disconnect(shown.append)


@pytest.fixture
def stack() -> np.ndarray:
    """Six slices of 16 x 20 px, uint16; the brightest slice of a pixel is known only by looking."""
    return np.random.default_rng(0).integers(0, 4000, (6, 16, 20)).astype(np.uint16)


def _without_bar(_dialog: object, progress: Any) -> None:
    """Keep progress that has no bar from being written to the terminal."""
    progress.gui, progress.leave = True, False


@pytest.fixture
def viewer(make_napari_viewer_proxy: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A viewer as plugins get it: it refuses changes from other threads.

    To save time it lacks what the tests of `make_napari_viewer` itself have: napari's bars for progress, and, when it
    closes, the news that its layers go one by one.
    """
    from napari._qt.dialogs.qt_activity_dialog import QtActivityDialog

    monkeypatch.setattr(QtActivityDialog, "make_new_pbar", _without_bar)
    viewer = make_napari_viewer_proxy()
    yield viewer
    layers = viewer.__wrapped__.layers
    with layers.events.blocker_all():
        layers.clear()


@pytest.fixture
def widget(viewer: Any) -> Any:
    """The widget, docked by its manifest."""
    return viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack")[1]


@pytest.fixture
def grab() -> Callable[[str], Callable[[Any, str], None]]:
    """Writes pictures of the window to the folder FOCUSFUSE_PICTURES, if there is one, to be looked at."""
    folder = os.environ.get("FOCUSFUSE_PICTURES")

    def named(series: str) -> Callable[[Any, str], None]:
        def write(viewer: Any, name: str) -> None:
            if folder:
                from imageio.v3 import imwrite

                imwrite(f"{folder}/{series}-{name}.png", viewer.screenshot(canvas_only=False, flash=False))

        return write

    return named


@pytest.fixture
def finish(qtbot: Any) -> Callable[[Any], None]:
    """Wait until a widget's work has ended."""

    def wait(widget: Any) -> None:
        qtbot.waitUntil(lambda: not widget.panel.busy, timeout=300_000)

    return wait
