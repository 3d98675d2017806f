"""Running an external program: its time, its memory, its last words, and its end when ours comes."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Done", "run_watched"]

_POLL = 0.02
_TIMED_OUT = 124
_MB = 1e6


class Done(NamedTuple):
    """How a program ended.

    Attributes
    ----------
    code : int
        Exit code; 124 if it was stopped because of the time, 127 if it could not be started.
    seconds : float
        Wall time.
    peak_mb : float or None
        Most memory that it and what it started had at once, MB, looked at every 20 ms; None without ``/proc``.
    last_line : str
        The last line that it printed.
    """

    code: int
    seconds: float
    peak_mb: float | None
    last_line: str


def run_watched(command: Sequence[str], folder: Path, timeout: float) -> Done:
    """Run a program without a shell.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Where it runs; what it prints goes to ``log.txt`` there.
    timeout : float
        Seconds until it is stopped.
    """
    start, peak, log = time.perf_counter(), None, folder / "log.txt"
    with log.open("wb") as words:
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own program, as a list of words
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
            )
        except OSError as error:
            return Done(127, 0.0, None, str(error))
        try:
            while process.poll() is None and time.perf_counter() - start < timeout:
                peak = _largest(peak, _memory(process.pid))
                time.sleep(_POLL)
            seconds = time.perf_counter() - start
            stopped = process.poll() is None
        finally:
            _stop(process)
    if stopped:
        return Done(_TIMED_OUT, seconds, peak, f"stopped after {timeout:g} s")
    return Done(process.returncode, seconds, peak, _last_line(log))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started, if it still runs."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _largest(a: float | None, b: float | None) -> float | None:
    known = [value for value in (a, b) if value is not None]
    return max(known) if known else None


def _memory(pid: int) -> float | None:
    """Resident memory of a process and its descendants, MB; for the process itself its peak so far."""
    own = _status(pid, "VmHWM")
    if own is None:
        return None
    todo, total = _children(pid), own
    while todo:
        child = todo.pop()
        total += _status(child, "VmRSS") or 0.0
        todo += _children(child)
    return total


def _status(pid: int, entry: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{entry}:")]
    return int(found[0]) * 1024 / _MB if found else None


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:200]
