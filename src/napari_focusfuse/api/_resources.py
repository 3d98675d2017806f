"""Limits on threads and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari_focusfuse.config import FusionConfig

__all__ = ["use_threads", "within_memory"]

#: How many threads torch takes by itself, once that was asked.
_automatic: list[int] = []


def use_threads(threads: int) -> None:
    """Set the number of threads from now on; call it in the thread that computes.

    Parameters
    ----------
    threads : int
        0: torch chooses.

    Raises
    ------
    FocusFuseError
        The number is negative.
    """
    if threads < 0:
        raise FocusFuseError(f"{threads} threads cannot compute: give 1 or more, or 0 to let torch choose")
    if not threads and not _automatic:
        return
    import torch

    if not _automatic:
        _automatic.append(torch.get_num_threads())
    torch.set_num_threads(threads or _automatic[0])


def within_memory(config: FusionConfig, shape: tuple[int, int], limit: float, threads: int = 0) -> FusionConfig:
    """Settings with tiles so small that fusing slices of this size stays within a limit; the result is the same.

    Parameters
    ----------
    config : FusionConfig
    shape : (int, int)
        Height and width of the slices, px.
    limit : float
        GiB, besides what the program takes anyway; 0: no limit.
    threads : int
        Processor threads that will fuse; 0: all there are.

    Raises
    ------
    FocusFuseError
        It takes more even with the smallest tiles.
    """
    from napari_focusfuse.core.stack.workers import within

    return within(config, shape, limit, threads)
