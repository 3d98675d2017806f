"""Results as surfaces and height maps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.api._recipe_inputs import check_single
from napari_focusfuse.errors import FocusFuseError, OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_focusfuse.config import SurfaceConfig
    from napari_focusfuse.core.result.decision import Decision
    from napari_focusfuse.core.surface.mesh import Surface

PixelSize = tuple[float, float] | None


def save_surface(path: str | os.PathLike[str], surface: Surface, *, overwrite: bool = False) -> Path:
    """Write a mesh as binary STL or PLY, by the suffix; see `napari_focusfuse.io.write_surface`."""
    from napari_focusfuse import io

    return io.write_surface(path, surface, overwrite=overwrite)


def save_heights(
    path: str | os.PathLike[str], z: NDArray[np.floating], *, pixel_size: tuple[float, float], overwrite: bool = False
) -> Path:
    """Write a height map in um as TIFF or X3P, by the suffix; see `napari_focusfuse.io.write_heights`."""
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
        Distance between neighbouring slices, um; by default that of the saved result.
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
    """
    from napari_focusfuse import io
    from napari_focusfuse.core.result.decision import Decision
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
    from napari_focusfuse.core.files.schema import MismatchError
    from napari_focusfuse.core.result.decision import Decision, checked

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
