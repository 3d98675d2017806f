"""OME-Zarr: an image (versions 0.1 to 0.5) as a stack, chunk by chunk."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files.checked import read_json
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Channel, length, number_of, unit_um
from napari_focusfuse.io.limits import check_count, check_room, readable
from napari_focusfuse.io.stack_file import StackFile, lazy_planes, title

__all__ = ["Space", "is_zarr", "letters_of", "placed", "read_zarr", "space_of"]

#: Versions 0.1 and 0.2 have these axes and do not say so.
_OLD_AXES = "tczyx"
_COLOUR = re.compile("[0-9A-Fa-f]{6}")
_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")
_TYPES = {"time": "T", "channel": "C"}
#: Other names of the stack axis, where its type does not tell.
_DEPTHS = ("depth", "focus", "focal", "axial", "slice", "plane")
_SIZES = {"Z": "z-step", "Y": "pixel height", "X": "pixel width"}
_Vector = list[float]


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
        import zarr  # noqa: F401 - tried alone, so that only its absence is told of
    except ImportError as error:
        raise StackError(
            f'{path} is OME-Zarr, which needs the package zarr: pip install "napari-focusfuse[zarr]"'
        ) from error
    from napari_focusfuse.io import zarr_store

    if is_array(path):
        raise StackError(_no_image(path))
    with readable(path):
        group: Any = zarr_store.open_group(path)
        ome: dict[str, Any] = dict(group.attrs).get("ome", dict(group.attrs))
        if _holds_one(ome, group):
            return replace(read_zarr(path / "0"), name=title(path), path=path, inputs=(path,))
        image = _image(ome, group, path)
        axes = [a if isinstance(a, dict) else {"name": a} for a in image.get("axes", _OLD_AXES)]
        letters = letters_of(axes)
        space = space_of(image, letters, [axis.get("unit") for axis in axes])
        levels = [zarr_store.array_of(group, str(level["path"]), path) for level in image["datasets"]]
    if len(letters) != levels[0].ndim or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise StackError(f"{path} has unsupported axes ({letters}): name them t, c, z, y, x, each once")
    data, *coarser = [_lazy(path, level, letters) for level in levels if level.ndim == len(letters)]
    order = "".join(a for a in letters if a not in "YX") + "YX"
    y, x = space.um.get("Y"), space.um.get("X")
    return StackFile(
        data,
        order,
        space.um.get("Z"),
        None if y is None or x is None else (y, x),
        title(path),
        path,
        (path,),
        channels=tuple(_channels(ome)),
        notes=space.notes,
        coarser=tuple(coarser),
        origin=space.origin,
        ratio=space.ratio,
    )


def _lazy(path: Path, array: Any, letters: str) -> Any:
    """Planes (Y, X) of an array whose axes may be in any order."""
    plane = (letters.index("Y"), letters.index("X"))
    leading = [i for i in range(len(letters)) if i not in plane]

    def load(number: int) -> tuple[Path, NDArray[Any]]:
        index = dict(zip(leading, np.unravel_index(number, [shape[i] for i in leading]), strict=True))
        with readable(path):
            image = np.asarray(array[tuple(index.get(i, slice(None)) for i in range(len(letters)))])
        return path, image if plane[0] < plane[1] else image.T

    shape = array.shape
    check_room(path, (shape[i] for i in plane), array.dtype)
    check_count(path, math.prod(shape[i] for i in leading))
    return lazy_planes(load, tuple(shape[i] for i in leading), tuple(shape[i] for i in plane), array.dtype)


def _holds_one(ome: dict[str, Any], group: Any) -> bool:
    """Whether it is a collection, as a converter writes it, of one image."""
    return "bioformats2raw.layout" in ome and "0" in group and "1" not in group


def is_array(path: Path) -> bool:
    """Whether a folder is an array by itself, without the description of an image."""
    try:
        described = read_json(path / "zarr.json") if (path / "zarr.json").is_file() else {}
    except (OSError, ValueError):
        return False
    return (path / ".zarray").is_file() or (isinstance(described, dict) and described.get("node_type") == "array")


def _no_image(path: Path) -> str:
    """Why an array is not read, and what to do."""
    if is_zarr(path.absolute().parent):
        return f"{path} is one resolution of an OME-Zarr image: give the folder above"
    return f"{path} is a Zarr array that does not name its axes: save it as OME-Zarr or OME-TIFF"


def _first(ome: dict[str, Any], group: Any) -> str:
    """Where in a collection an image is."""
    try:
        if "plate" in ome:
            well = str(ome["plate"]["wells"][0]["path"])
            attributes = dict(group[well].attrs)
            return f"{well}/{_first(attributes.get('ome', attributes), group[well])}"
        if "well" in ome:
            return str(ome["well"]["images"][0]["path"])
    except (KeyError, IndexError, TypeError):
        return "A/1/0" if "plate" in ome else "0"
    return "0"


def _image(ome: dict[str, Any], group: Any, path: Path) -> dict[str, Any]:
    """Metadata of the image, refusing what holds several."""
    images: list[dict[str, Any]] = ome.get("multiscales", [])
    if len(images) == 1:
        return images[0]
    if "plate" in ome:
        raise StackError(
            f"{path} is a plate: fuse all of it into another plate, whose name ends in .zarr, or give one of its "
            f"fields, such as {path / _first(ome, group)}"
        )
    if "well" in ome or "bioformats2raw.layout" in ome:
        raise StackError(f"{path} is a collection of images: give one of them, such as {path / _first(ome, group)}")
    raise StackError(f"{path} is not one OME-Zarr image (it describes {len(images)}): save it as OME-Zarr or OME-TIFF")


def _channels(ome: dict[str, Any]) -> Iterator[Channel]:
    for channel in ome.get("omero", {}).get("channels", []):
        name, colour = channel.get("label"), str(channel.get("color", ""))
        yield Channel(str(name) if name else None, f"#{colour.lower()}" if _COLOUR.fullmatch(colour) else None)


class Space(NamedTuple):
    """Where pixels lie.

    Attributes
    ----------
    um : dict
        Length of a step along Z, Y and X, as far as it is known.
    origin : dict
        Where the first pixel lies along them, um.
    ratio : dict
        Steps along them by that along Y, where only that is known.
    notes : tuple of str
    """

    um: dict[str, float]
    origin: dict[str, float]
    ratio: dict[str, float]
    notes: tuple[str, ...]


def letters_of(axes: Sequence[Mapping[str, Any]]) -> str:
    """A letter for each axis: by its type, by its name, and of those in space that are called otherwise by their order.

    Of three axes in space the last two are Y and X, as OME-Zarr has it, unless their names say which they are.
    """
    names = [str(axis["name"]).lower() for axis in axes]
    letters = [_TYPES.get(str(axis.get("type"))) or _named(name) for axis, name in zip(axes, names, strict=True)]
    space = [k for k, axis in enumerate(axes) if axis.get("type") == "space"]
    said = "".join(letters[k] for k in space)
    if len(set(names)) == len(names) and not {"Y", "X"} <= set(said):
        for k, letter in zip(reversed(space), "XYZ", strict=False):
            letters[k] = letter
    elif len(space) == 3 and "Z" not in said:
        letters = [said_so if k not in space or said_so in "YX" else "Z" for k, said_so in enumerate(letters)]
    return "".join(letters)


def _named(name: str) -> str:
    return "Z" if name in _DEPTHS else name[:1].upper()


def space_of(image: Mapping[str, Any], letters: str, units: Sequence[Any]) -> Space:
    """Where the pixels of the finest level lie.

    Parameters
    ----------
    image : mapping
        An entry of ``multiscales``.
    letters : str
        Of the axes.
    units : sequence
        Of the axes; None where there is none.
    """
    notes: list[str] = []
    scale, shift = placed(image, len(letters), notes)
    told = {a: (scale[k], shift[k], units[k]) for k, a in enumerate(letters) if a in _SIZES} if scale else {}
    known = {a: length(told[a][0], told[a][2], what, notes) for a, what in _SIZES.items() if a in told and told[a][2]}
    um = {a: size for a, size in known.items() if size is not None}
    origin = {a: told[a][1] * (unit_um(told[a][2]) or 0.0) for a in um if told[a][1]}
    bare = {a: abs(step) for a, (step, _, unit) in told.items() if not unit}
    ratio: dict[str, float] = {}
    if len(bare) == len(told) and bare.get("Y") and set(bare.values()) != {1.0}:
        ratio = {a: step / bare["Y"] for a, step in bare.items() if step}
        notes.append("states a scale without a unit: sizes are unknown, only their ratio is used for display")
    return Space(um, origin, ratio, tuple(notes))


def placed(image: Mapping[str, Any], count: int, notes: list[str]) -> tuple[_Vector, _Vector]:
    """Length of a step, and place of the first pixel, along each axis; nothing where it is not stated or cannot be."""
    scale, shift, stated = [1.0] * count, [0.0] * count, False
    levels = image["datasets"][0].get("coordinateTransformations") or []
    for transform in [*levels, *(image.get("coordinateTransformations") or [])]:
        kind = transform.get("type")
        if kind not in ("scale", "translation"):
            continue
        values = transform.get(kind)
        numbers = [number_of(value) for value in values] if isinstance(values, (list, tuple)) else []
        vector = [number for number in numbers if number is not None]
        if len(vector) != count:
            wrong = "in an array of its own" if values is None else f"of {len(numbers)} numbers for {count} axes"
            notes.append(f"states a {kind} {wrong}: its sizes are treated as unknown")
            return [], []
        if kind == "scale":
            scale = [a * b for a, b in zip(scale, vector, strict=True)]
            shift = [a * b for a, b in zip(shift, vector, strict=True)]
            stated = True
        else:
            shift = [a + b for a, b in zip(shift, vector, strict=True)]
    return (scale, shift) if stated else ([], [])
