"""Whether a result on disk is the one that would be made: the same files, fused in the same way."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._fusion import info_of
from napari_focusfuse.api._models import load_model
from napari_focusfuse.config.fusion import DECIDE_ON
from napari_focusfuse.core.methods import method_named, settings
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari_focusfuse.api._stack_jobs import StackJob, StackTask
    from napari_focusfuse.io import StackFile

__all__ = ["iter_differing"]

#: What of a file a recipe says was fused; the files themselves are compared by their checksums.
_PART = ("axis", "rgb", "channel", "slices")


def iter_differing(
    job: StackJob, task: StackTask, file: StackFile, *, whole: bool
) -> Generator[Progress, None, list[str]]:
    """In what the result that is there differs from the one that would be made."""
    from napari_focusfuse import io

    try:
        recipe = io.read_recipe(job.target)
    except FocusFuseError:
        return ["no recipe that can be read"]
    checksums = yield from io.iter_checksums(file.inputs)
    wanted = _wanted(job, task, file, recipe, whole=whole)
    wanted["files"] = list(checksums.values())
    there = {"files": [entry["sha256"] for entry in recipe["inputs"]], **_there(recipe)}
    return [name for name, value in wanted.items() if value != there[name]]


def _wanted(
    job: StackJob, task: StackTask, file: StackFile, recipe: Mapping[str, Any], *, whole: bool
) -> dict[str, Any]:
    """What the recipe of the result that would be made says, in the words of `_there`."""
    from napari_focusfuse import io

    engine, source = task.engine, task.source_of(job)
    method = method_named(engine.get("method", "sesf"))
    config, pixel_size = settings(method, engine.get("config")), task.sizes_of(file)[1]
    if whole:
        source |= {"axis": io.stack_letter(file), "rgb": file.axes.endswith("S")}
    return {
        "version": info_of(method)["version"],
        "method": method.name,
        "settings": None if config is None else io.plain(asdict(config)),
        "model": load_model(engine.get("model", "default")).sha256 if "model" in method.needs else None,
        "equalised brightness": bool(engine.get("equalise")),
        "deciding channel": _deciding(task, recipe, decides=method.decides) if whole else None,
        "part of the file": [source.get(name) for name in _PART],
        "z-step": task.sizes_of(file)[0],
        "pixel size": pixel_size and list(pixel_size),
        "refractive index": task.saving.get("refractive_index", 1.0),
        "filled depth map": bool(task.saving.get("fill_depth") and method.decides),
        "file format": task.saving.get("zarr", False),
    }


def _there(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe says of how its result was made."""
    made = recipe["made by"]
    return {
        "version": made.get("version"),
        "method": made["method"],
        "settings": made.get("config"),
        "model": made.get("model_sha256"),
        "equalised brightness": bool(made.get("equalised")),
        "deciding channel": made.get("decided_on"),
        "part of the file": [recipe["source"].get(name) for name in _PART],
        "z-step": recipe["z_step_um"],
        "pixel size": recipe["pixel_size_um"],
        "refractive index": recipe["refractive_index"],
        "filled depth map": recipe["fill_depth"],
        "file format": recipe["zarr"],
    }


def _deciding(task: StackTask, recipe: Mapping[str, Any], *, decides: bool) -> int | str:
    """The channel that decides, by the names of the channels in the recipe."""
    asked = (task.whole or {}).get("decide_on")
    asked = (DECIDE_ON if decides else "each") if asked is None else asked
    names = recipe["made by"].get("channels") or []
    if asked in names:
        return names.index(asked)
    if asked in ("sum", "each"):
        return asked if len(names) > 1 else 0
    return int(asked) if str(asked).isdecimal() else asked
