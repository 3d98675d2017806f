"""``focusfuse bench``: it is there where a checkout of the sources is what runs; a package comes without benchmarks."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.errors import FocusFuseError

__all__ = ["bench"]

_ROOT = Path(__file__).resolve().parents[3]


def bench(*_words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> int:
    """Compare methods; only in a checkout of the sources."""
    raise FocusFuseError(
        "the benchmarks are part of the sources, not of the installed package: clone them, pip install -e . there, "
        "and run focusfuse bench again"
    )


def found() -> Callable[..., Any]:
    """The command of the checkout that this is part of, or `bench`, which says that there is none."""
    if not (_ROOT / "benchmarks" / "command.py").is_file():
        return bench
    # Ahead of other packages of that name; also in the processes that a benchmark starts.
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))
    command: Callable[..., Any] = import_module("benchmarks.command").bench
    return command
