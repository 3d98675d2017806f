"""Scores of fused images: one file per metric or family, all of them in `METRICS`; one image or many by all metrics.

Images are grey (Y, X) float64 in [0, 1]; `iter_measure` makes them so. Each metric takes N sources, and its docstring
says how they are pooled. Depth and decisions are compared with the truth by `truth`. Nothing is drawn or printed here.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from napari_focusfuse.core._types import Map
from napari_focusfuse.core.metrics.gradients import AG, GLD, SF
from napari_focusfuse.core.metrics.information import QMI, QNCIE
from napari_focusfuse.core.metrics.metric import Greys, Metric, check_alike, check_like, grey_like
from napari_focusfuse.core.metrics.phase import QP
from napari_focusfuse.core.metrics.qcb import QCB
from napari_focusfuse.core.metrics.qg import QG
from napari_focusfuse.core.metrics.qm import QM
from napari_focusfuse.core.metrics.reblur import REBLUR
from napari_focusfuse.core.metrics.structure import QC, QS, QY
from napari_focusfuse.core.metrics.truth import (
    BIAS,
    PSNR,
    SSIM,
    WrongPixels,
    calibration_error,
    depth_rmse,
    edge_band,
    islands,
    right_pixels,
    wrong_pixels,
)
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.stack.intensity import luminance
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "METRICS",
    "Metric",
    "WrongPixels",
    "calibration_error",
    "check_images",
    "chosen",
    "depth_rmse",
    "difference",
    "edge_band",
    "islands",
    "iter_compare",
    "iter_measure",
    "quality_map",
    "quoted",
    "right_pixels",
    "wrong_pixels",
]

_ALL = (QG, QM, QCB, QMI, QNCIE, QY, QP, QS, QC, REBLUR, AG, GLD, SF, PSNR, SSIM, BIAS)

#: Every metric by its name, the paper's three first and those that need the true image last.
METRICS = {metric.name: metric for metric in _ALL}


#: What errors call the images.
_FUSED, _TRUTH = "the fused image", "the true image"


def iter_measure(
    sources: Any,
    fused: Any,
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
) -> Generator[Progress, None, dict[str, float]]:
    """Measure a fused image metric by metric; see `napari_focusfuse.measure`."""
    images = {_FUSED: np.asarray(fused)}
    scores = yield from _iter_scores(sources, images, truth, metrics, data_range)
    return scores[_FUSED]


def iter_compare(
    sources: Any,
    fused: Mapping[str, Any],
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
    names: Sequence[str] | None = None,
) -> Generator[Progress, None, dict[str, dict[str, float]]]:
    """Measure several fused images of the same sources; see `napari_focusfuse.api.iter_compare`."""
    named = {repr(name): image for name, image in fused.items()}
    scores = yield from _iter_scores(quoted(sources), named, truth, metrics, data_range, names)
    return dict(zip(fused, scores.values(), strict=True))


def check_images(sources: Any, fused: Mapping[str, Any], *, truth: Any = None) -> None:
    """Refuse what `iter_compare` would refuse, as far as it can be told without reading a pixel."""
    greys = Greys(quoted(sources))
    for name, image in fused.items():
        check_like(image, greys, repr(name))
    if truth is not None:
        check_like(truth, greys, _TRUTH)
    _check_size(chosen(None, with_truth=truth is not None), greys.shape)


def quoted(sources: Any) -> Any:
    """Sources by name with their names in quotes, as errors write them; others as they are."""
    return {repr(name): image for name, image in sources.items()} if isinstance(sources, Mapping) else sources


def _iter_scores(
    sources: Any,
    fused: Mapping[str, Any],
    truth: Any,
    metrics: Sequence[str] | None,
    data_range: float | None,
    names: Sequence[str] | None = None,
) -> Generator[Progress, None, dict[str, dict[str, float]]]:
    wanted = chosen(metrics, with_truth=truth is not None)
    greys = Greys(sources, data_range, names)
    _check_size(wanted, greys.shape)
    for what, image in fused.items():
        check_like(image, greys, what)
    true = None if truth is None else grey_like(truth, greys, _TRUTH)
    done, total = 0, len(fused) * len(wanted)
    scores: dict[str, dict[str, float]] = {}
    for what, image in fused.items():
        grey, scores[what] = grey_like(image, greys, what), {}
        for metric in wanted:
            yield Progress(done, total, metric.title if what == _FUSED else f"{metric.title} of {what}")
            scores[what][metric.name] = metric.score(greys, grey, true)
            done += 1
    yield Progress(total, total, "measured")
    return scores


def chosen(names: Sequence[str] | None, *, with_truth: bool) -> list[Metric]:
    """Metrics by their names, in any case; None is all for which there is what they need.

    Raises
    ------
    FocusFuseError
        A name is unknown, or the metric needs a true image and there is none.
    """
    if names is None:
        return [metric for metric in METRICS.values() if with_truth or not metric.needs_truth]
    found = []
    for name in [names] if isinstance(names, str) else names:
        metric = METRICS.get(name.lower())
        if metric is None:
            raise FocusFuseError(f"there is no metric {name!r}: choose from {', '.join(METRICS)}")
        if metric.needs_truth and not with_truth:
            raise FocusFuseError(f"{metric.name} compares with a true image: give one, or leave {metric.name} out")
        found.append(metric)
    return found


def _check_size(metrics: Sequence[Metric], shape: tuple[int, int]) -> None:
    for metric in metrics:
        if min(shape) < metric.smallest:
            raise FocusFuseError(
                f"images of {shape[0]} x {shape[1]} px are too small for {metric.name}: "
                f"it needs {metric.smallest} px a side, choose other metrics"
            )


def quality_map(
    sources: Any, fused: Any, metric: str, data_range: float | None = None, names: Sequence[str] | None = None
) -> Map:
    """The map of a metric; see `napari_focusfuse.api.quality_map`."""
    mapped = [name for name, each in METRICS.items() if each.pixels is not None]
    known = METRICS.get(metric.lower())
    pixels = None if known is None else known.pixels
    if pixels is None:
        raise FocusFuseError(f"there is no map of {metric!r}: choose from {', '.join(mapped)}")
    greys = Greys(quoted(sources), data_range, names)
    return np.asarray(pixels(greys, grey_like(fused, greys, "the fused image")), dtype=np.float32)


def difference(fused: Any, other: Any) -> Map:
    """Fused minus other image, grey; see `napari_focusfuse.api.difference`."""
    fused, other = np.asarray(fused), np.asarray(other)
    check_alike(fused, other, "the fused image", "the other image is")
    return np.asarray(luminance(fused).astype(np.float64) - luminance(other), dtype=np.float32)
