"""``focusfuse align``: an aligned stack in a file, and the transforms beside it."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.cli._flags import check_lengths, given
from napari_focusfuse.cli._terminal import say, with_bar
from napari_focusfuse.core.config import AlignConfig, Edges, Kind
from napari_focusfuse.errors import OutputError

__all__ = ["align"]

Out = Annotated[Path, Parameter(alias="-o")]
Switch = Annotated[bool, Parameter(negative=(), show_default=False)]
_DEFAULT = AlignConfig()


def align(
    stack: Path,
    /,
    *,
    out: Out,
    kind: Annotated[Kind | None, Parameter(show_default=_DEFAULT.kind)] = None,
    edges: Annotated[Edges | None, Parameter(show_default=_DEFAULT.edges)] = None,
    reference: Annotated[str | None, Parameter(show_default=_DEFAULT.reference)] = None,
    tolerance: Annotated[float | None, Parameter(show_default=str(_DEFAULT.tolerance))] = None,
    transforms: Path | None = None,
    axis: str | None = None,
    z_step: float | None = None,
    pixel_size: float | None = None,
    rgb: Switch = False,
    overwrite: Switch = False,
) -> None:
    """Align the slices of a focus stack: IN -o OUT.

    Parameters
    ----------
    stack
        A folder of slices, multi-page TIFF, OME-TIFF or OME-Zarr.
    out
        The aligned stack (.tif). The transforms are written beside it: of out.tif as out.transforms.json.
    kind
        What may differ between slices: nothing, the position, also rotation and scale, or also shear.
    edges
        Keep the area that all slices show, or fill with NaN where a slice shows nothing (float result).
    reference
        The slice that stays: middle, or a number from 0 on.
    tolerance
        Slices that are nowhere further off than this (px) are left as they are.
    transforms
        Use the transforms in this file, of another channel, and measure nothing.
    axis
        Letter or number of the stack axis, where the file does not tell.
    z_step
        Distance of neighbouring slices in um, instead of the file's own.
    pixel_size
        Size of a pixel in um, instead of the file's own.
    rgb
        Take a channel axis of 3 or 4 as colour.
    overwrite
        Replace what an earlier run has written.
    """
    from napari_focusfuse import api

    check_lengths(z_step=z_step, pixel_size=pixel_size)
    config = AlignConfig(**given(kind=kind, edges=edges, reference=_slice(reference), tolerance=tolerance))
    record = _checked(stack, out, overwrite)
    known = None if transforms is None else api.load_transforms(transforms)
    file = api.open_stack(stack, axis=axis, rgb=rgb)
    work = api.iter_align(file.data, config=config, rgb=file.axes.endswith("S"), transforms=known)
    done = with_bar(work, file.name)
    sizes: dict[str, Any] = {
        "z_step": file.z_step if z_step is None else z_step,
        "z": file.z if z_step is None else None,
        "pixel_size": file.pixel_size if pixel_size is None else (pixel_size, pixel_size),
    }
    api.save_alignment(out, record, done, overwrite=overwrite, **sizes)
    say(f"done: {stack} -> {out} ({done.summary})")


def _slice(reference: str | None) -> str | int | None:
    return int(reference) if reference is not None and reference.lstrip("-").isdecimal() else reference


def _checked(stack: Path, out: Path, overwrite: bool) -> Path:
    """Where the transforms go, after all that could stand in the way of writing was looked at."""
    from napari_focusfuse import api

    if out.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"{out} has a suffix that cannot hold a stack: use .tif")
    if out.resolve() == stack.resolve():
        raise OutputError(f"{out} is the input itself: choose another name")
    if stack.is_dir() and out.resolve().parent == stack.resolve():
        raise OutputError(f"{out} would lie among the slices of the stack: choose a place outside {stack}")
    record = out.with_name(f"{api.stack_name(out)}.transforms.json")
    api.check_image_target(out, overwrite=overwrite)
    if record.is_dir():
        raise OutputError(f"cannot write {record}: there is a folder of that name")
    if record.exists() and not overwrite:
        raise OutputError(f"{record} exists: choose another name or allow overwriting")
    return record
