"""Plates of fused images: the groups of plate, rows and wells, and each field as an image with labels and maps.

A field is complete or not there. The groups above say while fields are being written which there shall be, and in the
end which there are.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files import missing_parents, part_of, place, refused, remove, remove_empty, write_whole
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.limits import check_target
from napari_focusfuse.io.plate import Described, Plate, Version, Well, attributes_of, is_fused, is_plate
from napari_focusfuse.io.recipe import KEY, plain
from napari_focusfuse.io.write_zarr import OLDER, ZarrImage, check_zarr, omero_of_colours, put_attributes

__all__ = ["FieldFiles", "check_plate_target", "plate_files", "put_plate", "put_stack", "whole_folder"]

#: The label image: slices counted from 1, as viewers show nothing at 0.
_LABELS = "slice"
_SHOWN = {"confidence": "confidence, 0 to 1", "flags": "flags, bits"}


class FieldFiles:
    """A fused image as OME-Zarr, filled plane by plane; as `PlaneFiles`.

    Parameters
    ----------
    folder : Path
        New.
    source : Described
        What the image that is fused says of itself; of it, everything is kept but the stack axis.
    version : str
        Of OME-Zarr.
    axis : str
        Letter of the stack axis.
    sizes : (float, float), optional
        Height and width of a pixel, um, that stand in for those of the source.
    depth_unit : str
    channel : str, optional
        Name of the only one that is fused.
    **_shown
        What other files of results show besides.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: Described,
        version: Version,
        axis: str,
        sizes: tuple[float, float] | None = None,
        depth_unit: str = "slices",
        channel: str | None = None,
        **_shown: Any,
    ) -> None:
        self.folder, self._source, self._unit, self._channel = folder, source, depth_unit, channel
        axes = "".join(letter for letter in source.axes if letter != axis and letter not in "YX") + "YX"
        units, scale, origin = dict(source.units), dict(source.scale), dict(source.origin)
        if sizes is not None:
            units |= {"Y": "micrometer", "X": "micrometer"}
            scale |= dict(zip("YX", map(float, sizes), strict=True))
            origin = {a: place for a, place in origin.items() if a not in "YX"}
        self._described = Described(version, axes, units, scale, origin)

    def empty(self, name: str, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> "_Planes":
        """An image of the field to be filled: ``fused`` is the field itself, which has to come first."""
        sizes = dict(zip(axes, shape, strict=True))
        colours = sizes.pop("S", 0)
        if colours:
            sizes["C"] = colours
        axes = self._described.axes if "C" not in sizes or "C" in self._described.axes else f"C{self._described.axes}"
        described = self._described._replace(axes=axes)
        # An axis of length 1 is left out when a stack is read.
        held = tuple(sizes.get(letter, 1) for letter in axes)
        folder, more = self._place(name, held[axes.index("C")] if "C" in axes else 1, bool(colours))
        shown = {**_SHOWN, "depth": f"depth, {self._unit}", "index": _LABELS}
        title = self._source.name or "fused" if name == "fused" else shown[name]
        averaged = name not in ("index", "flags")
        image = ZarrImage(folder, held, dtype, described, name=title, averaged=averaged, more=more)
        outer = "".join(a for a in sizes if a not in "YX" and not (colours and a == "C"))
        return _Planes(image, axes[:-2], outer, add=int(name == "index"))

    def _place(self, name: str, channels: int, colours: bool) -> tuple[Path, dict[str, Any]]:
        """Folder of an image, and what it says besides."""
        version = self._described.version
        if name == "fused":
            told = self._channels(channels)
            omero = omero_of_colours(channels) if colours else {"channels": told, "rdefs": {"model": "color"}}
            return self.folder, {"omero": omero} if told or colours else {}
        room = self.folder / ("labels" if name == "index" else "maps")
        group = check_zarr().open_group(room, mode="a", zarr_format=2 if version == OLDER else 3)
        if name != "index":
            return room / name, {}
        put_attributes(group, {"labels": [_LABELS]}, version)
        told_version = {"version": version} if version == OLDER else {}
        return room / _LABELS, {"image-label": {**told_version, "source": {"image": "../../"}}}

    def _channels(self, count: int) -> list[dict[str, Any]]:
        """Of the source, those that are fused; none if that is not clear."""
        found = list(self._source.channels)
        if self._channel is not None:
            found = [known for known in found if known.get("label") == self._channel]
        return found if len(found) == count else []

    def finish(self) -> None:
        """Everything is written already."""

    release = finish

    def write_recipe(self, recipe: dict[str, Any]) -> None:
        """Write how the result was made into the attributes of the field."""
        told = {**recipe, "zarr": True, "depth_unit": self._unit}
        check_zarr().open_group(self.folder, mode="r+").attrs.update({KEY: plain(told)})


class _Planes:
    """An image whose planes are set by an index on some of its axes; nothing is read back."""

    def __init__(self, image: ZarrImage, axes: str, outer: str, *, add: int) -> None:
        self._image, self._axes, self._outer, self._add = image, axes, outer, add
        self.shape, self.dtype = image.shape, image.dtype

    def __setitem__(self, at: tuple[int, ...], plane: NDArray[Any]) -> None:
        where = dict(zip(self._outer, at, strict=True))
        planes = plane[..., None] if plane.ndim == 2 else plane
        for k in range(planes.shape[-1]):
            index = where if plane.ndim == 2 else {**where, "C": k}
            values = planes[..., k] + self.dtype.type(self._add) if self._add else planes[..., k]
            self._image[tuple(index.get(letter, 0) for letter in self._axes)] = values

    def __getitem__(self, at: tuple[int, ...]) -> None:
        return None


def check_plate_target(out: Path, source: Path, version: Version, *, replace: bool) -> None:
    """Refuse a plate that cannot be written, before any work is done.

    Parameters
    ----------
    out, source : Path
    version : str
    replace : bool
        A plate of fused images may be there already, to be completed.

    Raises
    ------
    OutputError
    """
    place, origin = out.resolve(), source.resolve()
    if place == origin or origin in place.parents:
        raise OutputError(f"{out} would be written into the plate that is fused: choose another name")
    check_target(out, overwrite=replace)
    if not os.path.lexists(out):
        return
    if out.is_dir() and all(entry.name.endswith(".part") for entry in out.iterdir()):
        return  # a run that was killed before it had written anything
    if not (is_plate(out) and is_fused(out)):
        raise OutputError(f"{out} is not replaced, it is not a plate of fused images: choose another name")
    if (there := attributes_of(out)[1]) != version:
        raise OutputError(f"{out} is OME-Zarr {there} and cannot be completed as {version}: choose another name")


@contextmanager
def plate_files(out: Path, plate: Plate, version: Version) -> Iterator[None]:
    """Write the groups of a plate, in which fields can be written, and in the end which of them there are.

    Raises
    ------
    OutputError
        The disk refuses.
    """
    plate = plate._replace(version=version)
    put_plate(out, plate, [well for well in plate.wells if well.fields])
    try:
        yield
    finally:
        there = [_there(out, well) for well in plate.wells]
        for well in there:
            if not well.fields:
                _remove_group(out.joinpath(well.row, well.column))
        made = [well for well in there if well.fields]
        for row in {well.row for well in there} - {well.row for well in made}:
            _remove_group(out / row)
        if made:
            put_plate(out, plate, made)
        else:
            _remove_group(out)


def _there(out: Path, well: Well) -> Well:
    return well._replace(fields=tuple(field for field in well.fields if (out / well.path / field.name).is_dir()))


def put_plate(out: Path, plate: Plate, wells: Sequence[Well], *, fused: bool = True) -> None:
    """Write the groups of a plate and of some of its wells; `fused` notes that it may be replaced by another result."""
    told = {"version": plate.version} if plate.version == OLDER else {}
    places = [
        {"path": well.path, "rowIndex": plate.rows.index(well.row), "columnIndex": plate.columns.index(well.column)}
        for well in wells
    ]
    described: dict[str, Any] = {
        **told,
        **({} if plate.name is None else {"name": plate.name}),
        "rows": [{"name": name} for name in plate.rows],
        "columns": [{"name": name} for name in plate.columns],
        "wells": places,
        "field_count": max((len(well.fields) for well in wells), default=1),
        **({"acquisitions": list(plate.acquisitions)} if plate.acquisitions else {}),
    }
    _put_group(out, {"plate": described}, plate.version, {KEY: {"plate": "fused images"}} if fused else {})
    for row in {well.row for well in wells}:
        _put_group(out / row, {}, plate.version)
    for well in wells:
        images: list[dict[str, Any]] = [
            {"path": field.name, **({} if field.acquisition is None else {"acquisition": field.acquisition})}
            for field in well.fields
        ]
        _put_group(out / well.path, {"well": {**told, "images": images}}, plate.version)


def _put_group(folder: Path, ome: dict[str, Any], version: Version, more: dict[str, Any] | None = None) -> None:
    """Write the description of a group in one step; the package zarr would empty its file first."""
    if version == OLDER:
        _put_json(folder / ".zattrs", {**ome, **(more or {})})
        _put_json(folder / ".zgroup", {"zarr_format": 2})
        return
    attributes = {**({"ome": {"version": version, **ome}} if ome else {}), **(more or {})}
    _put_json(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def _put_json(path: Path, value: dict[str, Any]) -> None:
    content = (json.dumps(value, indent=2) + "\n").encode()
    with suppress(OSError):
        if path.read_bytes() == content:
            return
    write_whole(path, lambda part: part.write_bytes(content), overwrite=True)


def _remove_group(folder: Path) -> None:
    """Take a group without members away."""
    if any(entry.is_dir() for entry in folder.iterdir()) if folder.is_dir() else True:
        return
    for name in (".zgroup", ".zattrs", "zarr.json"):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def put_stack(folder: Path, stack: NDArray[Any], described: Described, name: str) -> None:
    """Write focus stacks (..., Z, Y, X) as an image of a plate."""
    more = {"omero": {"channels": list(described.channels), "rdefs": {"model": "color"}}} if described.channels else {}
    image = ZarrImage(folder, stack.shape, stack.dtype, described, name=name, more=more)
    for at in np.ndindex(stack.shape[:-2]):
        image[at] = stack[at]


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A hidden folder that gets the name `out` when the block ends well; otherwise nothing of it is left.

    Raises
    ------
    OutputError
        Something is there, or the disk refuses.
    """
    check_target(out)
    part, new = part_of(out), missing_parents(out)
    try:
        part.mkdir(parents=True)
        yield part
        place(part, out, overwrite=False)
    except BaseException as error:
        remove(part)
        remove_empty(new)
        if isinstance(error, OSError):
            raise refused(out, error) from error
        raise
