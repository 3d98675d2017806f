"""``focusfuse fuse``: one stack or a batch."""

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_focusfuse.cli._flags import check_apart, given
from napari_focusfuse.cli._terminal import complain, flagged, one_line, say, warn_of_foreign, with_bar
from napari_focusfuse.errors import FocusFuseError, ModelError, OutputError

if TYPE_CHECKING:
    from napari_focusfuse.core.result import FusionResult
    from napari_focusfuse.io import StackFile

__all__ = ["Task", "fuse_all"]

_WRITTEN = (".tif", ".tiff", ".png")
_NOT_WRITTEN = (".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".zarr")


class Task(NamedTuple):
    """What to do with each input.

    Attributes
    ----------
    engine : dict
        Keywords for `api.iter_fuse`.
    sizes : dict
        ``z_step`` and ``pixel_size`` (um) that stand in for those of the files.
    opening : dict
        Keywords for `api.open_stack`.
    overwrite : bool
        Earlier results may be replaced.
    saving : dict
        Further keywords for `api.iter_save`.
    whole : dict or None
        Every time point and channel is fused, with these keywords for `api.iter_fuse_file`.
    """

    engine: dict[str, Any]
    sizes: dict[str, Any]
    opening: dict[str, Any]
    overwrite: bool
    saving: dict[str, Any]
    whole: dict[str, Any] | None = None


class _Job(NamedTuple):
    """One input and what becomes of it, an image file or a folder; of a pair, `source` is its name in its folder."""

    source: Path
    target: Path
    is_image: bool
    files: tuple[Path, ...] = ()


def fuse_all(inputs: Sequence[Path], out: Path, task: Task) -> bool:
    """Fuse each input, say what became of it, and return whether all of it was written.

    Raises
    ------
    OutputError
        The outputs would overwrite each other or the inputs, or cannot hold what is asked for; nothing has been done.
    """
    jobs = _jobs(inputs, out)
    if jobs and jobs[0].is_image and (ignored := _asked(task)):
        raise OutputError(f"{out} takes the fused image only: give a folder for {ignored}, or leave that out")
    outcomes: list[tuple[bool, str]] = []
    try:
        outcomes.extend(_outcome(job, task) for job in jobs)
    finally:
        for job, (done, text) in zip(jobs, outcomes, strict=False):
            if done:
                say(f"done: {job.source} -> {job.target} ({text.rstrip('.')})")
            elif len(jobs) == 1:
                complain("error", text)
            else:
                complain("failed", f"{job.source}: {text}")
    return all(done for done, _ in outcomes)


def _asked(task: Task) -> str:
    """The flags given that only a folder with the result of one stack can follow."""
    return " and ".join(f"--{name.replace('_', '-')}" for name, value in task.saving.items() if value)


def _jobs(inputs: Sequence[Path], out: Path) -> list[_Job]:
    from napari_focusfuse import api

    suffix = out.suffix.lower()
    if suffix in _NOT_WRITTEN:
        raise OutputError(f"{out} has an unsupported suffix: use .tif, .png, or a folder")
    stacks = [stack for path in inputs for stack in _stacks(path)]
    inputs = [source for source, _, _ in stacks]
    if suffix in _WRITTEN:
        if len(inputs) > 1:
            raise OutputError(f"{out} is one file for {len(inputs)} inputs: give a folder")
        check_apart(inputs[0], out)
        return [_Job(inputs[0], out, is_image=True)]
    names = [name for _, name, _ in stacks]
    # Files of one name are told apart by their folders: a/stack.tif, b/stack.tif.
    names = [
        f"{api.stack_name(path.absolute().parent)}_{name}" if names.count(name) > 1 else name
        for path, name in zip(inputs, names, strict=True)
    ]
    for path, name in zip(inputs, names, strict=True):
        if names.count(name) > 1:
            raise OutputError(f"{path} and another input would both be written to {out / name}: fuse them one by one")
    return [_Job(path, out / name, False, files) for (path, _, files), name in zip(stacks, names, strict=True)]


def _stacks(path: Path) -> list[tuple[Path, str, tuple[Path, ...]]]:
    """Path, name and no files of an input; of a folder of pairs those of each, with its two files."""
    from napari_focusfuse import api

    pairs = api.pairs_in(path)
    return [(path / p.name, p.name, (p.first, p.second)) for p in pairs] or [(path, api.stack_name(path), ())]


def _outcome(job: _Job, task: Task) -> tuple[bool, str]:
    """Whether fusing worked, and the summary or what went wrong."""
    try:
        return True, one_line(_fuse_one(job, task))
    except ModelError:
        raise
    except FocusFuseError as error:
        return False, one_line(flagged(error))
    except MemoryError:
        return False, "not enough memory: close other programs or choose a smaller --tile"
    except Exception as error:  # noqa: BLE001 - a defect that one input brings to light must not stop the batch
        traceback.print_exc()
        return False, f"unexpected {type(error).__name__}: {one_line(error)}"


def _fuse_one(job: _Job, task: Task) -> str:
    from napari_focusfuse import api

    if task.whole is not None and not job.files:
        whole = api.open_hyperstack(job.source, **task.opening)
        if whole.data.ndim > len("ZYX") + whole.axes.endswith("S"):
            return _fuse_whole(whole, job, task, task.whole)
    file = api.open_stack(job.files or job.source, **task.opening)
    if job.is_image:
        api.check_image_target(job.target, file.data.dtype, overwrite=task.overwrite)
    else:
        api.check_result_folder(job.target, overwrite=task.overwrite)
    z_step = file.mean_step(task.sizes.get("z_step"))
    pixel_size = task.sizes.get("pixel_size", file.pixel_size)
    api.check_saving(z_step, **task.saving)
    warn_of_foreign(file)
    z = file.positions(task.sizes.get("z_step"))
    work = api.iter_fuse(file.data, rgb=file.axes.endswith("S"), z=z, **task.engine)
    result: FusionResult = with_bar(work, file.name)
    if job.is_image:
        like = file.inputs[0]
        api.save_image(job.target, result.image, pixel_size=pixel_size, like=like, overwrite=task.overwrite)
        return result.summary
    saving = api.iter_save(
        job.target,
        result,
        pixel_size=pixel_size,
        z_step=z_step,
        inputs=file.inputs,
        source=_source(job, task),
        overwrite=task.overwrite,
        **task.saving,
    )
    with_bar(saving, file.name)
    if z_step is None and result.decision is not None and len(result.decision.z) > 2:
        return f"{result.summary.rstrip('.')}; depth in slices, give --z-step for um"
    return result.summary


def _source(job: _Job, task: Task) -> dict[str, Any]:
    """How the stack is opened again; a pair is no file or folder of its own, its two files are the inputs."""
    from napari_focusfuse import io

    how = dict(task.opening)
    channel, slices = how.pop("channel", None), how.pop("slices", None)
    place = {} if job.files else {"path": job.source}
    more = given(channel=channel, slices=io.told_slices(slices))
    return {**place, **how, **more}


def _fuse_whole(file: "StackFile", job: _Job, task: Task, options: dict[str, Any]) -> str:
    """Fuse every time point and channel."""
    from napari_focusfuse import api

    if ignored := _asked(task):
        raise OutputError(f"{ignored} cannot be used for all positions: fuse them one by one")
    api.check_hyperstack_target(job.target, overwrite=task.overwrite)
    sizes = {"pixel_size": file.pixel_size, **task.sizes}
    chosen = {key: value for key, value in task.opening.items() if key in ("channel", "slices", "exclude")}
    work = api.iter_fuse_file(file, job.target, overwrite=task.overwrite, **sizes, **chosen, **options, **task.engine)
    return with_bar(work, file.name)
