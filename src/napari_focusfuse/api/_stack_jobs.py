"""One input of many, from file to file: what becomes of it, whether that is done already, and the work."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from napari_focusfuse.api._aligning import iter_quick_look
from napari_focusfuse.api._files import check_image_target, check_result_folder, open_stack, pairs_in, stack_name
from napari_focusfuse.api._fusion import iter_fuse
from napari_focusfuse.api._hyperstack_files import check_hyperstack_target, iter_fuse_file, open_hyperstack
from napari_focusfuse.api._plates import FieldPlace, PlateWork, check_field, files_of
from napari_focusfuse.api._same_result import iter_differing
from napari_focusfuse.api._saving import check_saving, iter_save
from napari_focusfuse.core.methods import method_named
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.errors import FocusFuseWarning, OutputError

if TYPE_CHECKING:
    from napari_focusfuse.io import StackFile

__all__ = [
    "StackJob",
    "StackTask",
    "State",
    "check_apart",
    "iter_plan",
    "iter_stack_job",
    "iter_warn_of_foreign",
    "stack_jobs",
]

State = Literal["done", "skipped", "failed", "planned"]

_WRITTEN = (".tif", ".tiff", ".png")
_NOT_WRITTEN = (".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".jp2", ".zarr")
#: What only the folder of one stack can follow.
_SINGLE = {"refractive_index": "a refractive index", "fill_depth": "a filled depth map", "zarr": "OME-Zarr"}
#: Bytes of a pixel of index, depth, confidence and flags, and of a map that is filled; a pyramid has a third more.
_MAPS, _FILLED, _PYRAMID = 12, 4, 4 / 3
_ALREADY = "done already"


class StackTask(NamedTuple):
    """What to do with each input.

    Attributes
    ----------
    engine, opening, saving : dict
        Keywords for `iter_fuse`, `open_stack` and `iter_save`.
    sizes : dict
        ``z_step`` and ``pixel_size`` (um) that stand in for those of the files.
    whole : dict or None
        Every time point and channel is fused, with these keywords for `iter_fuse_file`.
    overwrite : bool
        Earlier results may be replaced.
    resume : bool
        Results that were made from the same files in the same way are kept.
    threads : int
        CPU threads on a worker; 0 leaves what it has.
    """

    engine: dict[str, Any]
    opening: dict[str, Any]
    saving: dict[str, Any]
    sizes: dict[str, Any]
    whole: dict[str, Any] | None = None
    overwrite: bool = False
    resume: bool = False
    threads: int = 0

    def sizes_of(self, file: StackFile) -> tuple[float | None, tuple[float, float] | None]:
        """Z-step and pixel size that are written."""
        return file.mean_step(self.sizes.get("z_step")), self.sizes.get("pixel_size", file.pixel_size)

    def source_of(self, job: StackJob) -> dict[str, Any]:
        """How a stack is opened again; a pair is no file or folder of its own, its two files are the inputs."""
        from napari_focusfuse import io

        how = dict(self.opening)
        channel, slices = how.pop("channel", None), how.pop("slices", None)
        place = {} if job.files else {"path": job.source}
        more = {"channel": None if channel is None else str(channel), "slices": io.told_slices(slices)}
        return {**place, **how, **{key: value for key, value in more.items() if value is not None}}


class StackJob(NamedTuple):
    """One input and what becomes of it, an image file or a folder; of a pair, `source` is its name in its folder.

    A field of a plate has a `place` in the plate of results.
    """

    source: Path
    target: Path
    is_image: bool = False
    files: tuple[Path, ...] = ()
    place: FieldPlace | None = None

    @property
    def name(self) -> str:
        """What it is called while it is worked on."""
        return self.target.name if self.place is None else self.place.path

    def anywhere(self) -> StackJob:
        """The same for a process that runs in another folder."""
        files = tuple(path.absolute() for path in self.files)
        return self._replace(source=self.source.absolute(), target=self.target.absolute(), files=files)


def stack_jobs(inputs: Sequence[Path], out: Path, task: StackTask, plate: PlateWork | None = None) -> list[StackJob]:
    """What becomes of each input; of a folder of pairs each pair is one, of a plate each field.

    Raises
    ------
    FocusFuseError
        The outputs would overwrite each other or the inputs, or cannot hold what is asked for.
    """
    if plate is not None:
        return [StackJob(source, target, place=place) for source, target, place in plate.places()]
    stacks = [stack for path in inputs for stack in _stacks(path)]
    if out.suffix.lower() in _NOT_WRITTEN:
        raise OutputError(f"{out} has an unsupported suffix: use .tif, .png, or a folder")
    if out.suffix.lower() in _WRITTEN:
        if len(stacks) > 1:
            raise OutputError(f"{out} is one file for {len(stacks)} inputs: give a folder")
        if asked := _single_only(task):
            raise OutputError(f"{out} takes the fused image only: give a folder for {asked}, or leave that out")
        if task.resume:
            raise OutputError(f"{out} does not say how it was made, so that nothing can be resumed: give a folder")
        check_apart(stacks[0].source, out)
        return [StackJob(stacks[0].source, out, is_image=True)]
    names = [stack.target.name for stack in stacks]
    # Files of one name are told apart by their folders: a/stack.tif, b/stack.tif.
    names = [
        f"{stack_name(stack.source.absolute().parent)}_{name}" if names.count(name) > 1 else name
        for stack, name in zip(stacks, names, strict=True)
    ]
    for stack, name in zip(stacks, names, strict=True):
        if names.count(name) > 1:
            raise OutputError(
                f"{stack.source} and another input would both be written to {out / name}: fuse them one by one"
            )
    return [stack._replace(target=out / name) for stack, name in zip(stacks, names, strict=True)]


def _stacks(path: Path) -> list[StackJob]:
    """An input, or each pair of a folder of pairs, with its name as the target."""
    pairs = pairs_in(path)
    return [StackJob(path / p.name, Path(p.name), files=(p.first, p.second)) for p in pairs] or [
        StackJob(path, Path(stack_name(path)))
    ]


def check_apart(source: Path, out: Path) -> None:
    """Refuse to write over the input, or among the slices, where the next run would take the result for a slice."""
    if out.resolve() == source.resolve():
        raise OutputError(f"{out} is the input itself: choose another name")
    if source.is_dir() and out.resolve().parent == source.resolve():
        raise OutputError(f"{out} would be written among the slices of the stack: choose a folder outside {source}")


def _single_only(task: StackTask) -> str:
    return " and ".join(words for name, words in _SINGLE.items() if task.saving.get(name))


def iter_stack_job(job: StackJob, task: StackTask) -> Generator[Progress, None, tuple[State, str]]:
    """Fuse one input and write its result, complete or not at all.

    Returns
    -------
    state : str
        "done", or "skipped" where it was done already.
    text : str
        The summary.

    Raises
    ------
    FocusFuseError
        The input cannot be fused, or the result not be written; the message says why.
    """
    file, whole = _checked(job, task)
    if (yield from staged(_iter_done_already(job, task, file, whole=whole), 0, 0.1)):
        return "skipped", _ALREADY
    work = _iter_whole(job, task, file) if whole else _iter_single(job, task, file)
    return "done", (yield from staged(work, 0.1, 0.9))


def iter_plan(job: StackJob, task: StackTask) -> Generator[Progress, None, tuple[State, str, int]]:
    """Find out what `iter_stack_job` would do; nothing is written.

    Returns
    -------
    state : str
        "planned" or "skipped".
    text : str
    size : int
        Bytes of the result, at most, beside the headers of its files.

    Raises
    ------
    FocusFuseError
        As for `iter_stack_job`, as far as that shows without fusing.
    """
    file, whole = _checked(job, task)
    if (yield from _iter_done_already(job, task, file, whole=whole)):
        return "skipped", _ALREADY, 0
    sizes = dict(zip(file.axes, file.data.shape, strict=True))
    axis = file.axes.replace("S", "")[-3]
    pixels = sizes["Y"] * sizes["X"]
    images = prod(n for letter, n in sizes.items() if letter not in ("Y", "X", "S", axis))
    size = float(images * pixels * sizes.get("S", 1) * file.data.dtype.itemsize)
    if method_named(task.engine.get("method", "sesf")).decides and not job.is_image:
        each = (task.whole or {}).get("decide_on") == "each"
        maps = images if each else images // sizes.get("C", 1)
        size += maps * pixels * (_MAPS + _FILLED * bool(task.saving.get("fill_depth")))
    size *= _PYRAMID if task.saving.get("zarr") else 1
    shape = f"{sizes[axis]} slices of {sizes['Y']} x {sizes['X']} px"
    return "planned", shape if images == 1 else f"{images} stacks of {shape}", round(size)


def _iter_done_already(
    job: StackJob, task: StackTask, file: StackFile, *, whole: bool
) -> Generator[Progress, None, bool]:
    """Whether the result is there; refused if it is another one that may not be replaced."""
    if not task.resume or not os.path.lexists(job.target):
        return False
    differing = yield from iter_differing(job, task, file, whole=whole)
    if differing and not task.overwrite:
        told = f"{job.target} was made in another way ({', '.join(differing)})"
        raise OutputError(f"{told}: choose another folder or allow overwriting", settings={"overwrite": ""})
    return not differing


def _checked(job: StackJob, task: StackTask) -> tuple[StackFile, bool]:
    """The stack, or all of them, and which it is; what would be refused later is refused now."""
    if job.place is not None:
        check_field(job.source)
        check_hyperstack_target(job.target, overwrite=task.overwrite or task.resume)
        return open_hyperstack(job.source, **task.opening), True
    if task.whole is not None and not job.files:
        file = open_hyperstack(job.source, **task.opening)
        if file.data.ndim > len("ZYX") + file.axes.endswith("S"):
            if asked := _single_only(task):
                raise OutputError(f"results of all positions cannot have {asked}: fuse the positions one by one")
            check_hyperstack_target(job.target, overwrite=task.overwrite or task.resume)
            return file, True
    file = open_stack(job.files or job.source, **task.opening)
    if job.is_image:
        check_image_target(job.target, file.data.dtype, overwrite=task.overwrite)
    else:
        check_result_folder(job.target, overwrite=task.overwrite or task.resume)
    check_saving(file.mean_step(task.sizes.get("z_step")), task.sizes.get("pixel_size"), **task.saving)
    return file, False


def _iter_single(job: StackJob, task: StackTask, file: StackFile) -> Generator[Progress, None, str]:
    from napari_focusfuse import io

    z_step, pixel_size = task.sizes_of(file)
    z = file.positions(task.sizes.get("z_step"))
    yield from staged(iter_warn_of_foreign(file), 0, 0.1)
    work = iter_fuse(file.data, rgb=file.axes.endswith("S"), z=z, **task.engine)
    result = yield from staged(work, 0.1, 0.8)
    if job.is_image:
        like = file.inputs[0]
        io.write_image(job.target, result.image, pixel_size=pixel_size, like=like, overwrite=task.overwrite)
        return result.summary
    made: dict[str, Any] = {"pixel_size": pixel_size, "z_step": z_step, "inputs": file.inputs}
    source = task.source_of(job)
    saving = iter_save(job.target, result, **made, source=source, overwrite=task.overwrite, **task.saving)
    yield from staged(saving, 0.9, 0.1)
    if z_step is None and result.decision is not None and len(result.decision.z) > 2:
        return f"{result.summary.rstrip('.')}; depth in slices, because the z-step is not known"
    return result.summary


def iter_warn_of_foreign(file: StackFile) -> Generator[Progress, None, None]:
    """Warn of files of a stack that look like no slices, unless their names have said so already."""
    if len(file.inputs) != file.data.shape[0]:
        return
    found = yield from iter_quick_look(file.data, rgb=file.axes.endswith("S"), drift=False)
    for k, why in found.foreign.items():
        if (path := file.inputs[k]) not in file.suspects:
            text = f"{path} {why}: exclude it if it is not a slice"
            warnings.warn(FocusFuseWarning(text, settings={"exclude": path.name}), stacklevel=2)


def _iter_whole(job: StackJob, task: StackTask, file: StackFile) -> Generator[Progress, None, str]:
    chosen = {key: value for key, value in task.opening.items() if key in ("channel", "slices", "exclude")}
    options = {**task.sizes, **chosen, **(task.whole or {}), **task.engine}
    if job.place is not None:
        options["kind"] = files_of(file, job.place, task.sizes.get("pixel_size"))
    return (yield from iter_fuse_file(file, job.target, overwrite=task.overwrite, **options))
