"""Settings of SESF-Fuse."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from napari_focusfuse.config.checks import one_of, typed, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["CHANNEL", "DECIDE_ON", "STACK_AXIS", "DecideOn", "FusionConfig", "Prefer", "Preset", "Scales"]

Preset = Literal["default", "quantitative", "paper"]
Scales = Literal["learned", "window"]
Prefer = Literal["sharper", "nearer", "farther"]

#: What each preset means: a field that is left None takes its value from here.
_PRESETS: dict[str, dict[str, Any]] = {
    "default": {"scales": "learned", "radius": 4, "levels": 3, "softness": 0.0, "min_region": 0.0},
    "quantitative": {"scales": "learned", "radius": 4, "levels": 3, "softness": 0.0, "min_region": 0.0},
    "paper": {"scales": "window", "radius": 5, "levels": 1, "softness": math.inf, "min_region": 0.01},
}
_FROM_PRESET: Any = None


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """How to fuse. Fields that are left out take the preset's values.

    Attributes
    ----------
    preset : {"default", "quantitative", "paper"}
        "default" is the best we know: robust intensity range, noise measured by place, learned scales, coherent
        choice and weights. "quantitative" decides in the same way and takes each pixel from one slice, untouched.
        "paper" is Ma et al. 2020: dtype range, gates per image, one scale, a hard choice with consistency verification.
    scales : {"learned", "window"}
        What the activity is made of. "learned": what the model has learned of scales, windows and neighbourhoods; a
        model that has learned nothing of that takes "window": the spatial frequency in windows of `radius`, on
        `levels`. (default learned, paper window)
    radius : int
        r of Eq. 5-7, px: half the window of the spatial frequency. Larger windows are more robust to noise and less
        precise at depth edges. Only with scales "window". (default 4, paper 5)
    levels : int
        Scales on which the encoder may look: full size, 1/2, 1/4; coarser ones are used as far as the noise of the
        stack asks for. Only with scales "window". (default 3, paper 1)
    softness : float
        Weights are (activity / best activity) to this power: 1 averages many slices, 16 takes little more than the
        best one, inf takes the best one alone and verifies the choice (Sect. 3.3.2). 0 follows the noise of the
        stack. With a candidate head, its odds stand for the activities. (default 0, paper inf)
    prefer : {"sharper", "nearer", "farther"}
        Which of two depths a pixel takes where both have a claim (transparent layers, depth edges): the more probable
        one, or the one with the larger or smaller z if its odds are at least a ninth of the other's. Larger z is
        nearer, as in exported surfaces; of a stack that begins at the top, ask for the other. Only with learned scales
        and soft weights.
    min_region : float
        Regions of the decision smaller than this share of the image go to their surroundings (Sect. 3.3.2). Only with
        softness inf. (default 0, paper .01)
    series : bool
        Fuse one by one, in series (Sect. 3.1), instead of all slices at once. Only with the preset "paper".
    tile : int
        Side of the tiles in which slices are encoded, px, about: memory against speed; the result is the same.
    """

    preset: Preset = "default"
    scales: Scales = _FROM_PRESET
    radius: int = _FROM_PRESET
    levels: int = _FROM_PRESET
    softness: float = _FROM_PRESET
    prefer: Prefer = "sharper"
    min_region: float = _FROM_PRESET
    series: bool = False
    tile: int = 512

    def __post_init__(self) -> None:
        one_of("preset", self.preset, Preset)
        softened = self.softness not in (_FROM_PRESET, math.inf)
        for name, value in _PRESETS[self.preset].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, 0.0 if name == "min_region" and softened else value)
        typed(self)
        one_of("scales", self.scales, Scales)
        one_of("prefer", self.prefer, Prefer)
        within("radius", self.radius, 0, 50)
        within("levels", self.levels, 1, 3)
        within("softness", self.softness, 0, math.inf)
        within("min_region", self.min_region, 0, 0.5)
        within("tile", self.tile, 64, 8192)
        if self.preset == "paper" and self.scales == "learned":
            raise FocusFuseError('the preset "paper" compares windows of one radius: choose "default"')
        default = _PRESETS["default"]
        if self.scales == "learned" and (self.radius, self.levels) != (default["radius"], default["levels"]):
            raise FocusFuseError('radius and levels have no effect on learned scales: set scales to "window" as well')
        if self.preset == "quantitative" and self.hard:
            raise FocusFuseError(
                'the preset "quantitative" takes one unchanged slice per pixel: leave out softness inf'
            )
        if self.prefer != "sharper" and (self.scales != "learned" or self.hard):
            raise FocusFuseError(f"prefer {self.prefer!r} compares odds: leave scales learned and softness below inf")
        if self.min_region and not self.hard:
            raise FocusFuseError("min_region needs a hard choice: set softness to inf as well")
        if self.preset == "paper" and (self.levels > 1 or self.softness == 0):
            raise FocusFuseError('the preset "paper" has one level and does not follow the noise: choose "default"')
        if self.series and not (self.preset == "paper" and self.hard):
            raise FocusFuseError('series is part of the preset "paper" with softness inf: choose those as well')

    @property
    def hard(self) -> bool:
        """Whether each pixel comes from one slice, by a decision that is verified."""
        return math.isinf(self.softness)


#: Which channel decides: one by its number or name, the "sum" of all weighted by their noise, or "each" for itself.
DecideOn = int | str

DECIDE_ON: DecideOn = "sum"
#: Letters of the stack axis and the channel axis.
STACK_AXIS, CHANNEL = "Z", "C"
