"""``focusfuse export`` and ``focusfuse replay``: what is made of a saved result, its surface, or itself once more."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from napari_focusfuse.cli._flags import Out, Switch, flags_of, given, sizes_given
from napari_focusfuse.cli._terminal import complain, say, with_bar
from napari_focusfuse.config import SurfaceConfig
from napari_focusfuse.errors import OutputError

__all__ = ["export", "replay"]

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


_DIFFERS = 1


def replay(
    recipe: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    check: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    source: Path | None = None,
    model: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Reproduce a result from its recipe: RECIPE -o OUT, or RECIPE --check.

    Parameters
    ----------
    recipe
        The recipe.json of a result, or its folder. Inputs and model must be those that it names: their
        checksums are compared first.
    out
        Folder to write the result to.
    check
        Compare with the files beside the recipe, byte for byte, instead of writing; exit code 1 if any differs.
    source
        Present place of the stack, if it was moved: a file or folder.
    model
        Folder of the model, if it was moved.
    overwrite
        Replace an earlier result in OUT.
    """
    from napari_focusfuse import api

    if check == (out is not None):
        raise OutputError(
            "say what to do with the result: -o OUT writes it, --check compares it with the existing files"
        )
    if out is not None:
        work = api.iter_replay(recipe, out=out, source=source, model=model, overwrite=overwrite)
        result = with_bar(work, recipe.name)
        say(f"done: {recipe} -> {out} ({result.summary.rstrip('.')})")
        return 0
    differing = with_bar(api.iter_check_replay(recipe, source=source, model=model), recipe.name)
    if differing:
        complain("differs", f"{recipe}: {', '.join(differing)}")
        return _DIFFERS
    say(f"identical: {recipe}")
    return 0
