"""Names of the channels of a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tifffile import TiffFile, xml2dict

from napari_focusfuse.io._image import TIFF
from napari_focusfuse.io._zarr import is_zarr

__all__ = ["channel_names"]


def channel_names(path: Path, channels: int) -> tuple[str, ...]:
    """What OME-XML or OME-Zarr call the channels; empty unless all have a name of their own.

    Parameters
    ----------
    path : Path
        A file or folder that was opened before.
    channels : int
        How many there are.
    """
    try:
        if path.is_dir():
            names = _of_zarr(path) if is_zarr(path) else []
        else:
            names = _of_tiff(path) if path.suffix.lower() in TIFF else []
    except Exception:  # noqa: BLE001 - names are a convenience; whatever is wrong with them, numbers do as well
        return ()
    named = [str(name).strip() for name in names if name]
    return tuple(named) if len(named) == len(set(named)) == channels else ()


def _of_tiff(path: Path) -> list[Any]:
    with TiffFile(path) as tif:
        described = xml2dict(tif.ome_metadata or "")
    image = _first(described.get("OME", {}).get("Image", {}))
    channels = image.get("Pixels", {}).get("Channel", [])
    each = [channels] if isinstance(channels, Mapping) else channels
    return [channel.get("Name") for channel in each]


def _of_zarr(path: Path) -> list[Any]:
    import zarr

    attributes = dict(zarr.open_group(path, mode="r").attrs)
    ome: Any = attributes.get("ome", attributes)
    return [channel.get("label") for channel in ome.get("omero", {}).get("channels", [])]


def _first(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, Sequence) and not isinstance(value, str) else value
    return found if isinstance(found, Mapping) else {}
