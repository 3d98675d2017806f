"""The metrics of one fused image, one after the other."""

from collections.abc import Generator, Sequence
from typing import Any

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.core.metrics._input import Greys, grey_like
from napari_focusfuse.core.metrics._metric import Metric
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError

__all__ = ["chosen", "iter_measure"]


def iter_measure(
    sources: Any,
    fused: Any,
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
) -> Generator[Progress, None, dict[str, float]]:
    """Measure a fused image metric by metric; see `napari_focusfuse.measure`."""
    wanted = chosen(metrics, with_truth=truth is not None)
    greys = Greys(sources, data_range)
    image = grey_like(fused, greys, "the fused image")
    true = None if truth is None else grey_like(truth, greys, "the true image")
    _check_size(wanted, greys.shape)
    scores = {}
    for done, metric in enumerate(wanted):
        yield Progress(done, len(wanted), metric.title)
        scores[metric.name] = metric.score(greys, image, true)
    yield Progress(len(wanted), len(wanted), "measured")
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
