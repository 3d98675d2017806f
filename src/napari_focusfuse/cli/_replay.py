"""``focusfuse replay``: a result reproduced from its recipe."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from napari_focusfuse.cli._terminal import complain, say, with_bar
from napari_focusfuse.errors import OutputError

__all__ = ["replay"]

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
