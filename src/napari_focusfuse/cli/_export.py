"""``focusfuse export``: a saved result as a surface or height map."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.cli._flags import Out, Switch, flags_of, given, sizes_given
from napari_focusfuse.cli._terminal import say
from napari_focusfuse.config import SurfaceConfig

__all__ = ["export"]

if TYPE_CHECKING:
    SurfaceFlags = Any
else:
    SurfaceFlags = flags_of({"export": SurfaceConfig})


def export(
    result: Path,
    /,
    *,
    out: Out,
    flip: Switch = False,
    z_step: float | None = None,
    pixel_size: float | None = None,
    overwrite: Switch = False,
    flags: Annotated[SurfaceFlags | None, Parameter(name="*")] = None,
) -> int:
    """Write the depth of a saved result as a surface or height map: RESULT -o OUT.

    Parameters
    ----------
    result
        Folder of a result, as `focusfuse fuse` and the widget write it.
    out
        .stl or .ply for a mesh (PLY has the colours of the fused image), .tif or .x3p for a height map in um.
    flip
        Exchange hills and valleys, for stacks that begin at the top.
    z_step
        Distance between neighbouring slices in um, instead of that of the result.
    pixel_size
        Size of a pixel in um, instead of that of the result.
    overwrite
        Replace an existing file.
    flags
        How depth becomes a surface.
    """
    from napari_focusfuse import api

    sizes = sizes_given(z_step, pixel_size)
    config = SurfaceConfig(**given(**vars(flags))) if flags else None
    api.export(result, out, flip=flip, config=config, overwrite=overwrite, **sizes)
    say(f"done: {result} -> {out}")
    return 0
