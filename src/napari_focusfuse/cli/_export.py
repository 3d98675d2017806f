"""``focusfuse export``: a saved result as a surface or height map."""

from pathlib import Path

from napari_focusfuse.cli._flags import Out, Switch, sizes_given
from napari_focusfuse.cli._terminal import say
from napari_focusfuse.config import SurfaceConfig

__all__ = ["export"]


def export(
    result: Path,
    /,
    *,
    out: Out,
    fill: Switch = False,
    flip: Switch = False,
    z_step: float | None = None,
    pixel_size: float | None = None,
    max_vertices: int = SurfaceConfig.max_vertices,
    overwrite: Switch = False,
) -> int:
    """Write the depth of a saved result as a surface or height map: RESULT -o OUT.

    Parameters
    ----------
    result
        Folder of a result, as `focusfuse fuse` and the widget write it.
    out
        .stl or .ply for a mesh (PLY has the colours of the fused image), .tif or .x3p for a height map in um.
    fill
        Estimate depth that was not measured from the surroundings; otherwise it stays a hole.
    flip
        Exchange hills and valleys, for stacks that begin at the top.
    z_step
        Distance between neighbouring slices in um, instead of that of the result.
    pixel_size
        Size of a pixel in um, instead of that of the result.
    max_vertices
        For larger maps a mesh uses only every 2nd, 3rd... row and column.
    overwrite
        Replace an existing file.
    """
    from napari_focusfuse import api

    sizes = sizes_given(z_step, pixel_size)
    config = SurfaceConfig(fill=fill, max_vertices=max_vertices)
    api.export(result, out, flip=flip, config=config, overwrite=overwrite, **sizes)
    say(f"done: {result} -> {out}")
    return 0
