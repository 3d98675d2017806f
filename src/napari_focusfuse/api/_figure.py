"""Figures of a result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["save_figure"]


def save_figure(
    path: str | os.PathLike[str],
    image: NDArray[Any] | None = None,
    depth: NDArray[Any] | None = None,
    *,
    pixel_size: tuple[float, float] | None = None,
    depth_unit: str = "slices",
    limits: tuple[float, float] | None = None,
    depth_limits: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a fused image with a scale bar, a depth map with its colours and unit, or both side by side.

    Parameters
    ----------
    path : path
        Ends in .png (300 dots an inch) or .pdf.
    image : (Y, X) or (Y, X, 3|4) array, optional
    depth : (Y, X) array, optional
        Not measured is NaN, and stays white.
    pixel_size : (float, float), optional
        Height and width of a pixel, um; the scale bar is in pixels without it.
    depth_unit : str
        What depth is measured in.
    limits, depth_limits : (float, float), optional
        Values shown darkest and brightest; by default the percentiles .1 and 99.9.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    FocusFuseError
        There is neither image nor depth, they differ in size, or the file cannot be written.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> result = ff.fuse(ff.simulate((64, 64), slices=3).stack, method="sf")
    >>> ff.save_figure("beetle.png", result.image, result.decision.depth, pixel_size=(0.5, 0.5)).name
    'beetle.png'
    """
    from napari_focusfuse.io.figure import Panel, write_figure

    if image is not None and depth is not None and image.shape[:2] != depth.shape:
        raise FocusFuseError(f"the image is {image.shape[:2]} px and the depth map {depth.shape} px (height, width)")
    panels = [] if image is None else [Panel(image, limits)]
    if depth is not None:
        panels.append(Panel(depth, depth_limits, "viridis", f"depth ({depth_unit})"))
    if not panels:
        raise FocusFuseError("a figure needs an image or a depth map")
    return write_figure(path, panels, pixel_size=pixel_size, overwrite=overwrite)
