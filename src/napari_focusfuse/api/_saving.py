"""Results to folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.config.checks import check_sizes
from napari_focusfuse.core.progress import Progress, drain, staged
from napari_focusfuse.errors import OutputError

if TYPE_CHECKING:
    from napari_focusfuse.core.result.decision import FusionResult

Inputs = Sequence[str | os.PathLike[str]] | dict[Path, str | None]


def save_result(
    folder: str | os.PathLike[str],
    result: FusionResult,
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    fill_depth: bool = False,
    zarr: bool = False,
    inputs: Inputs = (),
    source: Mapping[str, Any] | None = None,
    transforms: Any = None,
    overwrite: bool = False,
    progress: Callable[[Progress], object] | None = None,
) -> Path:
    """Write a result as a folder: fused image, index, depth, confidence and flags as OME-TIFF, and ``recipe.json``.

    Parameters
    ----------
    folder : path
        A new folder; refused if it exists, unless `overwrite`.
    result : FusionResult
    pixel_size : (float, float), optional
        Height and width of a pixel, um.
    z_step : float, optional
        Distance between neighbouring slices, um; with it depth is written in um.
    refractive_index : float
        Depth in um is multiplied by it. The stage moves by the z-step; with a dry objective and a specimen in a medium
        (water, a mounting medium), the focus moves further, by about the refractive index of the medium. This
        holds for small apertures; for large ones the factor is larger. 1 for surfaces in air and for matching
        immersion.
    fill_depth : bool
        Also write ``depth_filled.ome.tif``, see `fill_depth`.
    zarr : bool
        Write OME-Zarr (``fused.ome.zarr``...) instead of OME-TIFF: pyramids, for large images. Needs the extra
        ``zarr``.
    inputs : sequence of paths
        Files the stack came from, in the order of the slices; their checksums go into the recipe. Or a mapping of paths
        to checksums that are known already. The first one's colour profile and camera settings (EXIF), if any, are
        copied to the fused image.
    source : mapping, optional
        How the stack was chosen in the inputs, for `replay`: ``path`` (what was opened), ``axis`` and ``rgb`` as in
        `open_stack`, ``position`` (index by letter of each further axis).
    transforms : nested lists, optional
        Alignment of the slices before fusing, as plain numbers; recorded in the recipe.
    overwrite : bool
        Replace an existing result, once the new one is complete.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder exists or cannot be written, or a size is not positive; no files are left.
    """
    work = iter_save(
        folder,
        result,
        pixel_size=pixel_size,
        z_step=z_step,
        refractive_index=refractive_index,
        fill_depth=fill_depth,
        zarr=zarr,
        inputs=inputs,
        source=source,
        transforms=transforms,
        overwrite=overwrite,
    )
    return drain(work, progress)


def iter_save(
    folder: str | os.PathLike[str],
    result: FusionResult,
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    fill_depth: bool = False,
    zarr: bool = False,
    inputs: Inputs = (),
    source: Mapping[str, Any] | None = None,
    transforms: Any = None,
    overwrite: bool = False,
) -> Generator[Progress, None, Path]:
    """Save step by step: the same as `save_result`, as a generator of `Progress` that returns the folder."""
    from napari_focusfuse import io

    check_saving(z_step, pixel_size, refractive_index=refractive_index, zarr=zarr)
    io.check_result_folder(folder, overwrite=overwrite)
    known = isinstance(inputs, dict)
    checksums = inputs if known else (yield from staged(io.iter_checksums(inputs), 0, 0.7))
    recipe = io.make_recipe(
        result,
        inputs=checksums,
        folder=folder,
        pixel_size=pixel_size,
        z_step=z_step,
        refractive_index=refractive_index,
        fill_depth=fill_depth and result.decision is not None,
        zarr=zarr,
        source=dict(source or {}),
        transforms=transforms,
    )
    writing = io.iter_write_result(
        folder,
        result,
        pixel_size=pixel_size,
        z_step=z_step,
        refractive_index=refractive_index,
        fill_depth=fill_depth,
        zarr=zarr,
        recipe=recipe,
        like=next(iter(checksums), None),
        overwrite=overwrite,
    )
    return (yield from staged(writing, 0.7, 0.3))


def check_saving(
    z_step: float | None,
    pixel_size: tuple[float, float] | None = None,
    *,
    refractive_index: float = 1.0,
    zarr: bool = False,
    **_: Any,
) -> None:
    """Refuse options that `save_result` would refuse, before any work is done; others are not looked at.

    Raises
    ------
    OutputError
        A size is not positive, the refractive index is outside 1 to 5 or given without a z-step, or the package zarr is
        not installed.
    """
    from napari_focusfuse import io

    check_sizes(pixel_size, z_step)
    if not 1 <= refractive_index <= 5:
        raise OutputError(f"the refractive index must be from 1 to 5, not {refractive_index}: 1.33 is water")
    if refractive_index != 1 and z_step is None:
        raise OutputError("a refractive index needs the z-step: give the distance between neighbouring slices in um")
    if zarr:
        io.check_zarr()
