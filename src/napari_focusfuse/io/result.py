"""A result as a folder: images, maps and the recipe, complete or not there."""

import json
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.files import (
    missing_parents,
    old_of,
    part_of,
    place,
    refused,
    remove,
    remove_empty,
    surely,
)
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.checksums import iter_checksums
from napari_focusfuse.io.image import read_image
from napari_focusfuse.io.limits import check_target
from napari_focusfuse.io.plate import is_fused
from napari_focusfuse.io.read import read_stack
from napari_focusfuse.io.recipe import plain
from napari_focusfuse.io.write import put_tiff
from napari_focusfuse.io.write_zarr import write_zarr

if TYPE_CHECKING:
    from napari_focusfuse.core.result import Decision, FusionResult

__all__ = ["check_result_folder", "exchange", "iter_write_result", "read_map", "write_recipe", "write_result"]

_FUSED, _RECIPE = "fused", "recipe.json"
#: Maps whose values name something, so that means of them say nothing.
_NAMES = ("index", "flags", "edits")
_MAPS = ("index", "depth", "confidence", "flags", "edits", "depth_filled")
_TIFF, _ZARR = ".ome.tif", ".ome.zarr"
_OURS = {f"{name}{suffix}" for name in (_FUSED, *_MAPS) for suffix in (_TIFF, _ZARR)}
#: Files and folders of an OME-Zarr as it is written here.
_ZARR_NAMES = re.compile(r"\d+|\.z(?:attrs|group|array)|zarr\.json|c|\.DS_Store|Thumbs\.db")
#: And of a fused image with labels and maps, as plates have them.
_IN_IMAGE = {"labels", "slice", "maps", "depth", "confidence", "flags"}
_OURS |= {_RECIPE, ".DS_Store", "Thumbs.db"}


def write_result(folder: str | os.PathLike[str], result: "FusionResult", **options: Any) -> Path:
    """Write a result to a new folder; see `iter_write_result`."""
    return drain(iter_write_result(folder, result, **options))


