"""Several processors on one stack: parts of it are worked on at the same time, and taken in their order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

from napari_focusfuse.core.stack.memory import MOST_WORKERS

__all__ = ["iter_ahead", "workers"]

Part = TypeVar("Part")


def workers(device: torch.device) -> int:
    """How many parts may be worked on at once: as many as torch has threads, on a processor; each then has one."""
    return min(torch.get_num_threads(), MOST_WORKERS) if device.type == "cpu" else 1


def iter_ahead(jobs: Iterable[Callable[[], Part]], count: int) -> Generator[Part, None, None]:
    """Results of jobs, in their order; `count` of them work at the same time, while the next one is being made.

    Each has one thread of torch, so that results do not depend on `count`. If the generator is closed, or a job fails,
    those that have not begun are dropped, and those that have are waited for.
    """
    if count < 2:
        for job in jobs:
            yield job()
        return
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(count, "focusfuse", initializer=partial(torch.set_num_threads, 1))
    due: deque[Future[Part]] = deque()
    try:
        for job in jobs:
            due.append(pool.submit(job))
            if len(due) > count:
                yield due.popleft().result()
        while due:
            yield due.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        # The number that a worker set holds for threads to come, too.
        torch.set_num_threads(threads)
