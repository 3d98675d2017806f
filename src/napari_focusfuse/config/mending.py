"""Settings of mending by hand."""

from dataclasses import dataclass

from napari_focusfuse.config._checks import typed

__all__ = ["MendConfig"]


@dataclass(frozen=True, kw_only=True)
class MendConfig:
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
