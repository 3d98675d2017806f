"""What is said on the terminal: one line for each thing, bars only where somebody can see them."""

import logging
import os
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Container, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, plain

__all__ = [
    "complain",
    "flagged",
    "nobody_reads",
    "one_line",
    "only_our_warnings",
    "plain",
    "say",
    "terminated_as_interrupted",
    "with_bar",
]

Result = TypeVar("Result")


def say(text: str) -> None:
    """Print to stdout."""
    _put(sys.stdout, plain(text, keep="\n\t"))


def complain(kind: str, what: object) -> None:
    """Print one line to stderr: "error: ...", "warning: ..."."""
    _put(sys.stderr, f"{kind}: {one_line(what)}")


def flagged(error: FocusFuseError | FocusFuseWarning, known: Container[str] | None = None) -> str:
    """The message of an error, with the flags that help against it, of those that are `known` to the command."""
    names = [name for name in error.settings if known is None or name in known]
    flags = [f"--{name.replace('_', '-')} {_quoted(error.settings[name])}".rstrip() for name in names]
    return f"{error} ({', '.join(flags)})" if flags else str(error)


def _quoted(value: str) -> str:
    return shlex.quote(value) if value else ""


def _hinted(message: Warning | str) -> str:
    return flagged(message) if isinstance(message, FocusFuseWarning) else str(message)


def one_line(text: object) -> str:
    """The text without line breaks and without what a terminal would obey."""
    return plain(" ".join(str(text).split()))


def _put(stream: TextIO, line: str) -> None:
    """Write a line, in letters that the stream has; where nobody reads it any more, the work goes on."""
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        nobody_reads(stream)


def nobody_reads(stream: TextIO) -> None:
    """Let a stream whose reader is gone lead to nowhere."""
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def with_bar(
    work: Generator[Progress, None, Result], label: str, *, line: Callable[[Progress], str | None] | None = None
) -> Result:
    """Run `work` to its end behind a progress bar.

    Parameters
    ----------
    work : generator of Progress
    label : str
        What to write in front of the bar.
    line : callable, optional
        What to print after a step where there is no terminal; None for nothing.

    Returns
    -------
    object
        What the generator returns.
    """
    from tqdm import tqdm

    terminal, label = sys.stderr.isatty(), plain(label)
    with tqdm(desc=label, disable=not terminal, leave=False) as bar:

        def report(step: Progress) -> None:
            loss = getattr(step, "loss", None)
            bar.total, bar.n = step.total, step.done
            bar.set_description(f"{label}, {plain(step.what)}", refresh=False)
            if loss is not None:
                bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            bar.refresh()
            text = line(step) if line is not None and not terminal else None
            if text is not None:
                say(f"{label}, {text}")

        return drain(work, report)


@contextmanager
def only_our_warnings() -> Iterator[None]:
    """Show the warnings that are meant for users, one line each, and keep other packages' to themselves."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", FocusFuseWarning)
        warnings.showwarning = lambda message, *_, **__: complain("warning", _hinted(message))
        yield


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Take SIGTERM, by which schedulers end a job, for Ctrl-C: what is not finished is cleaned up."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
