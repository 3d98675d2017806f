"""The public functions: they resolve names, devices and paths, and drain the generators of the core."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_focusfuse.core.config import FusionConfig, Preset, SEVariant, TrainConfig
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.errors import FocusFuseError, OutputError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from napari_focusfuse.core.decision import Decision
    from napari_focusfuse.core.network import Encoder
    from napari_focusfuse.core.pipeline import FusionResult
    from napari_focusfuse.core.simulate import Scene
    from napari_focusfuse.core.training import EpochLog, TrainReport, TrainState
    from napari_focusfuse.io import StackFile
    from napari_focusfuse.models import Model

__all__ = [
    "FusionConfig",
    "Method",
    "Preset",
    "Progress",
    "SEVariant",
    "TrainConfig",
    "TrainResult",
    "blend",
    "check_image_target",
    "check_result_folder",
    "decide",
    "default_model",
    "fuse",
    "is_stack_folder",
    "iter_decide",
    "iter_fuse",
    "iter_train",
    "list_devices",
    "list_models",
    "load_decision",
    "load_model",
    "model_card",
    "open_stack",
    "sample_scene",
    "save_image",
    "save_result",
    "save_stack",
    "simulate",
    "stack_name",
    "train",
]

Method = Literal["sesf"]


@dataclass(frozen=True)
class TrainResult:
    """What training gives.

    Attributes
    ----------
    folder : Path
        The model folder.
    log : tuple of EpochLog
        Losses of every epoch.
    psnr : float
        Of the reconstruction of whole validation images, dB.
    ssim : float
        Likewise.
    """

    folder: Path
    log: tuple[EpochLog, ...]
    psnr: float
    ssim: float


Report = Callable[[Progress], object]


def fuse(
    stack: Any,
    *,
    method: Method = "sesf",
    config: FusionConfig | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
    progress: Report | None = None,
) -> FusionResult:
    """Fuse a focus stack into one all-in-focus image (Ma et al. 2020).

    Parameters
    ----------
    stack : array-like (Z, Y, X) or (Z, Y, X, 3|4), or a sequence of images
        numpy, dask or zarr, any real type; dask and zarr are read slice by slice.
    method : {"sesf"}
        Spatial frequency of deep features.
    config : FusionConfig, optional
        Preset and settings.
    model : str or path
        Name of a model (see `list_models`) or a folder with one.
    device : str
        "auto", "cpu", "cuda", "mps".
    axis : int
        The stack axis.
    rgb : bool, optional
        Whether the last axis holds RGB(A) samples; by default it does if there are four axes and it has 3 or 4.
    z : sequence of N floats, optional
        Position of each slice, um or slices, in any order; 0..N-1 if left out.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    FusionResult
        The image (Y, X[, C]) in the type of the stack, the decision and a summary.

    Raises
    ------
    FocusFuseError
        The input cannot be fused; the message says why and what to do.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=5)
    >>> result = ff.fuse(scene.stack)
    >>> result.image.shape, result.image.dtype
    ((64, 64), dtype('uint16'))
    """
    work = iter_fuse(stack, method=method, config=config, model=model, device=device, axis=axis, rgb=rgb, z=z)
    return drain(work, progress)


def iter_fuse(
    stack: Any,
    *,
    method: Method = "sesf",
    config: FusionConfig | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
) -> Generator[Progress, None, FusionResult]:
    """Fuse step by step: the same as `fuse`, as a generator of `Progress` that returns the result."""
    from napari_focusfuse.core import pipeline
    from napari_focusfuse.core.stack import Stack

    slices = Stack(stack, axis, rgb, z)
    return (yield from pipeline.iter_fuse(slices, *_prepared(method, config, model, device)))


def decide(
    stack: Any,
    *,
    method: Method = "sesf",
    config: FusionConfig | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
    progress: Report | None = None,
) -> Decision:
    """Decide for every pixel which slices it comes from: the first half of `fuse`, with the same parameters.

    Returns
    -------
    Decision
        It can be saved, edited, and used to `blend` any stack of the same geometry.
    """
    work = iter_decide(stack, method=method, config=config, model=model, device=device, axis=axis, rgb=rgb, z=z)
    return drain(work, progress)


def iter_decide(
    stack: Any,
    *,
    method: Method = "sesf",
    config: FusionConfig | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
) -> Generator[Progress, None, Decision]:
    """Decide step by step: the same as `decide`, as a generator of `Progress` that returns the decision."""
    from napari_focusfuse.core import pipeline
    from napari_focusfuse.core.stack import Stack

    slices = Stack(stack, axis, rgb, z)
    return (yield from pipeline.iter_decide(slices, *_prepared(method, config, model, device)))


def blend(stack: Any, decision: Decision, *, axis: int = 0, rgb: bool | None = None) -> NDArray[Any]:
    """Fuse a stack by a decision: the second half of `fuse`, on the stack it was made for or another channel of it.

    Parameters
    ----------
    stack : array-like (Z, Y, X) or (Z, Y, X, 3|4)
        As many slices, in the same order and of the same size as the decision was made for.
    decision : Decision
    axis : int
        The stack axis.
    rgb : bool, optional
        Whether the last axis holds RGB(A) samples.

    Returns
    -------
    array (Y, X[, C])
        Of the type of the stack.

    Raises
    ------
    StackError
        The stack does not fit the decision.
    """
    from napari_focusfuse.core.blend import iter_blend
    from napari_focusfuse.core.stack import Stack

    return drain(iter_blend(Stack(stack, axis, rgb), decision))


def _prepared(
    method: str, config: FusionConfig | None, model: str | os.PathLike[str], device: str
) -> tuple[Encoder, FusionConfig, torch.device, dict[str, Any]]:
    """What the core's generators need besides the stack."""
    import torch

    from napari_focusfuse.models import load_model as load

    if method not in get_args(Method):
        raise FocusFuseError(f"there is no method {method!r}: choose one of {', '.join(get_args(Method))}")
    loaded = load(model)
    where = _device(device)
    encoder = loaded.encoder.to(where)
    encoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    info = {
        "version": version("napari-focusfuse"),
        "method": method,
        "model": loaded.name,
        "model_sha256": loaded.sha256,
    }
    return encoder, config or FusionConfig(), where, info


