"""Settings of alignment."""

from dataclasses import dataclass
from typing import Annotated, Literal

from napari_focusfuse.config.checks import check, whole
from napari_focusfuse.config.setting import Setting
from napari_focusfuse.errors import FocusFuseError

__all__ = ["AlignConfig", "Edges", "Kind"]

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
            offered=((("crop to the common area"), "crop"), (("keep size, fill with NaN"), "nan")),
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
