"""Measuring fused images."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.progress import Progress, drain

if TYPE_CHECKING:
    from napari_focusfuse.core.metrics import Metric


def measure(
    sources: Any,
    fused: Any,
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
) -> dict[str, float]:
    """Score a fused image against its sources, and against the true image if there is one.

    Parameters
    ----------
    sources : array-like (N, Y, X) or (N, Y, X, 3|4), or a sequence of images
        What was fused, at least two images; numpy, dask or zarr.
    fused : array-like (Y, X) or (Y, X, 3|4)
        Of the size and type of the sources; colour is measured as grey (.2125 R + .7154 G + .0721 B).
    truth : array-like like `fused`, optional
        The true all-in-focus image.
    metrics : sequence of str, optional
        Names (see `list_metrics`); by default every metric, those that need `truth` only where it is given.
    data_range : float, optional
        Value that metrics see as 1. By default the largest value of an integer type, and 1 for floats.

    Returns
    -------
    dict of str to float
        Scores by name, in lower case, never NaN.

    Raises
    ------
    FocusFuseError
        The images are of different size, colour or type, hold NaN, or are too small; a metric is unknown.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=5)
    >>> scores = ff.measure(scene.stack, scene.truth, truth=scene.truth, metrics=["qg", "ssim"])
    >>> round(scores["ssim"], 3)
    1.0
    """
    return drain(iter_measure(sources, fused, truth=truth, metrics=metrics, data_range=data_range))


def iter_measure(
    sources: Any,
    fused: Any,
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
) -> Generator[Progress, None, dict[str, float]]:
    """Measure metric by metric: the same as `measure`, as a generator of `Progress`."""
    from napari_focusfuse.core.metrics.measuring import iter_measure as measuring

    return measuring(sources, fused, truth=truth, metrics=metrics, data_range=data_range)


def list_metrics() -> list[Metric]:
    """The metrics that `measure` knows: name, range, direction, what each measures and is blind to, reference."""
    from napari_focusfuse.core.metrics import METRICS

    return list(METRICS.values())
