"""``focusfuse fuse``: one stack or many."""

import json
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.cli._terminal import complain, flagged, one_line, say, with_bar
from napari_focusfuse.core.progress import Progress, Returning
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari_focusfuse.api import StackOutcome

__all__ = ["fuse_all"]

_STATES = ("done", "planned", "skipped", "failed")


def fuse_all(inputs: Sequence[Path], out: Path, *, as_json: bool, **options: Any) -> bool:
    """Fuse each input, say what became of it, and return whether none failed.

    Parameters
    ----------
    inputs : sequence of Path
    out : Path
    as_json : bool
        Say it as lines of JSON.
    **options
        As for `api.iter_fuse_many`.

    Raises
    ------
    FocusFuseError
        Nothing can be done at all; nothing has been.
    """
    from napari_focusfuse import api

    outcomes: list[StackOutcome] = []
    work = api.iter_fuse_many(inputs, out, **options)
    try:
        with_bar(_iter_told(work, outcomes, _progress_lines() if as_json else None), out.name)
    finally:
        for outcome in outcomes:
            _complain(outcome, alone=len(inputs) == len(outcomes) == 1)
            if outcome.state != "failed" and not as_json:
                say(f"{outcome.state}: {outcome.source} -> {outcome.target} ({one_line(outcome.text).rstrip('.')})")
        if as_json or len(outcomes) > 1 or any(outcome.state == "planned" for outcome in outcomes):
            _summarise(outcomes, out, as_json=as_json)
    return all(outcome.state != "failed" for outcome in outcomes)


def _iter_told(
    work: Generator[Progress, None, list["StackOutcome"]],
    outcomes: list["StackOutcome"],
    tell: Callable[[Progress], None] | None,
) -> Generator[Progress, None, None]:
    """Collect the outcomes, in the end in the order of the inputs, and tell of each step."""
    from napari_focusfuse import api

    steps = Returning(work)
    for step in steps:
        if isinstance(step, api.StackFinished):
            outcomes.append(step.outcome)
        if tell is not None:
            tell(step)
        yield step
    outcomes[:] = steps.result


def _complain(outcome: "StackOutcome", *, alone: bool) -> None:
    """Say why one failed, with the flags that help."""
    error = outcome.error
    if error is None:
        return
    if isinstance(error, FocusFuseError):
        text = flagged(error)
    elif isinstance(error, MemoryError):
        text = "not enough memory: close other programs or choose a smaller --tile"
    else:
        traceback.print_exception(error)
        text = f"unexpected {type(error).__name__}: {error}"
    complain("error" if alone else "failed", text if alone else f"{outcome.source}: {text}")


def _summarise(outcomes: Sequence["StackOutcome"], out: Path, *, as_json: bool) -> None:
    """One line for all: how many are done, skipped, failed, or planned with their size and the space there is."""
    counts = Counter[str](outcome.state for outcome in outcomes)
    size = sum(outcome.size for outcome in outcomes)
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if as_json:
        sizes = {"bytes": size, "free_bytes": free} if counts["planned"] else {}
        _put({"event": "summary", **{state: counts[state] for state in _STATES}, **sizes})
        return
    told = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    say(f"{told}: at most {size / 1e9:.3g} GB, {free / 1e9:.3g} GB are free" if counts["planned"] else told)


def _progress_lines() -> Callable[[Progress], None]:
    """Print a line of JSON for each stack that is finished, and for each percent of the work."""
    from napari_focusfuse import api

    last = -1

    def tell(step: Progress) -> None:
        nonlocal last
        if isinstance(step, api.StackFinished):
            done = step.outcome
            told = {"source": str(done.source), "target": str(done.target), "state": done.state, "text": done.text}
            _put({"event": "stack", **told, **({"bytes": done.size} if done.state == "planned" else {})})
        elif (percent := 100 * step.done // step.total) != last:
            last = percent
            _put({"event": "progress", "done": step.done, "total": step.total, "what": step.what})

    return tell


def _put(line: dict[str, Any]) -> None:
    say(json.dumps(line))
