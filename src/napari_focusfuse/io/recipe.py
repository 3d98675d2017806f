"""How a result was made, as plain JSON: enough to reproduce it, and to check that the input is the same."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from napari_focusfuse.config import Edges
from napari_focusfuse.core.files.checked import (
    Check,
    MismatchError,
    anything,
    entries,
    flag,
    listed,
    mapped,
    maybe,
    number,
    read_json,
    text,
    whole,
)
from napari_focusfuse.core.methods import method_named
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.io.checksums import Checksums, iter_checksums

if TYPE_CHECKING:
    from napari_focusfuse.core.result import FusionResult

__all__ = ["EDITS", "KEY", "check_recipe", "make_recipe", "plain", "read_recipe"]

#: Recipes of a greater number were written by a later version, and are refused.
_FORMAT = 1
_PACKAGES = (
    "napari-focusfuse",
    "numpy",
    "scipy",
    "scikit-image",
    "torch",
    "PyWavelets",
    "tifffile",
    "imagecodecs",
    "zarr",
)
#: Names of the map of edits, which lies beside the recipe and nowhere else.
EDITS = ("edits.ome.tif", "edits.ome.zarr")
#: Attribute of a fused OME-Zarr that holds its recipe, and of a plate of them.
KEY = "napari-focusfuse"
_ATTRIBUTES = ("zarr.json", ".zattrs")
_LENGTH = number(0, above=True)
_MOST_THREADS = 1024


def make_recipe(
    result: "FusionResult",
    *,
    inputs: Iterable[str | os.PathLike[str]] | Checksums = (),
    folder: str | os.PathLike[str] | None = None,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Describe how a result was made.

    Parameters
    ----------
    result : FusionResult
    inputs : paths, or their checksums
        Files, or Zarr folders, that the stack was read from, in the order of the slices; their contents are hashed,
        null if they are gone.
    folder : path, optional
        Where the recipe will lie; the paths of the inputs are then relative to it, where that is possible.
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    z_step : float, optional
        Distance between neighbouring slices, um.
    **more
        Entries that only some results have: ``source`` (axis, rgb and position that chose the stack in the inputs),
        ``transforms`` (the slices were aligned), ``refractive_index``, ``fill_depth``, ``zarr``.

    Returns
    -------
    dict
        JSON types only: number of the format, what `FusionResult.info` says (version, method, configuration, model and
        its sha256), versions of the packages, inputs with their sha256, positions of the slices, sizes, and the
        summary.
    """
    decision = result.decision
    checksums = inputs if isinstance(inputs, dict) else drain(iter_checksums(inputs))
    source = dict(more.pop("source", None) or {})
    if source.get("path") is not None:
        source["path"] = _relative(Path(source["path"]), folder)
    recipe = {
        "format": _FORMAT,
        "made by": dict(result.info if decision is None else decision.info),
        "versions": {name: _version(name) for name in _PACKAGES},
        "inputs": [{"path": _relative(path, folder), "sha256": sha256} for path, sha256 in checksums.items()],
        "source": source,
        "z": decision.z if decision is not None else None,
        "z_step_um": z_step,
        "refractive_index": 1.0,
        "pixel_size_um": pixel_size,
        "transforms": None,
        "fill_depth": False,
        "zarr": False,
        "summary": result.summary,
        **more,
    }
    out: dict[str, Any] = plain(recipe)
    return out


def read_recipe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a recipe that was written beside a result.

    Parameters
    ----------
    path : path
        The file, or the folder of the result.

    Returns
    -------
    dict
        See `make_recipe`; the paths of the inputs are absolute.

    Raises
    ------
    FocusFuseError
        There is none, it is damaged, or too new or too old to be followed.
    """
    file = recipe_file(path)
    try:
        recipe = _of_image(read_json(file)) if file.name in _ATTRIBUTES else read_json(file)
        number = recipe["format"] if isinstance(recipe, dict) and "format" in recipe else None
        if number == _FORMAT:
            check_recipe(recipe)
        elif not isinstance(recipe, dict) or "inputs" not in recipe:
            raise MismatchError("it names no inputs")
    except OSError as error:
        raise FocusFuseError(
            f"{file} cannot be read ({error.strerror or error}): give the recipe of a result"
        ) from None
    except ValueError as error:
        raise FocusFuseError(
            f"{file} is not the recipe of a result ({error}): give the recipe.json beside one"
        ) from error
    if number != _FORMAT:
        was = "an earlier version that recorded too little" if number is None else "a later version"
        raise FocusFuseError(f"{file} was written by {was}: fuse again, or use the version that wrote it")
    inputs = [{**entry, "path": _found(file, entry["path"])} for entry in recipe["inputs"]]
    source = dict(recipe["source"])
    if source.get("path") is not None:
        source["path"] = _found(file, source["path"])
    return {**recipe, "inputs": inputs, "source": source}


def recipe_file(path: str | os.PathLike[str]) -> Path:
    """The recipe in a folder, in the attributes of a fused OME-Zarr, or the file itself."""
    folder = Path(path)
    if not os.path.isdir(path):  # noqa: PTH112 - takes any name
        return folder
    there = [folder / name for name in ("recipe.json", *_ATTRIBUTES) if (folder / name).is_file()]
    return there[0] if there else folder / "recipe.json"


def _of_image(described: Any) -> Any:
    """The recipe in the attributes of an OME-Zarr of either version; None if there is none."""
    if isinstance(described, dict) and "zarr_format" in described:
        described = described.get("attributes")
    return described.get(KEY) if isinstance(described, dict) else None


def plain(value: Any) -> Any:
    """The same in JSON types: arrays become lists, NaN null, infinity a string, dataclasses mappings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _found(recipe: Path, path: str) -> str:
    """A path of a recipe, absolute; from a folder behind a link ".." leads elsewhere than its name says."""
    return os.path.normpath(recipe.parent.resolve() / path)