def list_devices() -> list[str]:
    """What `device` may be on this machine, "auto" first."""
    import torch

    found = ["auto", "cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def _device(name: str) -> torch.device:
    import torch

    found = list_devices()
    if name == "auto":
        return torch.device(found[-1] if len(found) > 2 else "cpu")
    if name.partition(":")[0] not in found:
        raise FocusFuseError(f"there is no device {name!r} here: choose one of {', '.join(found)}")
    return torch.device(name)


def load_model(name: str | os.PathLike[str] = "default") -> Model:
    """Load a model by its name or from a folder; see `napari_focusfuse.models.load_model`."""
    from napari_focusfuse.models import load_model as load

    return load(name)


def list_models() -> list[str]:
    """Names of the models that come with the package."""
    from napari_focusfuse.models import list_models as listed

    return listed()


def default_model() -> str:
    """The model that "default" stands for."""
    from napari_focusfuse.models import ALIASES

    return ALIASES["default"]


def model_card(name: str) -> str:
    """Text of a model's card: data and its licence, command, seed, date, scores."""
    from napari_focusfuse.models import model_card as card

    return card(name)


def load_decision(path: str | os.PathLike[str]) -> Decision:
    """Read a decision that `Decision.save` wrote."""
    from napari_focusfuse.core.decision import load_decision as load

    return load(path)


def simulate(*args: Any, **kwargs: Any) -> Scene:
    """Simulate a focus stack with exact truth; see `napari_focusfuse.core.simulate.simulate`."""
    from napari_focusfuse.core.simulate import simulate as run

    return run(*args, **kwargs)


def sample_scene() -> Scene:
    """The simulated focus stack of the sample data and the demonstration."""
    from napari_focusfuse.core.simulate import sample_scene as scene

    return scene()


def open_stack(path: str | os.PathLike[str], *, axis: str | None = None, rgb: bool = False) -> StackFile:
    """Open a folder of slices, a TIFF, OME-TIFF or OME-Zarr lazily, as a focus stack.

    Parameters
    ----------
    path : path
        Folder or file.
    axis : str, optional
        Letter or number of the stack axis, where the file does not say it.
    rgb : bool
        Whether a channel axis of 3 or 4 is colour.

    Returns
    -------
    StackFile
        ``data`` is (Z, Y, X) or (Z, Y, X, 3|4); z-step and pixel size in um where the file states them.

    Raises
    ------
    StackError
        It cannot be read, or is no focus stack; the message says why.
    """
    from napari_focusfuse import io

    return io.read_stack(path).focus_stack(axis, rgb=rgb)


def stack_name(path: str | os.PathLike[str]) -> str:
    """Name of a stack by its path: without suffixes."""
    from napari_focusfuse import io

    return io.title(Path(path))


def is_stack_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with at least two images; cheap, and never raises."""
    from napari_focusfuse import io

    try:
        return Path(path).is_dir() and len(io.slice_files(path)) > 1
    except (OSError, FocusFuseError):
        return False


def check_image_target(path: str | os.PathLike[str], dtype: Any = None, *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `save_image` would later; see `napari_focusfuse.io.check_image_target`."""
    from napari_focusfuse import io

    io.check_image_target(path, dtype, overwrite=overwrite)


def check_result_folder(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise `OutputError` now if `save_result` would later; see `napari_focusfuse.io.check_result_folder`."""
    from napari_focusfuse import io

    io.check_result_folder(path, overwrite=overwrite)


def save_image(path: str | os.PathLike[str], image: NDArray[Any], **options: Any) -> Path:
    """Write one image by its suffix; see `napari_focusfuse.io.write_image`."""
    from napari_focusfuse import io

    return io.write_image(path, image, **options)


def save_stack(path: str | os.PathLike[str], stack: NDArray[Any], **options: Any) -> Path:
    """Write a stack as OME-TIFF; see `napari_focusfuse.io.write_stack`."""
    from napari_focusfuse import io

    return io.write_stack(path, stack, **options)


def save_result(
    folder: str | os.PathLike[str],
    result: FusionResult,
    *,
    pixel_size: tuple[float, float] | None = None,
    z_step: float | None = None,
    inputs: Sequence[str | os.PathLike[str]] = (),
    overwrite: bool = False,
) -> Path:
    """Write a result as a folder: fused image, index, depth and confidence as OME-TIFF, and ``recipe.json``.

    Parameters
    ----------
    folder : path
        Made new; refused if it exists, unless `overwrite`.
    result : FusionResult
    pixel_size : (float, float), optional
        Height and width of a pixel, um.
    z_step : float, optional
        Distance of neighbouring slices, um; with it depth is written in um.
    inputs : sequence of paths
        Files the stack came from; their checksums go into the recipe.
    overwrite : bool
        Replace an existing result, once the new one is complete.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        The folder exists or cannot be written; nothing is left behind.
    """
    from napari_focusfuse import io

    recipe = io.make_recipe(result, inputs=inputs, pixel_size=pixel_size, z_step=z_step)
    return io.write_result(folder, result, pixel_size=pixel_size, z_step=z_step, recipe=recipe, overwrite=overwrite)


def train(
    images: Any,
    config: TrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    resume: bool = False,
    licence: str = "",
    progress: Report | None = None,
) -> TrainResult:
    """Train the encoder-decoder on your own images, without labels, and write it as a model folder.

    Parameters
    ----------
    images : folder, sequence of folders, or sequence of arrays (Y, X[, 3|4])
        Sharp images; colour is made grey, 8 bit is divided by 255, everything else by its percentiles .1 and 99.9.
    config : TrainConfig, optional
        Recipe.
    out : path
        Folder for ``model.safetensors``, ``card.md``, ``log.csv`` and the checkpoint.
    validation : like `images`, optional
        By default every tenth image is kept for it.
    resume : bool
        Go on from the checkpoint in `out`; the same weights come out as without the interruption.
    licence : str
        Terms of the images, for the card.
    progress : callable, optional
        Called with a `TrainReport` after each batch.

    Returns
    -------
    TrainResult

    Raises
    ------
    FocusFuseError
        No usable images, nothing to resume, `out` holds a model already, or the loss is no longer a number.
    """
    work = iter_train(images, config, out=out, validation=validation, resume=resume, licence=licence)
    return drain(work, progress)


def iter_train(
    images: Any,
    config: TrainConfig | None = None,
    *,
    out: str | os.PathLike[str],
    validation: Any = None,
    resume: bool = False,
    licence: str = "",
) -> Generator[TrainReport, None, TrainResult]:
    """Train step by step: the same as `train`, as a generator of `TrainReport`."""
    from napari_focusfuse import models
    from napari_focusfuse.core import training

    config, folder = config or TrainConfig(), Path(out)
    state = models.load_state(folder) if resume else None
    if not resume and models.holds_model(folder):
        raise OutputError(f"{folder} holds a model already: choose another folder, or resume")
    greys = _greys(images)
    held_out = greys[::10] if validation is None else _greys(validation)
    if validation is None:
        greys = [grey for i, grey in enumerate(greys) if i % 10]
    work = training.iter_train(greys, held_out, config, state)
    while True:
        try:
            report = next(work)
        except StopIteration as end:
            finished: TrainState = end.value
            break
        if report.state is not None:
            models.save_state(report.state, folder)
        yield report
    network = training.best_network(finished)
    psnr, ssim = training.reconstruction_scores(network, held_out)
    names = [str(item) for item in _folders(images)] or [f"{len(greys)} arrays"]
    counts = (len(greys), len(held_out))
    models.save_model(network, folder, models.training_card(config, finished, names, counts, (psnr, ssim), licence))
    return TrainResult(folder, tuple(finished.log), psnr, ssim)


def _folders(images: Any) -> list[Path]:
    """`images` as folders; none if they are arrays."""
    if isinstance(images, (str, os.PathLike)):
        return [Path(images)]
    return [Path(item) for item in images if isinstance(item, (str, os.PathLike))]


def _greys(images: Any) -> list[NDArray[np.float32]]:
    """Images of folders, or arrays, as grey in [0, 1]."""
    import numpy as np

    from napari_focusfuse import io
    from napari_focusfuse.core.intensity import training_grey

    folders = _folders(images)
    if not folders:
        return [training_grey(np.asarray(image)) for image in images]
    files = [file for folder in folders for file in io.slice_files(folder)]
    return [training_grey(io.read_image(file)) for file in files]
