"""Fusing, deciding and blending."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._models import load_model, torch_device
from napari_focusfuse.config import FusionConfig, MethodConfig
from napari_focusfuse.core.methods import METHODS, Method, method_named, settings
from napari_focusfuse.core.progress import Progress, drain, drained
from napari_focusfuse.errors import StackError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_focusfuse.core.positions import Engine
    from napari_focusfuse.core.result import Decision, FusionResult
    from napari_focusfuse.core.stack.equalise import Watched

Report = Callable[[Progress], object]
Config = FusionConfig | MethodConfig


def list_methods() -> list[Method]:
    """List the fusion methods, the default first: name, title, description, citation and requirements.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> [method.name for method in ff.list_methods() if not method.decides]
    ['gf', 'lp', 'rp', 'dwt', 'dtcwt', 'cvt', 'nsct', 'sr', 'deepfuse', 'densefuse', 'max', 'mean']
    """
    return list(METHODS.values())


def iter_fuse(
    stack: Any,
    *,
    method: str = "sesf",
    config: Config | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
    equalise: bool | Sequence[float] = False,
) -> Generator[Progress, None, FusionResult]:
    """Fuse a focus stack into one all-in-focus image, by our method (Ma et al. 2020) or another.

    Parameters
    ----------
    stack : array-like (Z, Y, X) or (Z, Y, X, 3|4), or a sequence of images
        numpy, dask or zarr, any real type; dask and zarr are read slice by slice.
    method : str
        "sesf", spatial frequency of deep features, or another name from `list_methods`.
    config : FusionConfig or MethodConfig, optional
        Settings, of the type that the method takes (`Method.config`); its own defaults if left out.
    model : str or path
        Name of a model (see `list_models`) or a folder with one. Only "sesf" uses it.
    device : str
        "auto", "cpu", "cuda", "mps". Only "sesf" uses it; the other methods run on the CPU.
    axis : int
        The stack axis.
    rgb : bool, optional
        Whether the last axis holds RGB(A) samples; by default it does if there are four axes and it has 3 or 4.
    z : sequence of N floats, optional
        Position of each slice, um or slices, in any order; 0..N-1 if left out.
    equalise : bool or sequence of N floats
        Equalise the brightness of the slices first, each by one factor that is measured or given. For
        lamps that flicker or fade, in reflection and transmission; not for optical sections, each of which shows only
        the light of its own depth. Without it every fused value is one of the stack, or between several.

    Returns
    -------
    FusionResult
        The image (Y, X[, C]) in the type of the stack, the decision map (None for methods without one) and a
        summary.

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
    from napari_focusfuse.core.stack.equalise import Watched

    if isinstance(stack, (str, os.PathLike)):
        raise _no_array(stack)
    chosen, slices = method_named(method), Watched(stack, axis, rgb, z)
    made: dict[str, Any] = {}
    if equalise is not False:
        slices, made["equalised"] = yield from _iter_equalised(slices, (stack, axis, rgb, z), equalise)
    result = yield from engine_of(chosen, config, model, device, **made).fuse(slices)
    slices.warn()
    return result


fuse = drained(iter_fuse)


def _no_array(path: str | os.PathLike[str]) -> StackError:
    """Why a path is not fused, and what to do."""
    from napari_focusfuse import io

    try:
        io.read_stack(path)
    except StackError as error:  # such as a plate, for which it says more
        return error
    return StackError(f"{os.fspath(path)} is a path: open it with open_stack, and fuse the data, or use fuse_many")


def _iter_equalised(
    slices: Watched, given: tuple[Any, int, bool | None, Sequence[float] | None], equalise: bool | Sequence[float]
) -> Generator[Progress, None, tuple[Watched, list[float]]]:
    """The stack with its slices at one brightness, and the factors."""
    from napari_focusfuse.core.stack.equalise import Equalised, iter_factors

    found = (yield from iter_factors(slices)).tolist() if isinstance(equalise, bool) else equalise
    factors = [float(factor) for factor in found]
    return Equalised(*given, factors=factors), factors


def iter_decide(
    stack: Any,
    *,
    method: str = "sesf",
    config: Config | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
) -> Generator[Progress, None, Decision]:
    """Decide for every pixel which slices it comes from: the first half of `fuse`, with the same parameters.

    Returns
    -------
    Decision
        It can be saved, edited, and used to `blend` any stack of the same geometry.

    Raises
    ------
    FocusFuseError
        The input cannot be fused, or the method makes no decision map.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> decision.index.shape, decision.depth.dtype.name, len(decision.z)
    ((64, 64), 'float32', 3)
    """
    from napari_focusfuse.core.stack import Stack

    slices, chosen = Stack(stack, axis, rgb, z), method_named(method)
    return (yield from engine_of(chosen, config, model, device).decide(slices))


decide = drained(iter_decide)


def blend(stack: Any, decision: Decision, *, axis: int = 0, rgb: bool | None = None) -> NDArray[Any]:
    """Fuse a stack with a decision map, its own or that of another channel: the second half of `fuse`.

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

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> other_channel = scene.stack // 2
    >>> ff.blend(other_channel, decision).shape
    (64, 64)
    """
    from napari_focusfuse.core.blend import iter_blend
    from napari_focusfuse.core.stack import Stack

    return drain(iter_blend(Stack(stack, axis, rgb), decision))


def engine_of(method: Method, config: Config | None, model: str | os.PathLike[str], device: str, **more: Any) -> Engine:
    """A method with its settings, which fuses one stack after the other, and tells `more` of what made them."""
    from napari_focusfuse.core import methods
    from napari_focusfuse.core.positions import Engine

    options = _prepared(method, config, model, device)
    options["info"] |= more
    works = partial(methods.iter_fuse, method, **options), partial(methods.iter_decide, method, **options)
    return Engine(*works, decides=method.decides)


def _prepared(method: Method, config: Config | None, model: str | os.PathLike[str], device: str) -> dict[str, Any]:
    """What a method takes besides the stack, by the names of `core.methods.iter_fuse`."""
    options: dict[str, Any] = {"config": settings(method, config), "info": info_of(method)}
    if not method.needs:
        return options
    import torch

    # Sums in another order differ in their last digits: the same bytes come back with as many threads.
    options["info"]["threads"] = torch.get_num_threads()
    if "weights" in method.needs:
        from napari_focusfuse.models.compared import load_weights

        options["weights"], options["info"]["weights_sha256"] = load_weights(method.name)
    if "device" in method.needs:
        options["device"] = torch_device(device)
        options["info"]["device"] = options["device"].type
    if "model" in method.needs:
        loaded = load_model(model)
        options["info"] |= {"model": loaded.name, "model_sha256": loaded.sha256}
        options["encoder"] = loaded.encoder.to(options["device"])
        options["encoder"].to(memory_format=torch.channels_last)
    return options


def info_of(method: Method) -> dict[str, Any]:
    """What a decision or result says of its making."""
    return {"version": version("napari-focusfuse"), "method": method.name}


def load_decision(path: str | os.PathLike[str]) -> Decision:
    """Read a decision that `Decision.save` wrote.

    Raises
    ------
    FocusFuseError
        The file is missing or contains no decision map.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> decision = ff.decide(scene.stack, method="sf")
    >>> path = decision.save("decision.npz")
    >>> bool((ff.load_decision("decision.npz").index == decision.index).all())
    True
    """
    from napari_focusfuse.core.result import load_decision as load

    return load(path)
