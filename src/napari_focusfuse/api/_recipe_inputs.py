"""What a recipe asks for, found again: inputs, edits, settings and model, each the one that was used."""

from __future__ import annotations

import math
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._models import load_model
from napari_focusfuse.core.methods import method_named
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError, ModelError, StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_focusfuse.io import StackFile

PathLike = str | os.PathLike[str]


def check_single(recipe: Mapping[str, Any]) -> None:
    """Refuse the recipe of time points and channels that were fused together."""
    if "axes" in recipe["made by"]:
        raise FocusFuseError("the result holds several positions, time points or channels: give that of one stack")


def paths_of(recipe: Mapping[str, Any], source: PathLike | None) -> list[Path]:
    """Where the inputs are; `source` is where they were moved to."""
    paths = [Path(entry["path"]) for entry in recipe["inputs"]]
    if not paths:
        raise FocusFuseError(
            "the recipe names no input files, because a layer or array without files was fused: fuse it again instead"
        )
    axes, axis = recipe["made by"].get("axes"), recipe["source"].get("axis")
    if axes is not None and (axis is None or str(axis) not in axes):
        raise FocusFuseError(
            "the recipe does not say how its positions lie in the files (earlier versions did not note it): fuse again"
        )
    if source is None:
        return paths
    moved = Path(source)
    if len(paths) == 1 and (moved.is_file() or paths[0].suffix.lower() == moved.suffix.lower() != ""):
        return [moved]
    return [(moved if moved.is_dir() else moved.parent) / path.name for path in paths]


def check_inputs(recipe: Mapping[str, Any], checksums: Mapping[Path, str | None]) -> None:
    """Refuse inputs that are gone or have changed."""
    for entry, (path, found) in zip(recipe["inputs"], checksums.items(), strict=True):
        if found is None:
            raise StackError(
                f"{path} is missing or cannot be read: give the present place of the stack", settings={"source": ""}
            )
        if entry["sha256"] is None:
            raise StackError(f"the recipe has no checksum of {path}: its result cannot be reproduced reliably")
        if found != entry["sha256"]:
            raise StackError(f"{path} is not the file that was fused, its content has changed: restore the old one")


def opened(recipe: Mapping[str, Any], paths: list[Path], source: PathLike | None) -> StackFile:
    """The focus stack, or all of them, opened as it was."""
    from napari_focusfuse import io

    how = recipe["source"]
    whole = how.get("path") is not None and Path(how["path"]) == Path(recipe["inputs"][0]["path"]).parent
    file = _file(how, paths, source, whole=whole)
    here, found = file.inputs, {path.resolve() for path in paths}
    file = io.at_position(file, how.get("position") or {})
    if how.get("channel") is not None:
        file = io.at_channel(file, how["channel"])
    axis, rgb = how.get("axis"), bool(how.get("rgb", False))
    if "axes" in recipe["made by"]:
        names = how.get("axes") or {}
        if how.get("slices"):
            file = io.some_slices(file, io.slices_of(how["slices"]), io.axis_letter(file, names.get(axis, axis)))
        stack = io.with_axes(file, recipe["made by"]["axes"], names)
        slices = stack.data.shape[stack.axes.index(axis)]
    else:
        if axis is not None and not axis.isdecimal():
            axis = io.axis_letter(file, axis)
        stack = file.focus_stack(axis, rgb=rgb)
        if how.get("slices"):
            stack = io.some_slices(stack, io.slices_of(how["slices"]))
        slices = stack.data.shape[0]
    others = [{path.resolve() for path in inputs} ^ found for inputs in (here, stack.inputs)]
    if all(others):
        raise StackError(f"{file.path} no longer holds the same files ({min(others[0]).name}): restore those")
    if recipe["z"] is not None and len(recipe["z"]) != slices:
        raise StackError(f"{file.path} has {slices} slices, the recipe {len(recipe['z'])}: give the stack")
    return stack


def _file(how: Mapping[str, Any], paths: list[Path], source: PathLike | None, *, whole: bool) -> StackFile:
    """What was opened, with all its axes: a file, a `whole` folder, or the files that were picked from one."""
    from napari_focusfuse import io

    opened, exclude = how.get("path"), how.get("exclude") or ()
    if opened is not None and source is None:
        return io.read_stack(opened, exclude=exclude)
    if len(paths) == 1:
        return io.read_stack(paths[0])
    if whole and any(how.get(key) for key in ("exclude", "position", "channel", "slices")):
        return io.read_stack(paths[0].parent, exclude=exclude)
    return io.read_files(paths, by_name=bool(how.get("position")))


def edits_of(recipe: Mapping[str, Any], folder: Path) -> Any:
    """Map of the edits, or None."""
    from napari_focusfuse import io

    if recipe.get("edits") is None:
        return None
    path = folder / recipe["edits"]["path"]
    if drain(io.iter_checksums([path]))[path] != recipe["edits"]["sha256"]:
        raise FocusFuseError(f"{path} is missing or was changed: it contains the edits by hand, restore it")
    return io.read_map(folder, "edits")


def config_of(made: Mapping[str, Any]) -> Any:
    """The settings as they were."""
    kind: Any = method_named(made["method"]).config
    if kind is None:
        return None
    settings = {key: math.inf if value == "inf" else value for key, value in made["config"].items()}
    other = sorted(settings.keys() - {field.name for field in fields(kind)})
    if other:
        raise FocusFuseError(
            f"the recipe has settings that this version does not know ({', '.join(other)[:80]}): "
            f"use version {made.get('version')}"
        )
    return kind(**settings)


def model_of(made: Mapping[str, Any], model: PathLike | None) -> PathLike:
    """The model by its name or place, if it is the one that was used."""
    place = made["model"] if model is None else model
    try:
        found = load_model(place).sha256
    except ModelError as error:
        if model is not None:
            raise
        told = f"the model {made['model']!r} of the recipe is not installed: give its folder"
        raise ModelError(told, settings={"model": ""}) from error
    if found != made["model_sha256"]:
        raise ModelError(
            f"the model {os.fspath(place)!r} is not the one that was used (sha256 {found[:12]}, not "
            f"{made['model_sha256'][:12]}): give the folder of the one that was used",
            settings={"model": ""},
        )
    return place
