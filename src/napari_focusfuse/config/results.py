"""Settings of what is done with a result: retouching by hand, and surfaces."""

from dataclasses import dataclass

from napari_focusfuse.config.checks import typed, within

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

    match_brightness: bool = False

    def __post_init__(self) -> None:
        typed(self)


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

    fill: bool = False
    least_confidence: float = 0.5
    max_vertices: int = 1_000_000

    def __post_init__(self) -> None:
        typed(self)
        within("least_confidence", self.least_confidence, 0, 1)
        within("max_vertices", self.max_vertices, 4, 100_000_000)
