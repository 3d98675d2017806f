"""Measuring fused images, and how sharp the slices are."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from napari_focusfuse.api._models import load_model, torch_device
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.progress import Progress, drain, drained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_focusfuse.core.focus import Focus, FocusCurve
    from napari_focusfuse.core.metrics import Metric


def iter_measure(
    sources: Any,
    fused: Any,
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
) -> Generator[Progress, None, dict[str, float]]:
    """Score a fused image against its sources, and against the true image if there is one.

    Parameters
    ----------
    sources : array-like (N, Y, X) or (N, Y, X, 3|4), or a sequence of images
        What was fused, at least two images; numpy, dask or zarr.
    fused : array-like (Y, X) or (Y, X, 3|4)
        Of the size and type of the sources; colour is measured as grey (.2125 R + .7154 G + .0721 B).
    truth : array-like like `fused`, optional
        The ground truth all-in-focus image.
    metrics : sequence of str, optional
        Names (see `list_metrics`); by default every metric, those that need `truth` only where it is given.
    data_range : float, optional
        Grey value that metrics treat as 1. By default the largest value of an integer type, and 1 for floats; a warning
        says where the images are on another scale.

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
    from napari_focusfuse.core.metrics import iter_measure as measuring

    return measuring(sources, fused, truth=truth, metrics=metrics, data_range=data_range)


measure = drained(iter_measure)


def iter_compare(
    sources: Any,
    fused: Mapping[str, Any],
    *,
    truth: Any = None,
    metrics: Sequence[str] | None = None,
    data_range: float | None = None,
    names: Sequence[str] | None = None,
) -> Generator[Progress, None, dict[str, dict[str, float]]]:
    """Measure several fused images of the same sources, step by step.

    Parameters
    ----------
    sources : array-like, a sequence of images, or a mapping of names to images
        As for `measure`; errors call images by their names.
    fused : mapping of str to array-like
        Fused images by name.
    truth, metrics, data_range
        As for `measure`.
    names : sequence of str, optional
        What errors call the sources, where they are no mapping; "source 0" and so on by default.

    Yields
    ------
    Progress

    Returns
    -------
    dict of str to dict of str to float
        What `measure` gives, for each name.

    Raises
    ------
    FocusFuseError
        As `measure`; all sizes, colours and types are checked before anything is measured.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> images = {name: ff.fuse(scene.stack, method=name).image for name in ("sf", "mean")}
    >>> work = ff.iter_compare(scene.stack, images, metrics=["qg", "qmi"])
    >>> sum(step.done < step.total for step in work) > 0
    True
    """
    from napari_focusfuse.core.metrics import iter_compare as comparing

    return comparing(sources, fused, truth=truth, metrics=metrics, data_range=data_range, names=names)


def check_images(sources: Any, fused: Mapping[str, Any], *, truth: Any = None) -> None:
    """Raise `FocusFuseError` now if `iter_compare` would later, as far as it can be checked without reading a pixel."""
    from napari_focusfuse.core.metrics import check_images as check

    check(sources, fused, truth=truth)


def list_metrics() -> list[Metric]:
    """List the metrics of `measure`: name, range, direction, what each measures and is blind to, reference.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> [metric.name for metric in ff.list_metrics() if metric.needs_truth]
    ['psnr', 'ssim', 'bias']
    """
    from napari_focusfuse.core.metrics import METRICS

    return list(METRICS.values())


def quality_map(
    sources: Any,
    fused: Any,
    metric: str = "qg",
    *,
    data_range: float | None = None,
    names: Sequence[str] | None = None,
) -> NDArray[np.float32]:
    """Map of where a fused image keeps the content of its sources.

    Parameters
    ----------
    sources, fused
        As for `measure`.
    metric : str
        A metric that has a map (`Metric.pixels`).
    data_range, names
        As for `iter_compare`.

    Returns
    -------
    array (Y, X) float32
        Its mean is the score that `measure` gives.

    Raises
    ------
    FocusFuseError
        As `measure`, or the metric has no map.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> quality = ff.quality_map(scene.stack, scene.truth, "qg")
    >>> quality.shape, bool(abs(quality.mean() - ff.measure(scene.stack, scene.truth, metrics=["qg"])["qg"]) < 1e-5)
    ((64, 64), True)
    """
    from napari_focusfuse.core.metrics import quality_map as mapped

    return mapped(sources, fused, metric, data_range, names)


def difference(fused: Any, other: Any) -> NDArray[np.float32]:
    """Fused image minus another one, a source or the truth.

    Parameters
    ----------
    fused, other : array-like (Y, X) or (Y, X, 3|4)
        Of one size and type.

    Returns
    -------
    array (Y, X) float32
        Difference of the grey values, in the units of the images; NaN where one is NaN.

    Raises
    ------
    FocusFuseError
        Size, colour or type differ.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> float(abs(ff.difference(scene.truth, scene.truth)).max())
    0.0
    """
    from napari_focusfuse.core.metrics import difference as subtract

    return subtract(fused, other)


def iter_focus(
    stack: Any,
    *,
    config: FusionConfig | None = None,
    model: str | os.PathLike[str] = "default",
    device: str = "auto",
    axis: int = 0,
    rgb: bool | None = None,
    z: Sequence[float] | None = None,
) -> Generator[Progress, None, Focus]:
    """Analyse a stack once, so that focus curves of its pixels take milliseconds.

    Parameters
    ----------
    stack, model, device, axis, rgb, z
        As for `fuse`.
    config : FusionConfig, optional
        With which the activity level is that of the fusion; not of the preset "paper", whose activity depends on
        whole slices.

    Yields
    ------
    Progress

    Returns
    -------
    Focus
        ``curve(y, x)`` gives the `FocusCurve` of a pixel, ``iter_map(k, "sf"|"deep")`` the activity of slice `k`.

    Raises
    ------
    FocusFuseError
        As `fuse`.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> steps = list(ff.iter_focus(scene.stack))
    >>> isinstance(steps[0], ff.Progress)
    True
    """
    from napari_focusfuse.core.focus import iter_focus as looking
    from napari_focusfuse.core.stack import Stack

    where = torch_device(device)
    encoder = load_model(model).encoder.to(where)
    return (yield from looking(Stack(stack, axis, rgb, z), encoder, config or FusionConfig(), where))


def focus_curve(stack: Any, y: int, x: int, **options: Any) -> FocusCurve:
    """Activity of one pixel over the slices; for many pixels keep what `iter_focus` returns.

    Parameters
    ----------
    stack : array-like
        As for `fuse`.
    y, x : int
        The pixel.
    options
        Of `iter_focus`.

    Returns
    -------
    FocusCurve
        ``z``, ``sf`` (spatial frequency of the grey values) and ``deep`` (activity level of the fusion), (N,) each.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=5)
    >>> curve = ff.focus_curve(scene.stack, 32, 32)
    >>> bool(abs(curve.z[curve.deep.argmax()] - scene.depth[32, 32]) <= 1)
    True
    """
    return drain(iter_focus(stack, **options)).curve(y, x)
