"""Results to folders, surfaces and height maps to files."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.api._recipe_inputs import check_single
from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core.progress import Progress, drained, staged
from napari_focusfuse.errors import FocusFuseError, OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_focusfuse.config import SurfaceConfig
    from napari_focusfuse.core.result import Decision, FusionResult
    from napari_focusfuse.core.surface.mesh import Surface

PixelSize = tuple[float, float] | None
Inputs = Sequence[str | os.PathLike[str]] | dict[Path, str | None]


def iter_save(
    folder: str | os.PathLike[str],
    result: FusionResult,
    *,
    pixel_size: PixelSize = None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    fill_depth: bool = False,
    zarr: bool | str = False,
    inputs: Inputs = (),
    source: Mapping[str, Any] | None = None,
    transforms: Any = None,
    overwrite: bool = False,
) -> Generator[Progress, None, Path]:
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
    zarr : bool or str
        Write OME-Zarr (``fused.ome.zarr``...) instead of OME-TIFF: pyramids, for large images. Or its version, "0.4"
        (which True is) or "0.5". Needs the extra ``zarr``.
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

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder exists or cannot be written, or a size is not positive; no files are left.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> result = ff.fuse(scene.stack, method="sf")
    >>> folder = ff.save_result("result", result, pixel_size=(0.5, 0.5), z_step=1.0)
    >>> sorted(path.name for path in folder.iterdir())[:3]
    ['confidence.ome.tif', 'depth.ome.tif', 'flags.ome.tif']
    """
    from napari_focusfuse import io

    check_saving(z_step, pixel_size, refractive_index=refractive_index, zarr=zarr)
    io.check_result_folder(folder, overwrite=overwrite)
    known = isinstance(inputs, dict)
    checksums = inputs if known else (yield from staged(io.iter_checksums(inputs), 0, 0.7))
    how: dict[str, Any] = {
        "pixel_size": pixel_size,
        "z_step": z_step,
        "refractive_index": refractive_index,
        "fill_depth": fill_depth and result.decision is not None,
        "zarr": True if zarr == "0.4" else zarr,
    }
    made = {"inputs": checksums, "folder": folder, "source": dict(source or {}), "transforms": transforms}
    recipe = io.make_recipe(result, **how, **made)
    like = next(iter(checksums), None)
    writing = io.iter_write_result(folder, result, **how, recipe=recipe, like=like, overwrite=overwrite)
    return (yield from staged(writing, 0.7, 0.3))


save_result = drained(iter_save, "save_result")


