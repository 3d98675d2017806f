"""Runs a core generator in a thread: progress, cancel and errors, in one place.

Nothing here knows what is computed, and nothing that runs in the thread touches layers, widgets or the viewer.
"""

import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QTimer, Signal
from superqt.utils import GeneratorWorker

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, plain
from napari_focusfuse.gui.common.preferences import preferences
from napari_focusfuse.gui.thread_warnings import kept_warnings

__all__ = ["Answer", "Latest", "Run", "UnexpectedError", "Work", "report"]

Work = Generator[Progress, None, Any]
#: Progress is shown no more often than this (s): without a graphics card each change of a widget costs the drawing of
#: the whole window, canvas and all.
_PROGRESS_EVERY = 0.25
#: How often an `Answer` looks whether it is there (ms).
_LOOK_EVERY = 100
#: The same for `Latest`, which follows the cursor (ms).
_FOLLOW_EVERY = 15


class UnexpectedError(Exception):
    """A mistake in the program, not in the input."""


class _Titled(partial[Any]):
    """A function that napari's "still busy" dialog can name."""

    def __str__(self) -> str:
        return str(self.args[0])


class _ClosingWorker(GeneratorWorker):  # type: ignore[type-arg]
    """A worker that closes its generator, which is otherwise left suspended when it is cancelled."""

    @property
    def quit(self) -> Callable[[], None]:
        """Ends it; napari keeps this for as long as its window is open, so that it must not keep the worker."""
        known = weakref.ref(self)

        def end() -> None:
            worker = known()
            if worker is not None:
                super(_ClosingWorker, worker).quit()

        return end

    def run(self) -> None:
        """Run in the thread; Qt calls it."""
        with kept_warnings:
            super().run()

    def work(self) -> Any:
        """Run the generator to its end or until it is cancelled."""
        try:
            return super().work()
        finally:
            self._gen.close()


def _shielded(_title: str, begins: list[Callable[[], Work]], threads: int) -> Work:
    """Work that `begins`, with every error as one that a worker thread passes on: it loses each RuntimeError.

    What begins it is taken out: napari keeps the function, and would keep the stack along with it.
    """
    from napari_focusfuse import api

    try:
        api.use_threads(threads)
        return (yield from begins.pop()())
    except FocusFuseError:
        raise
    except Exception as error:
        raise UnexpectedError(f"{type(error).__name__}: {error}") from error


class Run(QObject):
    """One run of a generator in a thread.

    All signals arrive in the main thread. After `cancel` neither `returned` nor `failed` follows; `finished` is always
    the last signal. napari's activity panel is not told: its turning wheel has the whole window drawn again at each of
    its frames, and took most of the time of a run where there is no graphics card.

    Parameters
    ----------
    begin : callable
        Makes the generator of `Progress`; called in the thread.
    title : str
        What napari calls it where a window is closed while it runs.
    parent : QObject, optional
    """

    progressed = Signal(object)
    warned = Signal(str)
    returned = Signal(object)
    failed = Signal(object)
    finished = Signal()

    def __init__(self, begin: Callable[[], Work], title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.cancelled = False
        self._shown = 0.0
        self._begins = [begin]
        self._worker = create_worker(
            _Titled(_shielded, title, self._begins, preferences().threads),
            _start_thread=False,
            _worker_class=_ClosingWorker,
            _connect={
                "yielded": self._on_yielded,
                "warned": self._on_warned,
                "returned": self._on_returned,
                "errored": self._on_errored,
                "finished": self._on_finished,
            },
        )

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def cancel(self) -> None:
        """Stop at the next step; whatever still comes is dropped."""
        self.cancelled = True
        self._worker.quit()

    def _on_yielded(self, step: Progress) -> None:
        now = time.monotonic()
        if self.cancelled or (now - self._shown < _PROGRESS_EVERY and step.done < step.total):
            return
        self._shown = now
        self.progressed.emit(step)

    def _on_warned(self, warning: tuple[Any, ...]) -> None:
        message, category = warning[:2]
        if not self.cancelled and issubclass(category, FocusFuseWarning):
            self.warned.emit(str(message))

    def _on_returned(self, result: object) -> None:
        if not self.cancelled:
            self.returned.emit(result)

    def _on_errored(self, error: Exception) -> None:
        if not self.cancelled:
            self.failed.emit(error)

    def _on_finished(self) -> None:
        self._begins.clear()
        self.finished.emit()


def report(error: Exception, doing: str) -> str:
    """Show an error as one notification of one sentence, and give the sentence.

    Where the program is at fault the traceback is at hand behind the notification's button.
    """
    from napari.utils.notifications import notification_manager, show_error

    if isinstance(error, FocusFuseError):
        show_error(plain(str(error)))
        return str(error)
    wrapped = UnexpectedError(f"{doing} failed unexpectedly ({error}).")
    wrapped.__cause__ = error
    notification_manager.receive_error(UnexpectedError, wrapped, error.__traceback__)
    return str(wrapped)


class Answer(QObject):
    """The result of a short function that is called in a thread, for what a widget shows as soon as it is known.

    The thread touches nothing of Qt, so that a widget or program may end before the answer is there. Errors are
    dropped.

    Parameters
    ----------
    function : callable
    parent : QObject
    """

    ready = Signal(object)

    def __init__(self, function: Callable[[], Any], parent: QObject) -> None:
        super().__init__(parent)
        self._future = ThreadPoolExecutor(1).submit(function)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_EVERY)

    def _look(self) -> None:
        if self._future.done():
            self._timer.stop()
            if self._future.exception() is None:
                self.ready.emit(self._future.result())


class Latest(QObject):
    """Answers of short functions that are called in a thread, one at a time, of which only the newest is wanted.

    The thread touches nothing of Qt. A function that waits is dropped when a newer one comes.

    Parameters
    ----------
    parent : QObject
    """

    ready = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._future: Future[Any] | None = None
        self._next: Callable[[], Any] | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether a function is called or waits."""
        return self._future is not None or self._next is not None

    def ask(self, function: Callable[[], Any]) -> None:
        """Call `function` as soon as the one before has ended."""
        self._next = function
        self._go_on()

    def forget(self) -> None:
        """Drop what is under way and what waits."""
        self._next = self._future = None
        self._timer.stop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _go_on(self) -> None:
        if self._future is None and self._next is not None:
            self._pool = self._pool or ThreadPoolExecutor(1)
            self._future, self._next = self._pool.submit(self._next), None
            self._timer.start(_FOLLOW_EVERY)

    def _look(self) -> None:
        future = self._future
        if future is None or not future.done():
            return
        self._timer.stop()
        self._future = None
        self._go_on()
        error = future.exception()
        if error is None:
            self.ready.emit(future.result())
        else:
            self.failed.emit(error)