def _relative(path: Path, folder: str | os.PathLike[str] | None) -> str:
    """`path` as it is found from `folder`, with "/"; absolute where no way leads there, as it is without a folder."""
    if folder is None:
        return os.fspath(path)
    whole = path.parent.resolve() / path.name  # a link keeps its own name
    try:
        return Path(os.path.relpath(whole, Path(folder).resolve())).as_posix()
    except ValueError:  # another drive
        return whole.as_posix()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _is_path(path: str) -> bool:
    return bool(path) and "\0" not in path and bool(PurePath(path).name)


def _are_axes(axes: str) -> bool:
    return axes.isascii() and axes.isupper() and len(set(axes)) == len(axes) and {"Y", "X"} <= set(axes)


def _slices(value: Any, where: str) -> None:
    """Start, stop and step, or the numbers of the slices."""
    check = entries({"numbers": listed(whole(0), 2)}) if isinstance(value, dict) else listed(maybe(whole(0)), 3, 3)
    check(value, where)


_MADE: dict[str, Check] = {
    "config": mapped(anything),
    "model": text(),
    "model_sha256": text(),
    "weights_sha256": text(),
    "device": text(),
    "threads": maybe(whole(1, _MOST_THREADS)),
    "axes": text(fits=_are_axes),
    "channels": maybe(listed(text())),
    "decided_on": maybe(lambda value, where: (whole(0) if isinstance(value, int) else text())(value, where)),
    "offsets": maybe(listed(whole())),
    "edits": maybe(entries({"match_brightness": flag})),
    "equalised": anything,
}
_SOURCE: dict[str, Check] = {
    "path": maybe(text(fits=_is_path)),
    "axis": maybe(text()),
    "rgb": maybe(flag),
    "position": maybe(mapped(whole(0))),
    "axes": maybe(mapped(text())),
    "channel": text(),
    "slices": _slices,
    "exclude": listed(text()),
}
_NEEDED: dict[str, Check] = {
    "made by": entries({"method": text()}, _MADE),
    "inputs": listed(entries({"path": text(fits=_is_path), "sha256": maybe(text())})),
    "source": entries({}, _SOURCE),
    "z": maybe(listed(number(), 1)),
    "z_step_um": maybe(_LENGTH),
    "refractive_index": number(1, 5),
    "pixel_size_um": maybe(listed(_LENGTH, 2, 2)),
    "transforms": maybe(entries({"edges": text(*get_args(Edges))})),
    "fill_depth": flag,
    "zarr": lambda value, where: (text("0.5") if isinstance(value, str) else flag)(value, where),
}
_KNOWN: dict[str, Check] = {
    "edits": maybe(entries({"path": text(*EDITS), "sha256": text()})),
    "depth_unit": text(),
}


def check_recipe(recipe: Any) -> None:
    """Refuse a recipe that cannot be followed.

    Raises
    ------
    MismatchError
        It lacks something, or holds what its place does not ask for; the message says which.
    FocusFuseError
        There is no such method.
    """
    entries(_NEEDED, _KNOWN)(recipe, "the recipe")
    made, method = recipe["made by"], method_named(recipe["made by"]["method"])
    if "equalised" in made:  # of several positions it is measured again
        (flag if "axes" in made else listed(_LENGTH))(made["equalised"], "the recipe.made by.equalised")
    needed = [
        *(["model", "model_sha256"] if "model" in method.needs else []),
        *([] if method.config is None else ["config"]),
        *(["channels", "decided_on"] if "axes" in made and method.decides else []),
    ]
    for name in needed:
        if made.get(name) is None:
            raise MismatchError(f"the recipe.made by has no {name}")