def iter_write_result(
    folder: str | os.PathLike[str],
    result: "FusionResult",
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    refractive_index: float = 1.0,
    fill_depth: bool = False,
    zarr: bool | str = False,
    recipe: dict[str, Any],
    like: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Generator[Progress, None, Path]:
    """Write a result to a new folder.

    Parameters
    ----------
    folder : str or path
        Gets ``fused.ome.tif``, ``index.ome.tif`` (slice of each pixel, from 0), ``depth.ome.tif`` (float32),
        ``confidence.ome.tif`` (float32), ``flags.ome.tif`` (uint16, bits of `Flag`) and ``recipe.json``;
        without a decision only the first and last. A decision that was edited also gives ``edits.ome.tif`` (uint16: 0
        untouched, slice + 1 where it was edited).
    result : FusionResult
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    z_step : float, optional
        Mean distance between neighbouring slices, um. With it the depth is written in um, whether `Decision.z` is in
        slices or in um; without it in the units of `Decision.z`.
    refractive_index : float
        The depth in um is multiplied by it; see `save_result`.
    fill_depth : bool
        Write ``depth_filled.ome.tif`` as well: depth everywhere, see
        `napari_focusfuse.core.surface.fill_depth`.
    zarr : bool or str
        Write OME-Zarr (``fused.ome.zarr``...) instead of OME-TIFF: pyramids, for large images. Or its version.
    recipe : dict
        How the result was made, see `make_recipe`.
    like : path, optional
        A slice whose colour profile and camera settings (EXIF) the fused OME-TIFF takes over.
    overwrite : bool
        Replace an earlier result, once the new one is complete. A folder that holds anything else is never replaced.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The folder exists or cannot be written; what was there before is as it was.
    """
    folder = Path(folder)
    check_result_folder(folder, overwrite=overwrite)
    part, new = part_of(folder), missing_parents(folder)
    try:
        part.mkdir(parents=True)
        yield Progress(0, 1, f"writing {folder.name}")
        write = partial(_write_image, part, pixel_size=pixel_size, zarr=zarr)
        unit = _write_images(write, result, like, (z_step, refractive_index), fill_depth=fill_depth)
        more = {"edits": _edits(part)} if unit is None else {"edits": _edits(part), "depth_unit": unit}
        write_recipe(part, {**recipe, **more})
        exchange(part, folder, overwrite=overwrite)
    except BaseException as error:
        remove(part)
        remove_empty(new)
        if isinstance(error, OSError):
            raise refused(folder, error) from error
        raise
    return folder


def check_result_folder(folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a folder that `write_result` would refuse, before any work is done.

    Raises
    ------
    OutputError
        See `write_result`.
    """
    folder = Path(folder)
    check_target(folder, overwrite=overwrite)
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or folder.is_symlink():
        raise OutputError(f"cannot write {folder}: there is a file of that name")
    _check_ours(folder, folder)


def _write_images(
    write: Callable[..., None],
    result: "FusionResult",
    like: str | os.PathLike[str] | None,
    step: tuple[float | None, float],
    *,
    fill_depth: bool,
) -> str | None:
    """Write all images and give the unit of the depth, where there is one; `step` is z-step and refractive index."""
    write(_FUSED, np.asarray(result.image), like=like)
    if result.decision is None:
        return None
    from napari_focusfuse.core.surface import um_per_z

    factor = um_per_z(result.decision.z, *step)
    scale, unit = (1.0, "in the units of z") if factor is None else (factor, "um")
    for name, (values, channel) in _maps(result.decision, scale, unit, fill_depth=fill_depth).items():
        write(name, values, channel=channel)
    return unit


def _write_image(
    folder: Path,
    name: str,
    image: NDArray[Any],
    *,
    channel: str | None = None,
    like: str | os.PathLike[str] | None = None,
    pixel_size: tuple[float, float] | None,
    zarr: bool | str,
) -> None:
    if zarr:
        how: dict[str, Any] = {"averaged": name not in _NAMES, **({"version": zarr} if isinstance(zarr, str) else {})}
        write_zarr(folder / f"{name}{_ZARR}", image, channel=channel, pixel_size=pixel_size, **how)
    else:
        axes = "YXS"[: image.ndim]
        put_tiff(folder / f"{name}{_TIFF}", image, axes=axes, channel=channel, like=like, pixel_size=pixel_size)


def read_map(folder: Path, name: str) -> NDArray[Any]:
    """An image of a result by its name, such as "depth".

    Raises
    ------
    StackError
        There is none, or it cannot be read.
    """
    path = folder / f"{name}{_ZARR}"
    if not path.exists():
        return read_image(folder / f"{name}{_TIFF}")
    file = read_stack(path)
    image = np.asarray(file.data)
    return np.moveaxis(image, 0, -1) if "C" in file.axes else image


def _maps(decision: "Decision", scale: float, unit: str, *, fill_depth: bool) -> dict[str, tuple[NDArray[Any], str]]:
    """Values of each map by the name of its file, and what they are."""
    from napari_focusfuse.core.result import Flag

    maps: dict[str, tuple[NDArray[Any], str]] = {
        "index": (decision.index, "slice, from 0"),
        "depth": (decision.depth * np.float32(scale), f"depth, {unit}"),
        "confidence": (decision.confidence, "confidence, 0 to 1"),
        "flags": (decision.flags, "flags, bits"),
    }
    edited = (decision.flags & Flag.EDITED) > 0
    if edited.any():
        edits = np.where(edited, decision.index + 1, 0).astype(np.uint16)
        maps["edits"] = (edits, "edits, slice from 1, 0 where untouched")
    if fill_depth:
        from napari_focusfuse.core.surface import fill_depth as filled

        maps["depth_filled"] = (filled(decision) * np.float32(scale), f"depth, {unit}, filled")
    return maps


def _edits(folder: Path) -> dict[str, str] | None:
    """Name and checksum of the edits, if there are any."""
    files = [folder / f"edits{suffix}" for suffix in (_TIFF, _ZARR)]
    found = {path.name: sha256 for path, sha256 in drain(iter_checksums(files)).items() if sha256 is not None}
    return next(({"path": name, "sha256": sha256} for name, sha256 in found.items()), None)


def write_recipe(folder: Path, recipe: dict[str, Any]) -> None:
    """Write how a result was made beside it."""
    text = json.dumps(plain(recipe), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        content = text.encode()
    except UnicodeEncodeError:  # a name of a file that is no UTF-8
        content = json.dumps(plain(recipe), indent=2, allow_nan=False).encode() + b"\n"
    (folder / _RECIPE).write_bytes(content)


def exchange(part: Path, folder: Path, *, overwrite: bool) -> None:
    """Put the finished `part` in the place of `folder`; if that fails, `folder` is as it was.

    Raises
    ------
    OSError
        `folder` exists by now and `overwrite` is not set, or it cannot be replaced.
    OutputError
        It holds more than a result by now.
    """
    if not (overwrite and os.path.lexists(folder)):
        place(part, folder, overwrite=False)
        return
    old = old_of(folder)
    try:
        folder.rename(old)
        _check_ours(old, folder)
        place(part, folder, overwrite=False)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(folder):
            old.rename(folder)
        raise
    finally:
        if os.path.lexists(old) and os.path.lexists(folder):
            _remove_ours(old)


def _check_ours(folder: Path, named: Path) -> None:
    """Refuse to replace a folder with anything that a result does not have; `named` is what it is called."""
    other = next((path for path, ours in _entries(folder) if not ours), None)
    if other is not None:
        raise OutputError(
            f"{named} is not replaced, it has more than a result ({other.relative_to(folder)}): choose another name"
        )


def _entries(folder: Path) -> Iterator[tuple[Path, bool]]:
    """What a folder holds, and whether a result has it, the contents of a folder before it."""
    if is_fused(folder):
        for path in sorted(folder.rglob("*"), reverse=True):
            yield path, path.name in _IN_IMAGE or bool(_ZARR_NAMES.fullmatch(path.name))
        return
    for entry in sorted(folder.iterdir()):
        if entry.name in _OURS and entry.name.endswith(_ZARR) and entry.is_dir() and not entry.is_symlink():
            for path in sorted(entry.rglob("*"), reverse=True):
                yield path, bool(_ZARR_NAMES.fullmatch(path.name))
        yield entry, entry.name in _OURS


@surely
def _remove_ours(folder: Path) -> None:
    """Take an old result away, and nothing that was put into it."""
    for path, ours in list(_entries(folder)) if folder.is_dir() else ():
        if ours:
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    with suppress(OSError):
        folder.rmdir()
