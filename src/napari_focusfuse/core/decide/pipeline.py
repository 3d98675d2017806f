"""The whole way: stack -> statistics -> activity of each slice -> decision -> verification -> image."""

import math
from collections.abc import Generator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.decide.coherence import Choice, settle
from napari_focusfuse.core.decide.confidence import Assessment, hard_weights, iter_assess
from napari_focusfuse.core.decide.depth import iter_steady
from napari_focusfuse.core.decide.scan import SliceActivity, iter_guide, iter_series, iter_top_k
from napari_focusfuse.core.decide.statistics import Statistics, iter_statistics
from napari_focusfuse.core.decide.top_k import TopK
from napari_focusfuse.core.decide.verification import iter_verified
from napari_focusfuse.core.decide.weights import by_activity, iter_choose, untouched
from napari_focusfuse.core.encode.measures import FocusMeasure
from napari_focusfuse.core.encode.votes import FEW
from napari_focusfuse.core.progress import Progress, repeated, staged
from napari_focusfuse.core.result import Decision, Flag, FusionResult, Labels
from napari_focusfuse.core.result.told import PROBABILITY, summary
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.workers import memory_is_short, workers
from napari_focusfuse.errors import ModelError

__all__ = ["FusionResult", "iter_decide", "iter_fuse"]

#: No slice has half of the weight: averaged.
_HALF = 0.5
#: Side of the tiles, px, below which a graphics card gives way to the processor.
_SMALLEST = 256


def iter_decide(
    stack: Stack, encoder: FocusMeasure, config: FusionConfig, device: torch.device, info: Mapping[str, Any]
) -> Generator[Progress, None, Decision]:
    """Decide for every pixel which slices it comes from.

    Parameters
    ----------
    stack : Stack
    encoder : FocusMeasure
        An `Encoder` in evaluation mode, on `device`; or another measure, to compare with.
    config : FusionConfig
    device : torch device
    info : mapping
        What goes into `Decision.info` besides what is measured here.

    Returns
    -------
    Decision
        Where the memory of a graphics card does not suffice, made in smaller tiles, or by the processor.
    """
    while True:
        try:
            return (yield from _iter_decide(stack, encoder, config, device, info))
        except RuntimeError as error:
            if device.type == "cpu" or not memory_is_short(error):
                raise
        if config.tile > _SMALLEST:
            config = replace(config, tile=max(config.tile // 2, _SMALLEST))
            told = f"graphics memory is short: again in tiles of {config.tile} px"
        else:
            device, told = torch.device("cpu"), "graphics memory is short: again on the processor"
            info = {**info, "device": "cpu"}
            if isinstance(encoder, nn.Module):
                encoder = encoder.to(device)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        yield Progress(0, 1000, told)


def _iter_decide(
    stack: Stack, encoder: FocusMeasure, config: FusionConfig, device: torch.device, info: Mapping[str, Any]
) -> Generator[Progress, None, Decision]:
    stats = yield from staged(iter_statistics(stack, encoder, config, device), 0, 0.05)
    if config.prefer != "sharper" and not stats.candidates:
        raise ModelError("this model does not compare two depths: choose the default model, or no preference")
    activity = SliceActivity(encoder, config, stats, device)
    if config.series:
        verified, silent = yield from staged(iter_series(stack, activity, config, stats), 0.05, 0.95)
        labels, weights = hard_weights(verified, verified.labels[0])
        judged = _of_series(weights, silent)
    else:
        peaks = yield from staged(iter_top_k(stack, activity, stats, workers(device)), 0.05, 0.8)
        choice = None
        if stats.candidates:
            choosing = iter_choose(peaks, stack, stats, stats.candidates, config.tile, device, prefer=config.prefer)
            choice = yield from repeated(choosing, Progress(850, 1000, "choosing slices and weights"))
            if len(stack) <= FEW:
                settle(choice, stack.order)
            if config.preset == "quantitative":
                choice = untouched(choice)
        # A preference says that two depths compete: then the second best lie anywhere in an orderly stack as well.
        judging = iter_assess(peaks, stack, stats.silence, choice, ordered=config.prefer == "sharper")
        judged = yield from repeated(judging, Progress(900, 1000, "depth and confidence"))
        if choice is not None:
            steadying = iter_steady(judged.depth, judged.confidence, choice.labels[0], stack.z, stats.noise.typical)
            yield from repeated(steadying, Progress(990, 1000, "depth"))
        if config.hard:
            labels, weights = yield from staged(
                _iter_hard(stack, peaks.labels[0].copy(), config, stats, judged), 0.9, 0.1
            )
        else:
            labels, weights = (choice or _by_activity(peaks, config, stats))[:2]
            averaged = (weights.max(axis=0) < _HALF) & (judged.flags & Flag.NO_SIGNAL == 0)
            judged.flags[:] |= np.uint16(Flag.AVERAGED) * averaged
    return Decision(labels, weights, *judged, stack.z, {**info, **_measured(config, stats)})


def _by_activity(peaks: TopK, config: FusionConfig, stats: Statistics) -> Choice:
    """The choice without a candidate head."""
    choice = by_activity(peaks, stats.softness)
    return untouched(choice) if config.preset == "quantitative" else choice


def _iter_hard(
    stack: Stack, index: Labels, config: FusionConfig, stats: Statistics, judged: Assessment
) -> Generator[Progress, None, tuple[Labels, NDArray[np.float32]]]:
    """Verify the choice of the best slice; where it is overruled, depth and confidence are lost."""
    guide = yield from staged(iter_guide(stack, index, stats.limits), 0, 0.5)
    order = [int(k) for k in stack.order]
    work = iter_verified(index, order, guide, config.radius, config.min_region)
    verified = yield from repeated(work, Progress(500, 1000, "consistency verification"))
    del guide, work
    labels, weights = hard_weights(verified, index)
    overruled = labels[0] != index
    judged.depth[overruled], judged.confidence[overruled] = np.nan, 0
    return labels, weights


def _of_series(weights: NDArray[np.float32], silent: NDArray[np.bool_]) -> Assessment:
    """A series compares each slice with a fused image, so that it tells no depth; confidence from the weights."""
    confidence = np.where(silent, np.float32(0), 1 - weights[1] / weights[0])
    return Assessment(np.full(silent.shape, np.nan, np.float32), confidence, silent * np.uint16(Flag.NO_SIGNAL))


def _measured(config: FusionConfig, stats: Statistics) -> dict[str, Any]:
    """Configuration and statistics in plain JSON types."""
    settings = {key: "inf" if value == math.inf else value for key, value in asdict(config).items()}
    return {
        "config": settings,
        "noise": stats.noise.typical,
        "limits": list(stats.limits),
        "level_weights": list(stats.level_weights),
        "softness": "inf" if math.isinf(stats.softness) else stats.softness,
        "confidence": PROBABILITY if stats.candidates else "margin",
    }


def iter_fuse(
    stack: Stack, encoder: FocusMeasure, config: FusionConfig, device: torch.device, info: Mapping[str, Any]
) -> Generator[Progress, None, FusionResult]:
    """Decide, then blend; see `iter_decide`."""
    decision = yield from staged(iter_decide(stack, encoder, config, device, info), 0, 0.85)
    image = yield from staged(iter_blend(stack, decision), 0.85, 0.15)
    return FusionResult(image, decision, summary(decision), decision.info)
