"""How much memory a fusion takes, the tiles that keep it within a limit, and what to do when it is short."""

import math
import os
from dataclasses import replace

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.stack.tiles import fitted
from napari_focusfuse.errors import FocusFuseError

__all__ = ["MOST_WORKERS", "memory_is_short", "needed", "within"]

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
