"""Fusion methods by name: ours, and others for comparison, all for N slices and with one signature.

Methods with a decision map give a `Decision` as ours does; the others give an image alone. Nothing heavy is imported
before a method runs. A further method is a function ``iter_NAME(stack, config)`` in a file of its family, and an entry
in `table`; what else it takes by keyword, it says in `Method.needs`.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_focusfuse.config import FusionConfig, MethodConfig
from napari_focusfuse.core.methods.table import METHODS, Method, Need
from napari_focusfuse.core.progress import staged
from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari_focusfuse.core.progress import Progress
    from napari_focusfuse.core.result import Decision, FusionResult
    from napari_focusfuse.core.stack import Stack

__all__ = ["METHODS", "Method", "Need", "iter_decide", "iter_fuse", "method_named", "settings"]


def method_named(name: str) -> Method:
    """The method of that name.

    Raises
    ------
    FocusFuseError
        There is none.
    """
    if name not in METHODS:
        raise FocusFuseError(f"there is no method {name!r}: choose one of {', '.join(METHODS)}")
    return METHODS[name]


def settings(method: Method, config: FusionConfig | MethodConfig | None) -> FusionConfig | MethodConfig | None:
    """`config`, or the method's own defaults for None.

    Raises
    ------
    FocusFuseError
        These are the settings of another method.
    """
    if config is None:
        return None if method.config is None else method.config()
    if method.config is None or type(config) is not method.config:
        takes = "none" if method.config is None else f"those of {method.config.__name__}"
        given = type(config).__name__
        raise FocusFuseError(f"{given} has no settings of the method {method.name!r}: leave them out, it uses {takes}")
    return config


def iter_decide(
    method: Method, stack: Stack, config: FusionConfig | MethodConfig | None, info: Mapping[str, Any], **needed: Any
) -> Generator[Progress, None, Decision]:
    """Decide by a method.

    Parameters
    ----------
    method : Method
    stack : Stack
    config : FusionConfig, MethodConfig or None
        Of the type that the method takes; its defaults for None.
    info : mapping
        What goes into `Decision.info` besides the configuration and what the method tells.
    needed
        What the method needs (`Method.needs`): ``encoder`` of the model, ``device``, ``weights``.

    Returns
    -------
    Decision

    Raises
    ------
    FocusFuseError
        The method makes no decision map, or these are the settings of another one.
    """
    if not method.decides:
        deciding = ", ".join(other.name for other in METHODS.values() if other.decides)
        raise FocusFuseError(f"the method {method.name!r} makes an image but no decision map: choose one of {deciding}")
    checked = settings(method, config)
    decision: Decision = yield from _work(method)(stack, checked, **needed)
    return replace(decision, info={**_described(checked, info), **decision.info})


def iter_fuse(
    method: Method, stack: Stack, config: FusionConfig | MethodConfig | None, info: Mapping[str, Any], **needed: Any
) -> Generator[Progress, None, FusionResult]:
    """Fuse by a method; see `iter_decide`. Without a decision ``result.decision`` is None."""
    from napari_focusfuse.core.blend import iter_blend
    from napari_focusfuse.core.result import FusionResult
    from napari_focusfuse.core.result.told import summary

    if not method.decides:
        checked = settings(method, config)
        image = yield from _work(method)(stack, checked, **needed)
        text = f"{len(stack)} slices: {method.title.lower()}, an image without a decision map."
        return FusionResult(image, None, text, _described(checked, info))
    decision = yield from staged(iter_decide(method, stack, config, info, **needed), 0, 0.85)
    image = yield from staged(iter_blend(stack, decision), 0.85, 0.15)
    return FusionResult(image, decision, summary(decision), decision.info)


def _work(method: Method) -> Callable[..., Generator[Progress, None, Any]]:
    module, _, function = method.where.partition(":")
    work: Callable[..., Generator[Progress, None, Any]] = getattr(import_module(f"{__name__}.{module}"), function)
    return work


def _described(config: FusionConfig | MethodConfig | None, info: Mapping[str, Any]) -> dict[str, Any]:
    return dict(info) if config is None else {**info, "config": asdict(config)}
