"""Hyperstacks on disk."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.api._files import told
from napari_focusfuse.api._hyperstack import iter_fuse_hyperstack
from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core.progress import Progress, staged
from napari_focusfuse.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_focusfuse.api._saving import Inputs
    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.io import PlaneFiles, StackFile

__all__ = ["check_hyperstack_target", "iter_fuse_file", "iter_save_hyperstack", "open_hyperstack"]

_MAPS = ("index", "depth", "confidence", "flags")


def open_hyperstack(
    path: str | os.PathLike[str],
    *,
    axis: str | None = None,
    rgb: bool = False,
    channel: int | str | None = None,
    slices: slice | Sequence[int] | None = None,
    exclude: Sequence[str] = (),
) -> StackFile:
    """Open a file with time points and channels lazily; as `open_stack`, but axes besides the stack axis are kept.

    Returns
    -------
    StackFile
        The last axes of ``data`` are (Z, Y, X) or (Z, Y, X, S); ``axes`` has their letters.

    Raises
    ------
    StackError
        It cannot be read, or has no stack axis; the message says why.

    Examples
    --------
    >>> import napari_focusfuse as ff, numpy as np, tifffile
    >>> tifffile.imwrite("cells.tif", np.zeros((5, 2, 64, 64), np.uint16), imagej=True, metadata={"axes": "ZCYX"})
    >>> file = ff.open_hyperstack("cells.tif")
    >>> file.data.shape, file.axes
    ((2, 5, 64, 64), 'CZYX')
    """
    return told(_opened(path, axis, rgb=rgb, channel=channel, slices=slices, exclude=exclude))


def _opened(
    path: str | os.PathLike[str],
    axis: str | None,
    *,
    rgb: bool,
    channel: int | str | None = None,
    slices: slice | Sequence[int] | None = None,
    exclude: Sequence[str] = (),
) -> StackFile:
    from napari_focusfuse import io

    file = io.read_stack(path, exclude=exclude)
    if channel is not None:
        file = io.at_channel(file, channel)
    whole = file.hyperstack(axis, rgb=rgb)
    if slices is None:
        return whole
    letter = io.stack_letter(whole)
    return io.some_slices(file, slices, letter).hyperstack(letter, rgb=rgb)


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
    channel: int | str | None = None,
    slices: slice | Sequence[int] | None = None,
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    kind: Any = None,
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
        Distance between neighbouring slices, um, instead of the file's own.
    pixel_size : (float, float), optional
        Height and width of a pixel, um, instead of the file's own.
    channel, slices, exclude
        What was chosen when the file was opened, for the recipe.
    overwrite : bool
        Replace an earlier result, once the new one is complete.
    kind : callable, optional
        What makes the files, instead of `napari_focusfuse.io.PlaneFiles`.
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

    axis, rgb = io.stack_letter(file), file.axes.endswith("S")
    count, names = file.data.shape[file.axes.index(axis)], _channel_names(file)
    own = None if z_step is None or z_step == file.z_step else z_step
    z, z_step = file.positions(own), file.mean_step(own)
    pixel_size = file.pixel_size if pixel_size is None else pixel_size
    check_sizes(pixel_size, z_step)
    image_only = io.is_image_file(Path(target))
    known: dict[str, Any] = {"axis": axis, "z": z, "channels": names}
    unit = _factor(range(count) if z is None else z, z_step)[1]
    shown: dict[str, Any] = {"pixel_size": pixel_size, "channels": names, "depth_unit": unit, "like": file.inputs[0]}
    with io.hyperstack_files(Path(target), overwrite=overwrite, kind=kind or io.PlaneFiles, **shown) as files:
        work = iter_fuse_hyperstack(file.data, file.axes, **known, empty=files.empty, maps=not image_only, **options)
        result = yield from staged(work, 0, 0.95)
        if not image_only:
            chosen = {"channel": channel, "slices": slices, "exclude": exclude}
            source = {**_opened_as(file, axis, rgb=rgb, **chosen), "axis": axis, "rgb": rgb}
            told = _iter_recipe(target, result, file.inputs, source=source, pixel_size=pixel_size, z_step=z_step)
            files.write_recipe((yield from staged(told, 0.95, 0.05)))
        yield Progress(1, 1, "writing")
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
    inputs: Inputs = (),
    source: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Generator[Progress, None, Path]:
    """Write a result as a folder, as `iter_fuse_file` does; see `save_result`.

    Of `source` the ``axis`` is the letter of the stack axis in the data that were fused; ``axes`` gives the name in the
    file of each of their letters, where it is another.
    """
    from napari_focusfuse import io

    check_sizes(pixel_size, z_step)
    factor, unit = _factor(result.info.get("z", (0, 1)), z_step)
    channels = _named(result.info.get("channels", ()))
    shown: dict[str, Any] = {"pixel_size": pixel_size, "channels": channels, "depth_unit": unit}
    shown["like"] = next(iter(inputs), None)
    with io.hyperstack_files(Path(folder), overwrite=overwrite, **shown) as files:
        yield from staged(_iter_filled(files, result, factor), 0, 0.5)
        told = _iter_recipe(folder, result, inputs, source=dict(source or {}), pixel_size=pixel_size, z_step=z_step)
        files.write_recipe((yield from staged(told, 0.5, 0.5)))
    return Path(folder)


def _opened_as(file: StackFile, axis: str, *, rgb: bool, **chosen: Any) -> dict[str, Any]:
    """How a file is opened again: by its path, or by its inputs alone where they were picked from a folder."""
    from napari_focusfuse import io

    channel, slices, exclude = chosen["channel"], chosen["slices"], chosen["exclude"]
    try:
        whole = len(file.inputs) == 1 or _opened(file.path, axis, rgb=rgb, **chosen).inputs == file.inputs
    except StackError:
        whole = False
    told: dict[str, Any] = {"path": file.path, "exclude": list(exclude)} if whole else {}
    told |= {"channel": None if channel is None else str(channel)}
    told |= {"slices": io.told_slices(slices)}
    return {key: value for key, value in told.items() if value not in (None, [])}


def _factor(z: Sequence[float], z_step: float | None) -> tuple[float, str]:
    """What brings depth to um, where that is known, and its unit then."""
    from napari_focusfuse.core.surface import um_per_z

    factor = um_per_z(np.asarray(z), z_step)
    if factor is not None:
        return factor, "um"
    return 1.0, "slices" if list(z) == list(range(len(z))) else "in the units of z"


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


def _named(channels: Sequence[str]) -> tuple[str, ...]:
    """Names of the channels, if they have any but their numbers."""
    names = tuple(map(str, channels))
    return () if names == tuple(str(k) for k in range(len(names))) else names


def _channel_names(file: StackFile) -> tuple[str, ...]:
    """What the file calls its channels; empty unless all have a name of their own."""
    names = tuple(channel.name for channel in file.channels if channel.name)
    count = file.data.shape[file.axes.index("C")] if "C" in file.axes else 0
    return _named(names) if len(set(names)) == len(names) == count else ()


def _iter_recipe(
    folder: str | os.PathLike[str], result: HyperstackResult, inputs: Inputs, **options: Any
) -> Generator[Progress, None, dict[str, Any]]:
    from napari_focusfuse import io
    from napari_focusfuse.core.result import FusionResult

    info = dict(result.info)
    checksums = inputs if isinstance(inputs, dict) else (yield from io.iter_checksums(inputs))
    told = FusionResult(result.image, None, result.summary, info)
    return io.make_recipe(told, inputs=checksums, folder=folder, z=info.pop("z", None), **options)
