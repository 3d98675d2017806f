"""The memory that the machine has, and what does not fit in it."""

import os

__all__ = ["GIB", "largest", "memory"]

GIB = 2**30
#: Memory (bytes) where the system does not tell it, and the share of it that one array may take.
_USUAL, _SHARE = 16 * GIB, 0.5


def memory() -> int:
    """Bytes of memory that the machine has."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return _USUAL


def largest() -> float:
    """Bytes of the largest array that is read."""
    return _SHARE * memory()
