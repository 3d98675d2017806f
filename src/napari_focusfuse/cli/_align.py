"""``focusfuse align``: an aligned stack in a file, and the transforms beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.cli._flags import Names, Out, Switch, flags_of, given, opening_given, sizes_given
from napari_focusfuse.cli._terminal import say, with_bar
from napari_focusfuse.config import AlignConfig

__all__ = ["align"]

if TYPE_CHECKING:
    AlignFlags = Any
else:
    AlignFlags = flags_of({"align": AlignConfig})


def align(
    stack: Path,
    /,
    *,
    out: Out,
    transforms: Path | None = None,
    axis: str | None = None,
    channel: str | None = None,
    slices: str | None = None,
    exclude: Names = None,
    z_step: float | None = None,
    pixel_size: float | None = None,
    rgb: Switch = False,
    overwrite: Switch = False,
    flags: Annotated[AlignFlags | None, Parameter(name="*")] = None,
) -> None:
    """Align the slices of a focus stack: IN -o OUT.

    Parameters
    ----------
    stack
        A folder of slices, multi-page TIFF, OME-TIFF or OME-Zarr.
    out
        The aligned stack (.tif). The transforms are written beside it: of out.tif as out.transforms.json.
    transforms
        Use the transforms in this file, of another channel, instead of measuring new ones.
    axis
        Letter or number of the stack axis, if the file does not give it.
    channel
        One channel of a file or folder that holds several: its name, or its number from 0.
    slices
        FIRST:END or FIRST:END:STEP, counted from 0 and without END: 10:50 is a range of slices, ::2 every second;
        0:8,10,12 takes these.
    exclude
        Name of a file in the folder that is not a slice. May be repeated.
    z_step
        Distance between neighbouring slices in um, instead of the file's own.
    pixel_size
        Size of a pixel in um, instead of the file's own.
    rgb
        Read a channel axis of length 3 or 4 as colour.
    overwrite
        Replace what an earlier run has written.
    flags
        How to align.
    """
    from napari_focusfuse import api

    sizes = sizes_given(z_step, pixel_size)
    config = AlignConfig(**given(**vars(flags))) if flags else None
    api.check_apart(stack, out)
    api.check_alignment_target(out, overwrite=overwrite)
    known = None if transforms is None else api.load_transforms(transforms)
    opening = opening_given(axis=axis, rgb=rgb, channel=channel, slices=slices, exclude=exclude)
    file = api.open_stack(stack, **opening)
    with_bar(api.iter_warn_of_foreign(file), file.name)
    work = api.iter_align(file.data, config=config, rgb=file.axes.endswith("S"), transforms=known)
    done = with_bar(work, file.name)
    step = file.mean_step(z_step)
    uneven = step is not None and (file.slots is not None or (file.z is not None and not z_step))
    z = file.positions(z_step) if uneven else None
    own = {"pixel_size": file.pixel_size, **sizes, "z_step": step, "z": z}
    api.save_alignment(out, done, **own, overwrite=overwrite)
    say(f"done: {stack} -> {out} ({done.summary})")
