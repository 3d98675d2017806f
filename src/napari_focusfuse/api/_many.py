"""Many stacks, from files to files: a loop in this process, or tasks of an existing engine (dask.distributed)."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._models import use_threads
from napari_focusfuse.api._plates import groups_of, plate_work
from napari_focusfuse.api._stack_jobs import StackJob, StackTask, State, iter_plan, iter_stack_job, stack_jobs
from napari_focusfuse.core.progress import Progress, Returning, drain, drained, staged
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, ModelError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["StackFinished", "StackOutcome", "fuse_many", "iter_fuse_many"]

#: What `iter_fuse_many` hands on: to open an input, to save a result, and the sizes that both may need; the rest fuses.
_OPENING, _SAVING = ("axis", "rgb", "channel", "slices", "exclude"), ("refractive_index", "fill_depth", "zarr")
_SIZES = ("z_step", "pixel_size")
_ENGINE = ("method", "config", "model", "device", "equalise")
#: How often a task that failed is tried again, and seconds between two looks at what is done.
_RETRIES, _TICK = 2, 0.05
#: Where the dashboard of a local cluster is, if nothing else is there; not seen outside this machine.
_DASHBOARD = "127.0.0.1:8787"


@dataclass(frozen=True)
class StackOutcome:
    """What became of one stack.

    Attributes
    ----------
    source, target : Path
    state : str
        "done"; "skipped", because it was done already; "failed"; or "planned", in a dry run.
    text : str
        The summary, or why it failed.
    size : int
        Bytes that the result of a planned stack has at most, beside the headers of its files.
    error : Exception or None
        What a failed one raised.
    """

    source: Path
    target: Path
    state: State
    text: str
    size: int = 0
    error: Exception | None = None


@dataclass(frozen=True)
class StackFinished(Progress):
    """The step at which a stack is finished, with its `outcome`."""

    outcome: StackOutcome


Steps = Generator[Progress, None, None]


def iter_fuse_many(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    client: Client | str | None = None,
    workers: int | None = None,
    threads: int = 0,
    all_positions: bool = False,
    decide_on: int | str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    zarr_version: str | None = None,
    **options: Any,
) -> Generator[Progress, None, list[StackOutcome]]:
    """Fuse many stacks from files to files; one that fails does not stop the others.

    Parameters
    ----------
    source : path, or sequence of paths
        Each as for `open_stack`, or a folder of pairs; or one plate (OME-Zarr).
    target : path
        A folder, which gets a folder NAME for each stack as `save_result` writes it; for one stack also an image file.
        For a plate a name that ends in ``.zarr``: a plate of fused images, with the same wells, fields and channels.
    client : distributed.Client or str, optional
        Where to work: a client, the address of a scheduler (``"tcp://10.0.0.1:8786"``), or ``"local"`` for processes on
        this machine. By default one stack after the other in this process. Needs the extra ``distributed``. Workers
        must find the files under the same paths.
    workers : int, optional
        Processes on this machine; as many as it has cores if left out. More than one imply ``client="local"``.
    threads : int
        CPU threads for each stack; 0 leaves them: all in this process, usually one on a worker.
    all_positions, decide_on
        Fuse every time point and channel of a file, see `fuse_hyperstack`; `decide_on` implies it. A file is one task.
    resume : bool
        Skip stacks whose result was made from the same files (checksums are compared) by the same version, method,
        settings and model.
    overwrite : bool
        Replace existing results, once the new ones are complete; with `resume` only those that differ.
    dry_run : bool
        Only find out what would be done, and how large it gets; nothing is written.
    zarr_version : str, optional
        OME-Zarr "0.4" or "0.5"; by default that of a plate, and otherwise 0.4. Implies `zarr`.
    **options
        As for `open_stack` (axis, rgb, channel, slices, exclude), `save_result` (pixel_size, z_step, refractive_index,
        fill_depth, zarr) and `fuse` (method, config, model, device, equalise).

    Returns
    -------
    list of StackOutcome
        For each stack, in the order given. As a generator, it yields a `StackFinished` where one is done.

    Raises
    ------
    FocusFuseError
        Nothing can be done at all: no such model, no scheduler, or two results of one name.

    Examples
    --------
    >>> import napari_focusfuse as ff, tifffile
    >>> stack = ff.simulate((64, 64), slices=3).stack
    >>> for name in "ab":
    ...     tifffile.imwrite(f"{name}.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    >>> [done.state for done in ff.fuse_many(["a.tif", "b.tif"], "fused", method="sf")]
    ['done', 'done']
    >>> [done.state for done in ff.fuse_many(["a.tif", "b.tif"], "fused", method="sf", resume=True)]
    ['skipped', 'skipped']
    """
    sources = [Path(each) for each in ([source] if isinstance(source, (str, os.PathLike)) else source)]
    if zarr_version is not None:
        options["zarr"] = zarr_version == "0.4" or zarr_version
    whole = {} if decide_on is None else {"decide_on": decide_on}
    task = _task(options, overwrite=overwrite, resume=resume, threads=threads)
    if plate := plate_work(sources, Path(target), task, zarr_version):
        task = task._replace(saving={"zarr": True})
    task = task._replace(whole=whole if plate or all_positions or whole else None)
    jobs = stack_jobs(sources, Path(target), task, plate)
    if client is not None and not (client == "local" or workers is None):
        raise FocusFuseError("a scheduler has its own workers: leave their number out, or work on this machine")
    if dry_run:
        work = _iter_here(jobs, task, dry_run=True)
    elif client is None and (workers or 1) == 1:
        use_threads(threads)
        work = _iter_here(jobs, task, dry_run=False)
    else:
        work = _iter_on(client or "local", workers, jobs, task)
    outcomes = dict[Path, StackOutcome]()
    with groups_of(plate, dry_run=dry_run), closing(work):
        for step in work:
            if isinstance(step, StackFinished):
                if isinstance(step.outcome.error, ModelError):  # which the others would not find either
                    raise step.outcome.error
                outcomes[step.outcome.target] = step.outcome
            yield step
    return [outcomes[job.target] for job in jobs]


fuse_many = drained(iter_fuse_many)


def _task(options: dict[str, Any], **more: Any) -> StackTask:
    """The options, each with those that take it."""
    if unknown := options.keys() - {*_OPENING, *_SAVING, *_SIZES, *_ENGINE}:
        raise TypeError(f"fuse_many has no option {min(unknown)!r}")

    def among(names: Sequence[str]) -> dict[str, Any]:
        return {name: options[name] for name in names if options.get(name) is not None}

    opening = {"axis": None, "rgb": False, **among(_OPENING)}
    return StackTask(among(_ENGINE), opening, among(_SAVING), among(_SIZES), **more)


def _iter_here(jobs: Sequence[StackJob], task: StackTask, *, dry_run: bool) -> Steps:
    """One after the other in this process."""
    for done, job in enumerate(jobs):
        attempt = Returning(staged(_iter_attempt(job, task, dry_run=dry_run), done / len(jobs), 1 / len(jobs)))
        for step in attempt:
            yield Progress(step.done, step.total, f"{job.name}, {step.what}")
        yield StackFinished(done + 1, len(jobs), job.name, attempt.result)


def _iter_attempt(job: StackJob, task: StackTask, *, dry_run: bool) -> Generator[Progress, None, StackOutcome]:
    try:
        if dry_run:
            return StackOutcome(job.source, job.target, *(yield from iter_plan(job, task)))
        return StackOutcome(job.source, job.target, *(yield from iter_stack_job(job, task)))
    except Exception as error:  # noqa: BLE001 - a defect that one input brings to light must not stop the others
        return _failed(job, error)


def _failed(job: StackJob, error: Exception) -> StackOutcome:
    return StackOutcome(job.source, job.target, "failed", str(error), error=error)


def _iter_on(client: Client | str, workers: int | None, jobs: Sequence[StackJob], task: StackTask) -> Steps:
    """As tasks of dask.distributed, which tries again what failed, and what a lost worker had, on another one.

    A task may run twice, if its worker is lost when the result is written but not yet told of: then it is done already.
    """
    refused: list[StackJob] = []
    fresh: list[StackJob] = []
    for job in jobs:
        there = not (task.resume or task.overwrite) and os.path.lexists(job.target)
        (refused if there else fresh).append(job)
    # What is there and not ours is refused as it is in this process.
    for step in _iter_here(refused, task, dry_run=False):
        if isinstance(step, StackFinished):
            yield StackFinished(step.done, len(jobs), step.what, step.outcome)
    told, done = task._replace(resume=task.resume or not task.overwrite), len(refused)
    with _connected(client, workers) as engine:
        from distributed import as_completed

        yield Progress(done, len(jobs), f"dashboard: {engine.dashboard_link}")
        futures = {engine.submit(fuse_stack, job.anywhere(), told, pure=False, retries=_RETRIES): job for job in fresh}
        try:
            finished = as_completed(futures)
            while not finished.is_empty():
                if not finished.has_ready():
                    time.sleep(_TICK)
                    yield Progress(done, len(jobs), f"{done} of {len(jobs)} stacks")
                    continue
                future = next(finished)
                done += 1
                job = futures[future]
                outcome = _outcome(job, future, resumed=task.resume)
                yield StackFinished(done, len(jobs), job.name, outcome)
        finally:
            engine.cancel(list(futures), force=True)


def fuse_stack(job: StackJob, task: StackTask) -> tuple[StackOutcome, list[FocusFuseWarning]]:
    """The task of a worker: fuse one input. What a user has to fix is returned, the rest raises, to be tried again."""
    if task.threads:
        use_threads(task.threads)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        try:
            state, text = drain(iter_stack_job(job, task))
            outcome = StackOutcome(job.source, job.target, state, text)
        except FocusFuseError as error:
            outcome = _failed(job, error)
    return outcome, [note.message for note in notes if isinstance(note.message, FocusFuseWarning)]


def _outcome(job: StackJob, future: Future[Any], *, resumed: bool) -> StackOutcome:
    """What a task has returned or raised."""
    from distributed import KilledWorker

    try:
        outcome, notes = future.result()
    except KilledWorker:
        text = "every worker that fused it was lost: give them more memory, or fuse it alone"
        return _failed(job, FocusFuseError(text))
    except CancelledError:
        return _failed(job, FocusFuseError("the scheduler is gone: start one, and resume"))
    except Exception as error:  # noqa: BLE001 - whatever a task raised, the others go on
        return _failed(job, error)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    made = outcome.state == "skipped" and not resumed
    here: StackOutcome = replace(outcome, source=job.source, target=job.target)
    return replace(here, state="done") if made else here


@contextmanager
def _connected(client: Client | str, workers: int | None) -> Iterator[Client]:
    """A client of a scheduler, or of processes on this machine that end with it."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise FocusFuseError(
            'several workers need the package distributed: pip install "napari-focusfuse[distributed]"'
        ) from error
    if not isinstance(client, str):
        yield client
    elif client == "local":
        # Without a limit for each, which would end those that fuse the largest stacks: a stack needs what it needs.
        how: dict[str, Any] = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": _DASHBOARD}
        # The outcomes say what failed; the engine would say it too, and that its workers end.
        how["silence_logs"] = logging.CRITICAL
        with LocalCluster(n_workers=workers or os.cpu_count(), **how) as cluster, Client(cluster) as engine:
            yield engine
    else:
        try:
            engine = Client(client)
        except (OSError, ValueError) as error:
            raise FocusFuseError(f"no scheduler answers at {client}: start one, or check the address") from error
        with engine:
            yield engine
