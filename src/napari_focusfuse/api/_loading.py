"""What is there: the focus stacks of a folder, and saved results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_focusfuse.api._recipe_inputs import check_single
from napari_focusfuse.core.files.checked import MismatchError
from napari_focusfuse.core.result import Decision, FusionResult, checked
from napari_focusfuse.errors import FocusFuseError, StackError

__all__ = ["load_result", "stacks_in"]

_RECIPE = "recipe.json"


def stacks_in(path: str | os.PathLike[str]) -> list[Path]:
    """Focus stacks that a folder holds, in the natural order of their names; only headers are read.

    Parameters
    ----------
    path : path
        A folder of stacks, each a folder of slices, a multi-page TIFF, an OME-Zarr or a file of a microscope's maker.
        Results are left out. Anything else, such as the folder of one stack or of pairs, is given back as it is.

    Returns
    -------
    list of Path

    Raises
    ------
    StackError
        It is a folder that holds no stack, or is not there.

    Examples
    --------
    >>> from napari_focusfuse import api
    >>> import numpy as np, tifffile
    >>> from pathlib import Path
    >>> Path("night").mkdir()
    >>> for name in ("s1", "s2", "s10"):
    ...     tifffile.imwrite(f"night/{name}.tif", np.zeros((5, 64, 64), np.uint16), imagej=True)
    >>> [path.name for path in api.stacks_in("night")]
    ['s1.tif', 's2.tif', 's10.tif']
    """
    from napari_focusfuse import io

    path = Path(path)
    try:
        if not path.is_dir():
            if not path.exists():
                raise StackError(f"there is no file or folder {path}: check the name")
            return [path]
        images, itself = io.slice_files(path), io.is_stack_file(path)
        if itself and not images:  # such as an OME-Zarr, whose folders are parts of it
            return [path]
        entries = [each for each in path.iterdir() if not each.name.startswith(".") and each not in images]
        found = [each for each in entries if not (each / _RECIPE).exists() and io.is_stack_file(each)]
    except OSError as error:
        raise StackError(f"{path} cannot be read ({error.strerror or error}): check the folder") from error
    found += images if images and io.are_stacks(images, path) else []
    if not found and not itself:
        raise StackError(f"{path} holds no focus stacks: choose a folder of stacks, or of the slices of one")
    return io.in_order(found) or [path]


def load_result(folder: str | os.PathLike[str]) -> FusionResult:
    """Read a saved result of one stack.

    Parameters
    ----------
    folder : path
        As `save_result` writes it.

    Returns
    -------
    FusionResult
        Image and maps as saved. Of the slices of a pixel the chosen one alone is known, with all the weight.

    Raises
    ------
    FocusFuseError
        It is no result, or not that of one stack; the message says which.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> from napari_focusfuse import api
    >>> result = ff.fuse(ff.simulate((64, 64), 3).stack, method="log")
    >>> folder = ff.save_result("fused", result)
    >>> bool((api.load_result(folder).decision.index == result.decision.index).all())
    True
    """
    from napari_focusfuse import io

    folder = Path(folder)
    recipe = io.read_recipe(folder)
    check_single(recipe)
    image, made = io.read_map(folder, "fused"), recipe["made by"]
    try:
        decision = None if recipe["z"] is None else checked(_decision(folder, recipe, made))
    except MismatchError as error:
        raise FocusFuseError(f"the maps in {folder} do not fit together ({error}): fuse again") from error
    if decision is not None and decision.shape != image.shape[:2]:
        raise FocusFuseError(f"the image and the maps in {folder} are of different sizes: fuse again")
    return FusionResult(image, decision, str(recipe.get("summary") or ""), made)


def _decision(folder: Path, recipe: Mapping[str, Any], made: Mapping[str, Any]) -> Decision:
    from napari_focusfuse import io
    from napari_focusfuse.core.surface import um_per_z

    index, depth, confidence, flags = (io.read_map(folder, name) for name in ("index", "depth", "confidence", "flags"))
    z = np.asarray(recipe["z"], dtype=np.float64)
    factor = um_per_z(z, recipe["z_step_um"], recipe["refractive_index"])
    scaled = (depth if factor is None else depth / np.float32(factor)).astype(np.float32, copy=False)
    return Decision(index[None], np.ones((1, *index.shape), np.float32), scaled, confidence, flags, z, made)
