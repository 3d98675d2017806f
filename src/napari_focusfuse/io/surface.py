"""Surfaces and height maps to files: STL and PLY by trimesh, X3P by x3pio, float TIFF for ImageJ."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tifffile import imwrite

from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.limits import atomically, check_file_target

if TYPE_CHECKING:
    from napari_focusfuse.core.surface.mesh import Surface

__all__ = ["HEIGHTS", "MESHES", "check_surface_target", "write_heights", "write_surface"]

MESHES = (".stl", ".ply")
HEIGHTS = (".tif", ".tiff", ".x3p")
_METRES = 1e-6
#: Written where the standard asks for a date, so that the same heights give the same bytes.
_NO_DATE = datetime(1980, 1, 1, tzinfo=UTC)


def check_surface_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse what `write_surface` and `write_heights` would refuse, before any work is done.

    Raises
    ------
    OutputError
        The suffix is not written, its package is not installed, or the target exists or cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*MESHES, *HEIGHTS):
        raise OutputError(f"{path} has an unsupported suffix: use .stl or .ply, .tif or .x3p for a height map")
    check_file_target(path, overwrite=overwrite)
    if suffix in MESHES:
        _trimesh()
    if suffix == ".x3p":
        _x3pio()


def write_surface(path: str | os.PathLike[str], surface: "Surface", *, overwrite: bool = False) -> Path:
    """Write a mesh.

    Parameters
    ----------
    path : str or path
        ``.stl``: binary STL, the shape alone. ``.ply``: binary PLY, with the colours of the vertices.
    surface : Surface
        The file has x to the right, y up and z towards the viewer, um; the image stands upright.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        See `check_surface_target`.
    """
    path = Path(path)
    check_surface_target(path, overwrite=overwrite)
    if path.suffix.lower() not in MESHES:
        raise OutputError(f"{path} cannot hold a mesh: use .stl or .ply")
    z, y, x = surface.vertices.T
    colours = surface.colours
    if colours is not None and colours.ndim == 1:
        colours = np.repeat(colours[:, None], 3, axis=1)
    mesh = _trimesh().Trimesh(
        np.stack([x, y.max() - y, z], axis=1),
        surface.faces[:, ::-1],
        vertex_colors=colours if path.suffix.lower() == ".ply" else None,
        process=False,
    )
    content = mesh.export(file_type=path.suffix.lower()[1:])
    atomically(path, lambda part: part.write_bytes(content), overwrite=overwrite)
    return path


def write_heights(
    path: str | os.PathLike[str], z: NDArray[np.floating], *, pixel_size: tuple[float, float], overwrite: bool = False
) -> Path:
    """Write a height map.

    Parameters
    ----------
    path : str or path
        ``.tif``: 32-bit floats in um, with the pixel size in um as ImageJ reads it. ``.x3p``: ISO 25178-72, in metres,
        with y upwards as its coordinates are right-handed.
    z : (Y, X) array
        Heights in um, NaN where they are not known.
    pixel_size : (float, float)
        Height and width of a pixel, um.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        See `check_surface_target`; or the pixel size is no length.
    """
    path = Path(path)
    if path.suffix.lower() in MESHES:
        raise OutputError(f"{path} cannot hold a height map: use .tif or .x3p")
    check_surface_target(path, overwrite=overwrite)
    check_sizes(pixel_size)
    write = _x3p if path.suffix.lower() == ".x3p" else _imagej
    atomically(path, write(np.asarray(z, dtype=np.float32), pixel_size), overwrite=overwrite)
    return path


def _imagej(z: NDArray[np.float32], pixel_size: tuple[float, float]) -> Callable[[Path], object]:
    finite = z[np.isfinite(z)]
    limits = {"min": float(finite.min()), "max": float(finite.max())} if finite.size else {}
    options: dict[str, Any] = {
        "imagej": True,
        "resolution": (1 / pixel_size[1], 1 / pixel_size[0]),
        "metadata": {"axes": "YX", "unit": "um", **limits},
    }
    return lambda part: part.write_bytes(_packed(z, options))


def _packed(z: NDArray[np.float32], options: dict[str, Any]) -> bytes:
    """The file in memory: NumPy, which tifffile writes plain values by, overlooks that the last of them had no room."""
    held = BytesIO()
    imwrite(held, z, **options)
    return held.getvalue()


def _x3p(z: NDArray[np.float32], pixel_size: tuple[float, float]) -> Callable[[Path], object]:
    x3pio = _x3pio()
    metadata = x3pio.Metadata.for_software("napari-focusfuse", version("napari-focusfuse"), date=_NO_DATE)
    metadata.probing_system = x3pio.ProbingSystem(x3pio.ProbingType.NON_CONTACTING, "depth from a focus stack")
    y, x = (_METRES * size for size in pixel_size)

    def write(part: Path) -> None:
        with part.open("wb") as file:
            x3pio.write(file, _METRES * z[::-1].astype(np.float64), x_scale=x, y_scale=y, metadata=metadata)

    return write


def _trimesh() -> Any:
    try:
        import trimesh
    except ImportError as error:
        raise OutputError('STL and PLY need the package trimesh: pip install "napari-focusfuse[surface]"') from error
    return trimesh


def _x3pio() -> Any:
    try:
        import x3pio
    except ImportError as error:
        raise OutputError('X3P needs the package x3pio: pip install "napari-focusfuse[surface]"') from error
    return x3pio
