"""A result as a folder: images, maps and the recipe, complete or not there."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.errors import OutputError
from napari_focusfuse.io._recipe import plain
from napari_focusfuse.io._write import check_target, missing_parents, part_of, remove_empty, write_image, write_tiff

if TYPE_CHECKING:
    from napari_focusfuse.core.decision import Decision
    from napari_focusfuse.core.result import FusionResult

__all__ = ["check_result_folder", "exchange", "write_recipe", "write_result"]

_FUSED, _INDEX, _DEPTH, _CONFIDENCE, _FLAGS, _RECIPE = (
    "fused.ome.tif",
    "index.ome.tif",
    "depth.ome.tif",
    "confidence.ome.tif",
    "flags.ome.tif",
    "recipe.json",
)
_OURS = {_FUSED, _INDEX, _DEPTH, _CONFIDENCE, _FLAGS, _RECIPE, ".DS_Store", "Thumbs.db"}


def write_result(
    folder: str | os.PathLike[str],
    result: "FusionResult",
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    recipe: dict[str, Any],
    overwrite: bool = False,
) -> Path:
    """Write a result to a new folder.

    Parameters
    ----------
    folder : str or path
        Gets ``fused.ome.tif``, ``index.ome.tif`` (slice of each pixel, from 0), ``depth.ome.tif`` (float32),
        ``confidence.ome.tif`` (float32), ``flags.ome.tif`` (uint16, bits of `Flag`) and ``recipe.json``;
        without a decision only the first and last.
    result : FusionResult
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    z_step : float, optional
        Mean distance of neighbouring slices, um. With it the depth is written in um, whether `Decision.z` is in slices
        or in um; without it in the units of `Decision.z`.
    recipe : dict
        How the result was made, see `make_recipe`.
    overwrite : bool
        Replace an earlier result, once the new one is complete. A folder that holds anything else is never replaced.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The folder exists or cannot be written; what was there before is as it was.
    """
    folder = Path(folder)
    check_result_folder(folder, overwrite=overwrite)
    part, new = part_of(folder), missing_parents(folder)
    try:
        part.mkdir(parents=True)
        _write_files(part, result, pixel_size, z_step, recipe)
        exchange(part, folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        remove_empty(new)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
        raise
    return folder


def check_result_folder(folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a folder that `write_result` would refuse, before any work is done.

    Raises
    ------
    OutputError
        See `write_result`.
    """
    folder = Path(folder)
    check_target(folder, overwrite=overwrite)
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or folder.is_symlink():
        raise OutputError(f"cannot write {folder}: there is a file of that name")
    other = sorted(entry.name for entry in folder.iterdir() if entry.name not in _OURS)
    if other:
        raise OutputError(f"{folder} is not replaced, it holds more than a result ({other[0]}): choose another name")


def _write_files(
    folder: Path,
    result: "FusionResult",
    pixel_size: tuple[float, float] | None,
    z_step: float | None,
    recipe: dict[str, Any],
) -> None:
    write_image(folder / _FUSED, np.asarray(result.image), pixel_size=pixel_size)
    if (decision := result.decision) is not None:
        scale, unit = _depth_scale(decision, z_step)
        depth = decision.depth * np.float32(scale)
        maps = (
            (_INDEX, decision.index, "slice, from 0"),
            (_DEPTH, depth, f"depth, {unit}"),
            (_CONFIDENCE, decision.confidence, "confidence, 0 to 1"),
            (_FLAGS, decision.flags, "flags, bits"),
        )
        for name, values, channel in maps:
            write_tiff(folder / name, values, axes="YX", channel=channel, pixel_size=pixel_size)
        recipe = {**recipe, "depth_unit": unit}
    write_recipe(folder, recipe)


def write_recipe(folder: Path, recipe: dict[str, Any]) -> None:
    """Write how a result was made beside it."""
    text = json.dumps(plain(recipe), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / _RECIPE).write_text(text + "\n", encoding="utf-8")


def _depth_scale(decision: "Decision", z_step: float | None) -> tuple[float, str]:
    """Factor from the units of the depth to the unit it is written in."""
    spacing = float(np.ptp(decision.z)) / max(len(decision.z) - 1, 1)
    if z_step is None or spacing == 0:
        return 1.0, "in the units of z"
    return z_step / spacing, "um"


def exchange(part: Path, folder: Path) -> None:
    """Put the finished `part` in the place of `folder`; if that fails, `folder` is as it was."""
    if not folder.exists():
        part.rename(folder)
        return
    old = part_of(folder)
    folder.rename(old)
    try:
        part.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    with suppress(OSError):
        shutil.rmtree(old)