def check_saving(
    z_step: float | None,
    pixel_size: PixelSize = None,
    *,
    refractive_index: float = 1.0,
    zarr: bool | str = False,
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
        io.check_zarr(zarr)


def save_surface(path: str | os.PathLike[str], surface: Surface, *, overwrite: bool = False) -> Path:
    """Write a mesh as binary STL or PLY, by the suffix; see `napari_focusfuse.io.write_surface`.

    Raises
    ------
    OutputError
        The suffix is another one, or the file exists or cannot be written.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> mesh = ff.surface(decision, pixel_size=(0.5, 0.5), z_step=1.0)
    >>> ff.save_surface("mesh.ply", mesh).name
    'mesh.ply'
    """
    from napari_focusfuse import io

    return io.write_surface(path, surface, overwrite=overwrite)


def save_heights(
    path: str | os.PathLike[str], z: NDArray[np.floating], *, pixel_size: tuple[float, float], overwrite: bool = False
) -> Path:
    """Write a height map in um as TIFF or X3P, by the suffix; see `napari_focusfuse.io.write_heights`.

    Raises
    ------
    OutputError
        The suffix is another one, the pixel size is no length, or the file exists or cannot be written.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> ff.save_heights("heights.tif", ff.heights(decision, z_step=1.0), pixel_size=(0.5, 0.5)).name
    'heights.tif'
    """
    from napari_focusfuse import io

    return io.write_heights(path, z, pixel_size=pixel_size, overwrite=overwrite)


def check_surface_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `export` would later; see `napari_focusfuse.io.check_surface_target`."""
    from napari_focusfuse import io

    io.check_surface_target(path, overwrite=overwrite)


def export(
    what: str | os.PathLike[str] | Decision,
    out: str | os.PathLike[str],
    *,
    pixel_size: PixelSize = None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    texture: NDArray[Any] | None = None,
    flip: bool = False,
    config: SurfaceConfig | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a result as a surface or height map, by the suffix of `out`.

    Parameters
    ----------
    what : path or Decision
        Folder of a saved result, or a decision.
    out : path
        ``.stl`` or ``.ply`` for a mesh, ``.tif`` or ``.x3p`` for a height map.
    pixel_size : (float, float), optional
        Height and width of a pixel, um; by default that of the saved result.
    z_step : float, optional
        Distance of neighbouring slices, um; by default that of the saved result.
    refractive_index : float
        Depth of a decision map is multiplied by it; that of a saved result already is.
    texture : (Y, X[, C]) array, optional
        Image for the colours of a PLY; by default the fused one of the saved result.
    flip : bool
        Exchange hills and valleys, for stacks that begin at the top.
    config : SurfaceConfig, optional
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    FocusFuseError
        Pixel size or z-step is unknown, there is no depth map, or the file cannot be written.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> ff.export(decision, "surface.stl", pixel_size=(0.5, 0.5), z_step=1.0).name
    'surface.stl'
    """
    from napari_focusfuse import io
    from napari_focusfuse.core.result import Decision
    from napari_focusfuse.core.surface.mesh import heights, surface

    out = Path(out)
    io.check_surface_target(out, overwrite=overwrite)
    if not isinstance(what, Decision):
        what, texture, pixel_size, z_step = _saved(Path(what), texture, pixel_size, z_step)
    if pixel_size is None:
        raise OutputError("a surface in um needs the pixel size: give the height and width of a pixel in um")
    options: dict[str, Any] = {"z_step": z_step, "refractive_index": refractive_index, "flip": flip, "config": config}
    if out.suffix.lower() in io.MESHES:
        made = surface(what, pixel_size=pixel_size, texture=texture, **options)
        return io.write_surface(out, made, overwrite=overwrite)
    return io.write_heights(out, heights(what, **options), pixel_size=pixel_size, overwrite=overwrite)


def _saved(
    folder: Path, texture: NDArray[Any] | None, pixel_size: PixelSize, z_step: float | None
) -> tuple[Decision, NDArray[Any], PixelSize, float | None]:
    """What a saved result says of depth: a decision whose depth is in um if the z-step is known."""
    from napari_focusfuse import io
    from napari_focusfuse.core.files.checked import MismatchError
    from napari_focusfuse.core.result import Decision, checked

    recipe = io.read_recipe(folder)
    check_single(recipe)
    if "depth_unit" not in recipe or recipe["z"] is None:
        raise FocusFuseError(f"{folder} contains no depth map: fuse with a method that makes a decision map")
    depth, confidence, flags, index = (io.read_map(folder, name) for name in ("depth", "confidence", "flags", "index"))
    z = np.asarray(recipe["z"], dtype=np.float64)
    spacing = float(np.ptp(z)) / max(len(z) - 1, 1)
    known = recipe["z_step_um"]
    if recipe["depth_unit"] == "um" and known is not None and spacing > 0:
        # Depth is in um; a z-step that was given replaces the noted one in proportion.
        z_step, z = (known if z_step is None else z_step), z * (known / spacing)
    decision = Decision(index[None], np.ones((1, *index.shape), np.float32), depth, confidence, flags, z)
    try:
        decision = checked(decision)
    except MismatchError as error:
        raise FocusFuseError(f"the maps in {folder} do not fit together ({error}): fuse again") from error
    sizes = recipe["pixel_size_um"]
    pixel_size = pixel_size or (None if sizes is None else (sizes[0], sizes[1]))
    return decision, io.read_map(folder, "fused") if texture is None else texture, pixel_size, z_step
