"""Warnings in threads: Python keeps the filters for all threads together, and restores them in the wrong order."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

__all__ = ["kept_warnings", "quiet"]


class _Kept:
    """How warnings are handled is as it was when the last thread that is in such a block leaves it.

    Of two threads that catch warnings and overlap, the one that ends last would leave everybody with the filters and
    the handler of the other, for good.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._outer = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._outer = warnings.catch_warnings()
                self._outer.__enter__()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._outer.__exit__(kind, error, where)


kept_warnings = _Kept()


@contextmanager
def quiet(category: type[Warning]) -> Iterator[None]:
    """Warnings of a category are dropped."""
    with kept_warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore", category)
        yield
