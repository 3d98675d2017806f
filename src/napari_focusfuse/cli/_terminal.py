"""What is said on the terminal: one line for each thing, bars only where somebody can see them."""

import logging
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.errors import FocusFuseWarning

__all__ = ["complain", "one_line", "only_our_warnings", "say", "with_bar"]

Result = TypeVar("Result")


def say(text: str) -> None:
    """Print to stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(kind: str, what: object) -> None:
    """Print one line to stderr: "error: ...", "warning: ..."."""
    sys.stderr.write(f"{kind}: {one_line(what)}\n")


def one_line(text: object) -> str:
    """The text without line breaks."""
    return " ".join(str(text).split())


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

    terminal = sys.stderr.isatty()
    with tqdm(desc=label, disable=not terminal, leave=False) as bar:

        def report(step: Progress) -> None:
            loss = getattr(step, "loss", None)
            bar.total, bar.n = step.total, step.done
            bar.set_description(f"{label}, {step.what}", refresh=False)
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
        warnings.showwarning = lambda message, *_, **__: complain("warning", message)
        yield
