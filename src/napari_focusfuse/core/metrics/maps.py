"""Where a fused image is good: maps of the metrics that have one, and differences between images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.core.metrics._input import Greys, check_alike, grey_like
from napari_focusfuse.core.metrics.measuring import quoted
from napari_focusfuse.core.stack.intensity import luminance
from napari_focusfuse.errors import FocusFuseError

__all__ = ["difference", "quality_map"]

Map = NDArray[np.float32]


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
