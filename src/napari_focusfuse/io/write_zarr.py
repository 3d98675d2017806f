"""Images to OME-Zarr (versions 0.4 and 0.5): pyramids in chunks, those of 0.5 in shards."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.plate import Described, Version, plate_version

__all__ = ["OLDER", "ZarrImage", "check_zarr", "put_attributes", "write_zarr"]

#: What is written where the source does not say otherwise: Fiji's readers of OME-Zarr do not all know 0.5 yet.
OLDER: Version = "0.4"
#: Pixels of the side of a chunk, and chunks of the side of a shard.
_CHUNK, _SHARD = 1024, 8
#: The pyramid ends where the image fits in so many pixels a side.
_SMALLEST = 512
_COLOURS = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))
_TYPES = {"T": "time", "C": "channel"}


def check_zarr(wanted: bool | str = True) -> Any:
    """The package zarr; `wanted` may be the version of OME-Zarr.

    Raises
    ------
    OutputError
        It is not installed, or the version is not written.
    """
    if isinstance(wanted, str):
        plate_version(wanted)
    try:
        import zarr
    except ImportError as error:
        raise OutputError('OME-Zarr needs the package zarr: pip install "napari-focusfuse[zarr]"') from error
    return zarr


class ZarrImage:
    """An image of a new group, filled plane by plane; with each plane its coarser levels are written.

    A plane fills whole shards, so that none is read back and written again.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        The last two axes are Y and X.
    dtype : dtype
    described : Described
        Its `axes` are those of `shape`.
    name : str
        What the image shows.
    averaged : bool
        Whether coarser levels are means; otherwise every second pixel, for values that name something.
    more : dict, optional
        Further entries beside ``multiscales``.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: Any,
        described: Described,
        *,
        name: str,
        averaged: bool = True,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.shape, self.dtype, self._averaged = shape, np.dtype(dtype), averaged
        version = described.version
        group = check_zarr().open_group(path, mode="w", zarr_format=2 if version == OLDER else 3)
        self._levels: list[Any] = []
        datasets: list[dict[str, Any]] = []
        while True:
            number = str(len(datasets))
            self._levels.append(group.create_array(number, shape=shape, dtype=self.dtype, **_layout(shape, described)))
            transforms = _transforms(described, 2 ** len(datasets), averaged=averaged)
            datasets.append({"path": number, "coordinateTransformations": transforms})
            if max(shape[-2:]) <= _SMALLEST:
                break
            shape = (*shape[:-2], *(-(-n // 2) for n in shape[-2:]))
        told = {} if version != OLDER else {"version": version}
        image = {**told, "name": name, "axes": _axes(described), "datasets": datasets}
        put_attributes(group, {"multiscales": [image], **(more or {})}, version)

    def __setitem__(self, at: tuple[int, ...], plane: NDArray[Any]) -> None:
        """Write the (Y, X) plane at an index on each axis before."""
        for level in self._levels:
            level[at] = np.ascontiguousarray(plane)
            plane = _halved(plane, averaged=self._averaged)


def put_attributes(group: Any, ome: dict[str, Any], version: Version, **more: Any) -> None:
    """Give a group its description, and other attributes beside it."""
    group.attrs.update({**({"ome": {"version": version, **ome}} if version != OLDER else ome), **more})


def write_zarr(
    path: Path,
    image: NDArray[Any],
    *,
    channel: str | None = None,
    pixel_size: tuple[float, float] | None = None,
    averaged: bool = True,
    version: Version = OLDER,
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
    version : str
        Of OME-Zarr.
    """
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    axes, shape = ("YX", image.shape) if image.ndim == 2 else ("CYX", planes.shape)
    size = {} if pixel_size is None else dict(zip("YX", map(float, pixel_size), strict=True))
    described = Described(version, axes, dict.fromkeys(size, "micrometer"), size, {})
    more = {"omero": omero_of_colours(len(planes))} if axes == "CYX" else {}
    name = channel or path.name
    levels = ZarrImage(path, shape, image.dtype, described, name=name, averaged=averaged, more=more)
    for k, plane in enumerate(planes):
        levels[(k,)[: len(shape) - 2]] = plane


def omero_of_colours(count: int) -> dict[str, Any]:
    """Red, green, blue and alpha as channels."""
    channels = [{"label": name, "color": colour, "active": True} for name, colour in _COLOURS[:count]]
    return {"channels": channels, "rdefs": {"model": "color"}}


def _layout(shape: tuple[int, ...], described: Described) -> dict[str, Any]:
    """Chunks, and shards where there are several chunks in a plane."""
    sides = [min(_CHUNK, n) for n in shape[-2:]]
    ones = (1,) * (len(shape) - 2)
    layout: dict[str, Any] = {"chunks": (*ones, *sides)}
    if described.version == OLDER:
        return {**layout, "chunk_key_encoding": {"name": "v2", "separator": "/"}}
    counts = [min(_SHARD, -(-n // side)) for n, side in zip(shape[-2:], sides, strict=True)]
    if max(counts) > 1:
        layout["shards"] = (*ones, *(side * count for side, count in zip(sides, counts, strict=True)))
    return {**layout, "dimension_names": list(described.axes.lower())}


def _halved(level: NDArray[Any], *, averaged: bool) -> NDArray[Any]:
    """Half the size, rounded up."""
    if not averaged:
        return level[..., ::2, ::2]
    rows, columns = level.shape[-2:]
    edges = [(0, 0)] * (level.ndim - 2) + [(0, rows % 2), (0, columns % 2)]
    even = np.pad(level, edges, mode="edge").astype(np.float64)
    mean = sum(even[..., i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    return np.asarray(mean if level.dtype.kind == "f" else np.rint(mean)).astype(level.dtype)


def _axes(described: Described) -> list[dict[str, str]]:
    axes = []
    for letter in described.axes:
        unit = {"unit": described.units[letter]} if letter in described.units and letter != "C" else {}
        axes.append({"name": letter.lower(), "type": _TYPES.get(letter, "space"), **unit})
    return axes


def _transforms(described: Described, factor: int, *, averaged: bool) -> list[dict[str, Any]]:
    """Size of a pixel, and where the first one lies: the mean of two pixels lies between them."""
    size = {a: described.scale.get(a, 1.0) for a in described.axes}
    scale = [size[a] * (factor if a in "YX" else 1) for a in described.axes]
    transforms: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    shift = (factor - 1) / 2 if averaged else 0.0
    places = [described.origin.get(a, 0.0) + (shift * size[a] if a in "YX" else 0.0) for a in described.axes]
    if any(places):
        transforms.append({"type": "translation", "translation": places})
    return transforms
