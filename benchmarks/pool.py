"""Tasks spread over processes, each with one torch thread, so that results do not depend on how many there are."""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from napari_focusfuse.errors import FocusFuseError

__all__ = ["iter_pool"]

_LEFT = 1

Task = TypeVar("Task")
Result = TypeVar("Result")


def iter_pool(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[Result]:
    """Results as they come, in no particular order.

    Parameters
    ----------
    work : callable
        Of a module's top level.
    tasks : sequence
    jobs : int
        Processes; 1 works in this one.

    Raises
    ------
    FocusFuseError
        A process was ended from outside; and whatever `work` raises.
    """
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        yield from _here(work, tasks)
        return
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)
    finished = False
    try:
        futures = [pool.submit(_worked, work, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
        finished = True
    except BrokenProcessPool as error:
        raise FocusFuseError(
            "a working process was ended from outside, perhaps for want of memory: use fewer --jobs; "
            "the same command goes on where this one stopped"
        ) from error
    finally:
        if not finished:
            _end(set(multiprocessing.active_children()) - before)
        pool.shutdown(wait=finished, cancel_futures=True)


def _here(work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for task in tasks:
            yield work(task)
    finally:
        torch.set_num_threads(threads)


def _prepare() -> None:
    """Of a process that works: Ctrl-C is for the one that started it, which then ends this one."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    """End with the process that started this one, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: Any) -> None:
    """Leave by an exception, so that an external program is ended and its files are removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(_LEFT)


def _worked(work: Callable[[Task], Result], task: Task) -> Result:
    """Do a task; the pool itself would take the exception that is to end the process for a result of the task."""
    try:
        return work(task)
    except SystemExit:
        os._exit(_LEFT)


def _end(processes: set[Any]) -> None:
    for process in processes:
        process.terminate()
