"""Settings of what is done with a result: retouching by hand, and surfaces."""

from dataclasses import dataclass
from typing import Annotated

from napari_focusfuse.config.checks import check
from napari_focusfuse.config.setting import Setting

__all__ = ["RetouchConfig", "SurfaceConfig"]


@dataclass(frozen=True, kw_only=True)
class RetouchConfig:
    """How the image follows an edit.

    Attributes
    ----------
    match_brightness : bool
        Multiply what was painted by one factor for each stroke, so that along its border the slice is as bright as the
        image around it. For lamps that flicker and dyes that bleach; pixels are then no longer those of a slice.
    """

    match_brightness: Annotated[
        bool,
        Setting(
            label="Match brightness",
            tip=(
                "Multiply each stroke by one factor, so that along its border the painted slice is as bright as the "
                "image around it.\n"
                "For flickering lamps and bleaching dyes. The pixels then no longer have the values of a slice."
            ),
        ),
    ] = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class SurfaceConfig:
    """How depth becomes a surface.

    Attributes
    ----------
    fill : bool
        Fill what was not measured from its surroundings; otherwise it is a hole.
    least_confidence : float
        Depth of less confidence than this is not taken as measured.
    max_vertices : int
        Of larger maps only every 2nd, 3rd... row and column becomes a vertex, each the median of the pixels around it.
    """

    fill: Annotated[
        bool,
        Setting(
            label="Fill holes",
            tip=(
                "Where depth was not measured or is unreliable, estimate it from the surroundings, also in exported "
                "files.\n"
                "Otherwise pixels without a measured depth are holes."
            ),
        ),
    ] = False
    least_confidence: Annotated[float, Setting(least=0, most=1)] = 0.5
    max_vertices: Annotated[int, Setting(least=4, most=100_000_000)] = 1_000_000

    def __post_init__(self) -> None:
        check(self)
