"""A result reproduced from its recipe."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._aligning import iter_align
from napari_focusfuse.api._fusion import iter_fuse
from napari_focusfuse.api._hyperstack import iter_fuse_hyperstack
from napari_focusfuse.api._hyperstack_files import iter_save_hyperstack
from napari_focusfuse.api._recipe_inputs import (
    check_inputs,
    config_of,
    edits_of,
    model_of,
    opened,
    paths_of,
)
from napari_focusfuse.api._saving import iter_save
from napari_focusfuse.config import AlignConfig
from napari_focusfuse.core.files.checked import MismatchError
from napari_focusfuse.core.methods import method_named
from napari_focusfuse.core.progress import Progress, drained, staged
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import FusionResult
    from napari_focusfuse.io import StackFile

PathLike = str | os.PathLike[str]
#: What systems put beside files.
_STRAY = {".DS_Store", "Thumbs.db"}
#: What a recipe says of places, packages and in prose, which may differ where the result is the same.
_NOT_COMPARED = ("versions", "summary")


def iter_replay(
    recipe: PathLike,
    *,
    out: PathLike | None = None,
    source: PathLike | None = None,
    model: PathLike | None = None,
    overwrite: bool = False,
) -> Generator[Progress, None, FusionResult | HyperstackResult]:
    """Reproduce a result from its recipe: the same bytes on the same machine with the same packages.

    Parameters
    ----------
    recipe : path
        ``recipe.json``, or its folder.
    out : path, optional
        New folder for the result; nothing is written if left out.
    source : path, optional
        Present place of the stack, a file or folder, if it was moved.
    model : path, optional
        Folder of the model, if `list_models` does not include it.
    overwrite : bool
        Replace an existing result in `out`.

    Returns
    -------
    FusionResult or HyperstackResult
        The latter where all time points and channels of a file were fused.

    Raises
    ------
    FocusFuseError
        An input or the model is missing or another than it was; the message says which.

    Examples
    --------
    >>> import napari_focusfuse as ff, tifffile
    >>> tifffile.imwrite("stack.tif", ff.simulate((64, 64), slices=3).stack, imagej=True, metadata={"axes": "ZYX"})
    >>> file = ff.open_stack("stack.tif")
    >>> source = {"path": file.path, "axis": "Z", "rgb": False, "position": {}}
    >>> folder = ff.save_result("out", ff.fuse(file.data, method="sf"), inputs=file.inputs, source=source)
    >>> ff.replay("out").image.shape
    (64, 64)
    """
    from napari_focusfuse import io

    asked = io.read_recipe(recipe)
    folder = io.recipe_file(recipe).parent
    if out is not None:
        check = io.check_hyperstack_target if "axes" in asked["made by"] else io.check_result_folder
        check(Path(out), overwrite=overwrite)
    paths = paths_of(asked, source)
    checksums = yield from staged(io.iter_checksums(paths), 0, 0.1)
    check_inputs(asked, checksums)
    edits = edits_of(asked, folder)
    file = opened(asked, paths, source)
    if asked["transforms"] is not None:
        file = yield from _iter_aligned(asked["transforms"], file)
    result = yield from staged(_iter_fuse(asked, file, model, edits), 0.1, 0.8)
    if out is not None:
        sizes = asked["pixel_size_um"]
        options: dict[str, Any] = {
            "pixel_size": None if sizes is None else (sizes[0], sizes[1]),
            "z_step": asked["z_step_um"],
            "inputs": checksums,
            "source": {**asked["source"], **({"path": file.path} if "path" in asked["source"] else {})},
            "overwrite": overwrite,
        }
        yield from staged(_iter_saved(out, result, asked, options), 0.9, 0.1)
    return result


replay = drained(iter_replay)


def iter_check_replay(
    recipe: PathLike, *, source: PathLike | None = None, model: PathLike | None = None
) -> Generator[Progress, None, list[str]]:
    """Reproduce a result and compare it with the files beside the recipe, byte for byte.

    Returns
    -------
    list of str
        Names of the files that differ or are missing on one side; none if the result is the same. In the recipe itself,
        paths, versions of packages and the summary are not compared.

    Raises
    ------
    FocusFuseError
        See `replay`.

    Examples
    --------
    >>> import napari_focusfuse as ff, tifffile
    >>> tifffile.imwrite("stack.tif", ff.simulate((64, 64), slices=3).stack, imagej=True, metadata={"axes": "ZYX"})
    >>> file = ff.open_stack("stack.tif")
    >>> source = {"path": file.path, "axis": "Z", "rgb": False, "position": {}}
    >>> folder = ff.save_result("out", ff.fuse(file.data, method="sf"), inputs=file.inputs, source=source)
    >>> ff.check_replay("out")
    []
    """
    from napari_focusfuse import io

    folder = io.recipe_file(recipe).parent
    with TemporaryDirectory(prefix="focusfuse-") as place:
        again = Path(place) / "again"
        yield from iter_replay(recipe, out=again, source=source, model=model)
        names = {_name(path, root) for root in (folder, again) for path in root.rglob("*") if path.is_file()}
        return sorted(name for name in names - _STRAY if _content(folder / name) != _content(again / name))


check_replay = drained(iter_check_replay)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _content(path: Path) -> Any:
    if not path.is_file():
        return None
    if path.name != "recipe.json":
        return path.read_bytes()
    recipe = json.loads(path.read_text(encoding="utf-8"))
    kept = {key: value for key, value in recipe.items() if key not in _NOT_COMPARED}
    kept["inputs"] = [entry["sha256"] for entry in recipe["inputs"]]
    kept["source"] = {key: value for key, value in recipe["source"].items() if key != "path"}
    return kept


def _iter_aligned(asked: Mapping[str, Any], file: StackFile) -> Generator[Progress, None, StackFile]:
    """Align the slices as recorded."""
    from napari_focusfuse.core.align import Transforms

    try:
        transforms, config = Transforms.from_json(asked), AlignConfig(edges=asked["edges"])
    except MismatchError as error:
        raise FocusFuseError(f"the transforms in the recipe cannot be read ({error}): get the file again") from error
    rgb = file.axes.endswith("S")
    done = yield from staged(iter_align(file.data, config=config, rgb=rgb, transforms=transforms), 0.1, 0.1)
    return replace(file, data=done.stack)


def _iter_saved(
    out: PathLike, result: FusionResult | HyperstackResult, asked: Mapping[str, Any], options: dict[str, Any]
) -> Generator[Progress, None, Path]:
    """Save the reproduced result as recorded."""
    from napari_focusfuse.core.result import FusionResult

    if not isinstance(result, FusionResult):
        return (yield from iter_save_hyperstack(out, result, **options))
    options |= {key: asked[key] for key in ("refractive_index", "fill_depth", "zarr", "transforms")}
    return (yield from iter_save(out, result, **options))


def _iter_fuse(
    recipe: Mapping[str, Any], file: StackFile, model: PathLike | None, edits: Any
) -> Generator[Progress, None, FusionResult | HyperstackResult]:
    made = recipe["made by"]
    method = method_named(made["method"])
    options: dict[str, Any] = {"method": method.name, "config": config_of(made)}
    if recipe["z"] is not None:
        options["z"] = recipe["z"]
    if made.get("equalised") is not None:
        options["equalise"] = made["equalised"]
    if "model" in method.needs:
        options["model"] = model_of(made, model)
    if "device" in method.needs:
        options["device"] = made.get("device", "auto")
    with _threads(made.get("threads")):
        if "axes" in made:
            options |= {"axis": recipe["source"]["axis"], "decide_on": made["decided_on"] if method.decides else None}
            options |= {"channels": made["channels"], "offsets": made.get("offsets", ())}
            return (yield from iter_fuse_hyperstack(file.data, file.axes, **options))
        options["rgb"] = file.axes.endswith("S")
        if edits is None:
            return (yield from iter_fuse(file.data, **options))
        result = yield from staged(iter_fuse(file.data, **options), 0, 0.85)
        return (yield from staged(_iter_retouched(made, file, result, edits), 0.85, 0.15))


def _iter_retouched(
    made: Mapping[str, Any], file: StackFile, result: FusionResult, edits: Any
) -> Generator[Progress, None, FusionResult]:
    """The result edited as then; edits that were not made by the viewer are not told of in what made it."""
    from napari_focusfuse.config import RetouchConfig
    from napari_focusfuse.core.retouch import iter_retouch
    from napari_focusfuse.core.stack.equalise import as_fused

    told = made.get("edits")
    config = RetouchConfig(match_brightness=bool(told and told["match_brightness"]))
    stack = as_fused(made, file.data, 0, file.axes.endswith("S"))
    retouched = yield from iter_retouch(stack, result, edits.astype(int) - 1, edits > 0, config)
    if told or retouched.decision is None or result.decision is None:
        return retouched
    return replace(retouched, decision=replace(retouched.decision, info=result.decision.info))


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """As many threads as then: sums in another order differ in their last digits."""
    if count is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
