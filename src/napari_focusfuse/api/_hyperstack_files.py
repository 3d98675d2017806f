"""Hyperstacks on disk."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.api._files import told
from napari_focusfuse.api._hyperstack import iter_fuse_hyperstack
from napari_focusfuse.core.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_focusfuse.core.gather import HyperstackResult
    from napari_focusfuse.io import PlaneFiles, StackFile

__all__ = ["check_hyperstack_target", "iter_fuse_file", "iter_save_hyperstack", "open_hyperstack"]

_MAPS = ("index", "depth", "confidence", "flags")


def open_hyperstack(path: str | os.PathLike[str], *, axis: str | None = None, rgb: bool = False) -> StackFile:
    """Open a file with time points and channels lazily; as `open_stack`, but axes besides the stack axis are kept.

    Returns
    -------
    StackFile
        The last axes of ``data`` are (Z, Y, X) or (Z, Y, X, S); ``axes`` has their letters.
    """
    from napari_focusfuse import io

    return told(io.read_stack(path).hyperstack(axis, rgb=rgb))


def check_hyperstack_target(target: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `iter_fuse_file` would later; nothing is created."""
    from napari_focusfuse import io

    io.check_hyperstack_target(Path(target), overwrite=overwrite)


def iter_fuse_file(
    file: StackFile,
    target: str | os.PathLike[str],
    *,
    z_step: float | None = None,
    pixel_size: tuple[float, float] | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Generator[Progress, None, str]:
    """Fuse every time point and channel of a file, and write each plane as soon as it is there.

    Parameters
    ----------
    file : StackFile
        As `open_hyperstack` gives it.
    target : path
        A new folder for fused images, maps and recipe, or a ``.tif`` for the fused images alone.
    z_step : float, optional
        Distance of neighbouring slices, um, instead of the file's own.
    pixel_size : (float, float), optional
        Height and width of a pixel, um, instead of the file's own.
    overwrite : bool
        Replace an earlier result, once the new one is complete.
    **options
        As for `fuse_hyperstack`.

    Returns
    -------
    str
        The summary.

    Raises
    ------
    FocusFuseError
        The input cannot be fused or the result not be written; nothing is left behind.
    """
    from napari_focusfuse import io

    axis = file.axes.replace("S", "")[-3]
    names = _channel_names(file)
    z_step = file.z_step if z_step is None else z_step
    pixel_size = file.pixel_size if pixel_size is None else pixel_size
    if file.z is not None and z_step == file.z_step:
        z: list[float] | None = list(file.z)
    else:
        z = None if z_step is None else [k * z_step for k in range(file.data.shape[file.axes.index(axis)])]
    shown: dict[str, Any] = {"pixel_size": pixel_size, "channels": names, "depth_unit": "slices" if z is None else "um"}
    with io.hyperstack_files(Path(target), overwrite=overwrite, **shown) as files:
        result = yield from iter_fuse_hyperstack(
            file.data,
            file.axes,
            axis=axis,
            z=z,
            channels=names,
            empty=files.empty,
            maps=not io.is_image_file(Path(target)),
            **options,
        )
        yield Progress(1, 1, "writing")
        files.write_recipe(_recipe(result, inputs=file.inputs, pixel_size=pixel_size, z_step=z_step))
        summary = result.summary
        # Windows renames no folder with files that somebody holds.
        del result
    return summary


def iter_save_hyperstack(
    folder: str | os.PathLike[str],
    result: HyperstackResult,
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    inputs: Sequence[str | os.PathLike[str]] = (),
    overwrite: bool = False,
) -> Generator[Progress, None, Path]:
    """Write a result as a folder, as `iter_fuse_file` does; see `save_result`."""
    from napari_focusfuse import io
    from napari_focusfuse.core.topography import um_per_z

    factor = um_per_z(np.asarray(result.info.get("z", (0, 1))), z_step)
    unit = "um" if factor is not None else "in the units of z"
    shown: dict[str, Any] = {"pixel_size": pixel_size, "channels": _names(result), "depth_unit": unit}
    with io.hyperstack_files(Path(folder), overwrite=overwrite, **shown) as files:
        yield from _iter_filled(files, result, 1.0 if factor is None else factor)
        files.write_recipe(_recipe(result, inputs=inputs, pixel_size=pixel_size, z_step=z_step))
    return Path(folder)


def _iter_filled(files: PlaneFiles, result: HyperstackResult, factor: float) -> Generator[Progress, None, None]:
    """Fill the files of a result; the depth is multiplied by a factor."""
    names = [name for name in ("image", *_MAPS) if getattr(result, name) is not None]
    for done, name in enumerate(names):
        values = getattr(result, name)
        axes = result.axes if name == "image" else result.map_axes
        target = files.empty("fused" if name == "image" else name, axes, values.shape, values.dtype)
        for k in range(len(values)):
            yield Progress(done * len(values) + k, len(names) * len(values), f"writing {name}")
            target[k] = values[k] * np.float32(factor) if name == "depth" else values[k]


def _names(result: HyperstackResult) -> list[str]:
    """Names of the channels, if they have any but their numbers."""
    names = [str(name) for name in result.info.get("channels", ())]
    return [] if names == [str(k) for k in range(len(names))] else names


def _channel_names(file: StackFile) -> tuple[str, ...]:
    """What the file calls its channels; empty unless all have a name of their own."""
    names = tuple(channel.name for channel in file.channels if channel.name)
    count = file.data.shape[file.axes.index("C")] if "C" in file.axes else 0
    return names if len(set(names)) == len(names) == count else ()


def _recipe(result: HyperstackResult, **options: Any) -> dict[str, Any]:
    from napari_focusfuse import io
    from napari_focusfuse.core.result import FusionResult

    info = dict(result.info)
    return io.make_recipe(FusionResult(result.image, None, result.summary, info), z=info.pop("z", None), **options)
