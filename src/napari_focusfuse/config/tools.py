"""Settings of what is done before and after fusing: alignment, retouching, surfaces."""

from dataclasses import dataclass
from typing import Annotated, Literal

from napari_focusfuse.config.setting import Setting, check, whole
from napari_focusfuse.errors import FocusFuseError

__all__ = ["AlignConfig", "Edges", "Kind", "RetouchConfig", "SurfaceConfig"]

Kind = Literal["none", "translation", "similarity", "affine"]
Edges = Literal["crop", "nan"]


@dataclass(frozen=True, kw_only=True)
class AlignConfig:
    """How slices are aligned.

    Attributes
    ----------
    kind : {"none", "translation", "similarity", "affine"}
        What may differ between slices: nothing, the position, also rotation and scale (focus breathing), or also shear.
    reference : "middle" or int
        The slice that stays as it is, by its number from 0.
    edges : {"crop", "nan"}
        Keep the area that all slices show, or the whole one with NaN where a slice shows nothing (float result).
    tolerance : float
        Slices that are nowhere further off than this (px) are left as they are, and all of them if none is.
    """

    kind: Annotated[
        Kind,
        Setting(
            label="Correct for",
            tip=(
                "What may differ between slices. A simpler transform is more robust where there is little structure.\n"
                "Focusing changes the scale; a tilting stand or a hand-held camera rotates the image."
            ),
            offered=(
                ("shift", "translation"),
                ("shift, rotation, scale", "similarity"),
                ("shift, rotation, scale, shear", "affine"),
            ),
        ),
    ] = "similarity"
    reference: Literal["middle"] | int = "middle"
    edges: Annotated[
        Edges,
        Setting(
            label="Edges",
            tip=("Crop: a smaller stack of the same data type. NaN: the full area, as floating point."),
            offered=(("crop to common area", "crop"), ("keep size, fill with NaN", "nan")),
        ),
    ] = "crop"
    tolerance: Annotated[float, Setting(least=0)] = 0.3

    def __post_init__(self) -> None:
        check(self)
        if isinstance(self.reference, str) and self.reference != "middle":
            raise FocusFuseError(f"reference {self.reference!r} is unknown: give 'middle' or the number of a slice")
        if self.reference != "middle":
            whole("reference", self.reference)

    def reference_of(self, slices: int) -> int:
        """Number of the reference in a stack of so many slices."""
        if self.reference == "middle":
            return slices // 2
        if not 0 <= self.reference < slices:
            raise FocusFuseError(f"there is no slice {self.reference} in a stack of {slices}: choose 0 to {slices - 1}")
        return self.reference


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
