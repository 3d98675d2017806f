"""Axes of an OME-Zarr image, and where its pixels lie: scales and translations, of a level and of all of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from napari_focusfuse.io._facts import length
from napari_focusfuse.io._units import number_of, unit_um

__all__ = ["Space", "letters_of", "space_of"]

_TYPES = {"time": "T", "channel": "C"}
#: Other names of the stack axis, where its type does not tell.
_DEPTHS = ("depth", "focus", "focal", "axial", "slice", "plane")
_SIZES = {"Z": "z-step", "Y": "pixel height", "X": "pixel width"}
_Vector = list[float]


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
    scale, shift = _placed(image, len(letters), notes)
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


def _placed(image: Mapping[str, Any], count: int, notes: list[str]) -> tuple[_Vector, _Vector]:
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
