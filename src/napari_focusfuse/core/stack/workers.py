"""Resources of a fusion: tiles within the memory, and several threads on one stack."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

import torch

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.stack.tiles import fitted
from napari_focusfuse.errors import FocusFuseError

__all__ = ["MOST_WORKERS", "iter_ahead", "memory_is_short", "needed", "within", "workers"]

#: Tiles that are worked on at once, at most: more would wait for what takes the results in.
MOST_WORKERS = 8
#: Bytes of a pixel of the maps, of a pixel of a tile that is worked on, and what is taken in any case; measured by
#: ``python -m benchmarks.speed memory``, rounded up.
_MAP, _TILE, _ALWAYS = 150, 400, 60 * 2**20
_SMALLEST, _STEP = 64, 64
_GIB = 2**30
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def needed(config: FusionConfig, shape: tuple[int, int], threads: int = 0) -> float:
    """Memory, GiB, that fusing slices of this size (px) takes, whatever their number; `threads` 0: all there are."""
    tile = math.prod(fitted(length, config.tile) for length in shape)
    return (_ALWAYS + _MAP * math.prod(shape) + _TILE * _workers(threads) * tile) / _GIB


def _workers(threads: int) -> int:
    return min(threads or os.cpu_count() or 1, MOST_WORKERS)


def within(config: FusionConfig, shape: tuple[int, int], limit: float, threads: int = 0) -> FusionConfig:
    """Settings with the largest tiles that keep to a limit (GiB; 0: none); see `napari_focusfuse.api.within_memory`."""
    if not limit or needed(config, shape, threads) <= limit:
        return config
    smallest = replace(config, tile=_SMALLEST)
    least = needed(smallest, shape, threads)
    if least > limit:
        raise FocusFuseError(
            f"fusing slices of {shape[0]} x {shape[1]} px takes about {math.ceil(10 * least) / 10:.1f} GiB of memory, "
            f"more than the limit of {limit:g} GiB: raise the limit, or fuse a part of the slices"
        )
    smaller = (replace(config, tile=tile) for tile in range(config.tile, _SMALLEST, -_STEP))
    return next((settings for settings in smaller if needed(settings, shape, threads) <= limit), smallest)


def memory_is_short(error: RuntimeError) -> bool:
    """Whether an error of torch means that the memory of a device does not suffice."""
    return any(words in str(error).lower() for words in _OUT_OF_MEMORY)


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
