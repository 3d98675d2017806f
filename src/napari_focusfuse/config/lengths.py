"""Physical sizes that callers give: lengths in um, greater than 0."""

import math
from collections.abc import Iterable
from typing import Any

from napari_focusfuse.errors import OutputError

__all__ = ["check_sizes"]


def check_sizes(pixel_size: Any = None, z_step: Any = None) -> None:
    """Refuse a pixel size that is not two lengths, and a z-step that is none; None is not known, and right.

    Raises
    ------
    OutputError
    """
    if pixel_size is not None:
        sides = list(pixel_size) if isinstance(pixel_size, Iterable) else []
        if len(sides) != 2 or not all(map(_is_length, sides)):
            raise OutputError(
                f"the pixel size must be a height and a width greater than 0, not {pixel_size}: give both in um"
            )
    if z_step is not None and not _is_length(z_step):
        raise OutputError(f"the z-step must be greater than 0, not {z_step}: give the distance of two slices in um")


def _is_length(value: Any) -> bool:
    try:
        return 0 < float(value) < math.inf
    except (TypeError, ValueError, OverflowError):
        return False
