"""Images to OME-Zarr (version 0.4): pyramids in chunks."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.errors import OutputError

__all__ = ["check_zarr", "write_zarr"]

_CHUNK = 1024
#: The pyramid ends where the image fits in so many pixels a side.
_SMALLEST = 512
_COLOURS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))


def check_zarr() -> Any:
    """The package zarr.

    Raises
    ------
    OutputError
        It is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise OutputError('OME-Zarr needs the package zarr: pip install "napari-focusfuse[zarr]"') from error
    return zarr


def write_zarr(
    path: Path,
    image: NDArray[Any],
    *,
    channel: str | None = None,
    pixel_size: tuple[float, float] | None = None,
    averaged: bool = True,
) -> None:
    """Write an image to a new folder; nothing takes care of a folder that is not finished.

    Parameters
    ----------
    path : Path
    image : (Y, X) or (Y, X, 3|4) array
        Colours become a channel axis.
    channel : str, optional
        What the image shows.
    pixel_size : (float, float), optional
        Height and width of a pixel, um.
    averaged : bool
        Whether coarser levels are means; otherwise every second pixel, for values that name something.
    """
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    data, axes = (image, "yx") if image.ndim == 2 else (planes, "cyx")
    group = check_zarr().open_group(path, mode="w", zarr_format=2)
    datasets: list[dict[str, Any]] = []
    level, factor = data, 1
    while True:
        name = str(len(datasets))
        group.create_array(
            name,
            data=np.ascontiguousarray(level),
            chunks=(1,) * (level.ndim - 2) + tuple(min(_CHUNK, n) for n in level.shape[-2:]),
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        datasets.append({"path": name, "coordinateTransformations": _transforms(axes, pixel_size, factor, averaged)})
        if max(level.shape[-2:]) <= _SMALLEST:
            break
        level, factor = _halved(level, averaged=averaged), 2 * factor
    described = {"version": "0.4", "name": channel or path.name, "axes": _axes(axes, pixel_size), "datasets": datasets}
    attributes: dict[str, Any] = {"multiscales": [described]}
    if axes == "cyx":
        channels = [{"label": name, "color": colour, "active": True} for name, colour in _COLOURS[: len(planes)]]
        attributes["omero"] = {"channels": channels, "rdefs": {"model": "color"}}
    group.attrs.update(attributes)


def _halved(level: NDArray[Any], *, averaged: bool) -> NDArray[Any]:
    """Half the size, rounded up."""
    if not averaged:
        return level[..., ::2, ::2]
    rows, columns = level.shape[-2:]
    edges = [(0, 0)] * (level.ndim - 2) + [(0, rows % 2), (0, columns % 2)]
    even = np.pad(level, edges, mode="edge").astype(np.float64)
    mean = sum(even[..., i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    return np.asarray(mean if level.dtype.kind == "f" else np.rint(mean)).astype(level.dtype)


def _axes(axes: str, pixel_size: tuple[float, float] | None) -> list[dict[str, str]]:
    unit = {} if pixel_size is None else {"unit": "micrometer"}
    return [{"name": a, "type": "channel"} if a == "c" else {"name": a, "type": "space", **unit} for a in axes]


def _transforms(axes: str, pixel_size: tuple[float, float] | None, factor: int, averaged: bool) -> list[dict[str, Any]]:
    """Size of a pixel, and where the first one lies: the mean of two pixels lies between them."""
    size = dict(zip("yx", pixel_size or (1.0, 1.0), strict=True))
    shift = (factor - 1) / 2 if averaged else 0.0
    scale = [1.0 if a == "c" else factor * float(size[a]) for a in axes]
    transforms: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if shift:
        translation = [0.0 if a == "c" else shift * float(size[a]) for a in axes]
        transforms.append({"type": "translation", "translation": translation})
    return transforms
