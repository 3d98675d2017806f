"""An OME-Zarr image (versions 0.1 to 0.5) as a stack: its full resolution, chunk by chunk."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._stack import StackFile, lazy_planes, title, unreadable
from napari_focusfuse.io._units import to_um

__all__ = ["is_zarr", "read_zarr"]

#: Versions 0.1 and 0.2 have these axes and do not say so.
_OLD_AXES = "tczyx"
_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr group or array, or is named like one."""
    return path.suffix.lower() == ".zarr" or any((path / name).is_file() for name in _MARKS)


def read_zarr(path: Path) -> StackFile:
    """Open an OME-Zarr image lazily; axes and physical sizes are those of its metadata.

    Raises
    ------
    StackError
        The package zarr is not installed, or the folder is no OME-Zarr image.
    """
    try:
        import zarr
    except ImportError as error:
        raise StackError(
            f'{path} is OME-Zarr, which needs the package zarr: pip install "napari-focusfuse[zarr]"'
        ) from error
    try:
        group = zarr.open_group(path, mode="r")
        attributes = dict(group.attrs)
        image = _image(attributes, path)
        level = image["datasets"][0]
        array: Any = group[level["path"]]
        axes = [a if isinstance(a, dict) else {"name": a} for a in image.get("axes", _OLD_AXES)]
        letters = "".join(str(a["name"])[:1].upper() for a in axes)
        sizes = _sizes(axes, image, level)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    if len(letters) != array.ndim or not letters.endswith("YX"):
        raise StackError(f"{path} has axes that are not read here ({letters}): save it with y and x as the last axes")
    leading, plane = tuple(array.shape[:-2]), tuple(array.shape[-2:])
    data = lazy_planes(partial(_plane, path, array), leading, plane, array.dtype)
    pixel = (sizes["Y"], sizes["X"])
    pixel_size = None if pixel[0] is None or pixel[1] is None else (pixel[0], pixel[1])
    return StackFile(data, letters, sizes.get("Z"), pixel_size, title(path), path, (path,))


def _image(attributes: dict[str, Any], path: Path) -> dict[str, Any]:
    """Metadata of the image, refusing what holds several."""
    ome = attributes.get("ome", attributes)
    images: list[dict[str, Any]] = ome.get("multiscales", [])
    if len(images) == 1:
        return images[0]
    if "plate" in ome or "well" in ome or "bioformats2raw.layout" in ome:
        raise StackError(f"{path} is a collection of images: give one of them, such as {path / '0'}")
    raise StackError(f"{path} is not one OME-Zarr image (it describes {len(images)}): save it as OME-Zarr or OME-TIFF")


def _sizes(axes: list[dict[str, Any]], image: dict[str, Any], level: dict[str, Any]) -> dict[str, float | None]:
    """Length of a step along each axis in um, for those whose unit is known."""
    scale = np.ones(len(axes))
    for transforms in (image.get("coordinateTransformations", []), level.get("coordinateTransformations", [])):
        for transform in transforms:
            if transform["type"] == "scale":
                scale = scale * transform["scale"]
    return {str(a["name"])[:1].upper(): to_um(s, a.get("unit")) for a, s in zip(axes, scale, strict=True)}


def _plane(path: Path, array: Any, where: tuple[int, ...]) -> tuple[Path, NDArray[Any]]:
    try:
        return path, np.asarray(array[where])
    except Exception as error:
        raise unreadable(path, error) from error
