"""Plates of OME-Zarr (HCS, versions 0.4 and 0.5): which wells and fields there are, and what else a field says.

Descriptions alone are read, as JSON, so that the package zarr is not needed to know what a folder is. They are not
trusted: names that lead out of the plate, or more of them than any plate has, are refused.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from napari_focusfuse.core.files.checked import read_json
from napari_focusfuse.errors import OutputError, StackError
from napari_focusfuse.io.facts import number_of
from napari_focusfuse.io.limits import check_count, readable
from napari_focusfuse.io.ome_zarr import letters_of, placed
from napari_focusfuse.io.recipe import KEY

__all__ = [
    "Described",
    "FieldImage",
    "Plate",
    "Version",
    "Well",
    "attributes_of",
    "described",
    "is_fused",
    "is_plate",
    "plate_version",
    "read_plate",
]

Version = Literal["0.4", "0.5"]
#: Names of rows, columns and fields, as the specification has them.
_NAME = re.compile("[A-Za-z0-9]{1,64}")
#: More than a plate of 6144 wells with many fields.
_MOST_WELLS, _MOST_FIELDS = 10_000, 10_000
_NUMBERS, _TEXTS = ("maximumfieldcount", "starttime", "endtime"), ("name", "description")
_COLOUR = re.compile("[0-9A-Fa-f]{6}")
_WINDOW = ("min", "max", "start", "end")


class FieldImage(NamedTuple):
    """A field of a well: its name in it, and the number of its acquisition, if it has one."""

    name: str
    acquisition: int | None = None


class Well(NamedTuple):
    """A well: its row and column, and its fields; none if they could not be found out."""

    row: str
    column: str
    fields: tuple[FieldImage, ...]

    @property
    def path(self) -> str:
        """Where it is in the plate."""
        return f"{self.row}/{self.column}"


class Plate(NamedTuple):
    """What a plate says of itself.

    Attributes
    ----------
    path : Path
    version : str
        Of OME-Zarr: "0.5", or "0.4" for all before.
    name : str or None
    rows, columns : tuple of str
    wells : tuple of Well
    acquisitions : tuple of dict
    """

    path: Path
    version: Version
    name: str | None
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    wells: tuple[Well, ...]
    acquisitions: tuple[dict[str, Any], ...]


class Described(NamedTuple):
    """What an image says beside its pixels, by the letters of its axes.

    Attributes
    ----------
    version : str
        Of OME-Zarr: "0.5", or "0.4" for all before.
    axes : str
        Letters.
    units : dict of str to str
    scale, origin : dict of str to float
        Length of a step, and place of the first pixel, in these units.
    channels : tuple of dict
        Of ``omero``: label, colour, window and whether it is shown.
    name : str or None
    """

    version: Version
    axes: str
    units: dict[str, str]
    scale: dict[str, float]
    origin: dict[str, float]
    channels: tuple[dict[str, Any], ...] = ()
    name: str | None = None


def plate_version(text: str) -> Version:
    """A version of OME-Zarr that is written.

    Raises
    ------
    OutputError
        It is not.
    """
    if text not in get_args(Version):
        raise OutputError(f"OME-Zarr {text} is not written: choose {' or '.join(get_args(Version))}")
    return text  # type: ignore[return-value]


def attributes_of(folder: Path) -> tuple[dict[str, Any], Version]:
    """All attributes of a group, and the version of OME-Zarr; none if it has none that can be read.

    Raises
    ------
    OSError
        There is no group.
    ValueError
        Its description is damaged.
    """
    new = folder / "zarr.json"
    if new.is_file():
        found = read_json(new)
        attributes = found.get("attributes", {}) if isinstance(found, dict) else {}
    else:
        attributes = read_json(folder / ".zattrs")
    version: Version = "0.5" if new.is_file() else "0.4"
    return (attributes if isinstance(attributes, dict) else {}), version


def _ome(folder: Path) -> tuple[dict[str, Any], Version]:
    attributes, version = attributes_of(folder)
    ome = attributes.get("ome", {}) if version == "0.5" else attributes
    return (ome if isinstance(ome, dict) else {}), version


def is_plate(path: Path) -> bool:
    """Whether a folder says that it is a plate; never raises."""
    try:
        return path.is_dir() and "plate" in _ome(path)[0]
    except (OSError, ValueError):
        return False


def is_fused(folder: Path) -> bool:
    """Whether a folder is an OME-Zarr that was written here as a result, by what it says."""
    try:
        return KEY in attributes_of(folder)[0]
    except (OSError, ValueError):
        return False


def read_plate(path: Path) -> Plate:
    """Find out which wells and fields a plate has; one whose description cannot be read has no fields.

    Raises
    ------
    StackError
        It is no plate, or its description is damaged.
    """
    with readable(path):
        ome, version = _ome(path)
        plate = ome["plate"]
        rows, columns = (_names(plate[name], name) for name in ("rows", "columns"))
        check_count(path, len(plate["wells"]), _MOST_WELLS)
        places = dict.fromkeys(_well(entry["path"], rows, columns) for entry in plate["wells"])
        if not places:
            raise StackError(f"{path} is a plate without wells: there is nothing to fuse")
        wells = tuple(Well(*place, _fields(path.joinpath(*place))) for place in places)
        entries = plate.get("acquisitions") or []
        acquisitions = tuple(_acquisition(entry) for entry in entries if _natural(entry.get("id")) is not None)
        return Plate(path, version, _text(plate.get("name")), rows, columns, wells, acquisitions)


def _names(entries: Sequence[Mapping[str, Any]], what: str) -> tuple[str, ...]:
    names = tuple(str(entry["name"]) for entry in entries)
    if bad := next((name for name in names if not _NAME.fullmatch(name)), None):
        raise ValueError(f"{bad!r} is none of its {what}")
    return tuple(dict.fromkeys(names))


def _well(path: object, rows: Sequence[str], columns: Sequence[str]) -> tuple[str, str]:
    row, _, column = str(path).partition("/")
    if row not in rows or column not in columns:
        raise ValueError(f"{path!r} is no well of its rows and columns")
    return row, column


def _fields(well: Path) -> tuple[FieldImage, ...]:
    """What a well names; nothing where it is damaged, so that the other wells can be fused."""
    try:
        images = _ome(well)[0]["well"]["images"]
        found = [FieldImage(str(image["path"]), _natural(image.get("acquisition"))) for image in images]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ()
    if len(found) > _MOST_FIELDS or not all(_NAME.fullmatch(field.name) for field in found):
        return ()
    return tuple({field.name: field for field in found}.values())


def _acquisition(entry: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {"id": int(entry["id"])}
    known |= {name: _text(entry.get(name)) for name in _TEXTS}
    known |= {name: _natural(entry.get(name)) for name in _NUMBERS}
    return {name: value for name, value in known.items() if value is not None}


def _natural(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def described(path: Path) -> Described:
    """What an image says beside its pixels; of what is damaged or contradicts itself, nothing is taken over.

    Raises
    ------
    StackError
        It is not one image.
    """
    with readable(path):
        ome, version = _ome(path)
        image = ome["multiscales"][0]
        axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in image.get("axes", "tczyx")]
        letters = letters_of(axes)
        units = {a: str(axis["unit"]) for a, axis in zip(letters, axes, strict=True) if _text(axis.get("unit"))}
        scale, origin = placed(image, len(letters), [])
        channels = ome.get("omero", {}).get("channels", []) if isinstance(ome.get("omero", {}), dict) else []
        return Described(
            version,
            letters,
            units,
            {a: step for a, step in zip(letters, scale, strict=False) if step > 0},
            dict(zip(letters, origin, strict=False)),
            tuple(_channel(channel) for channel in channels),
            _text(image.get("name")),
        )


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    """What of a channel is understood: other entries may be anything."""
    label, colour, window = channel.get("label"), str(channel.get("color", "")), channel.get("window")
    numbers = {key: number_of(window.get(key)) for key in _WINDOW} if isinstance(window, dict) else {}
    known = {
        "label": _text(label),
        "color": colour if _COLOUR.fullmatch(colour) else None,
        "window": numbers if numbers and None not in numbers.values() else None,
        "active": channel["active"] if isinstance(channel.get("active"), bool) else None,
    }
    return {name: value for name, value in known.items() if value is not None}
