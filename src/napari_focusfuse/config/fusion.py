"""Settings of SESF-Fuse."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from napari_focusfuse.config.setting import Setting, check, one_of
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
        one, or the one with the larger or smaller z if its odds are at least two sevenths of the other's. Larger z is
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

    preset: Annotated[
        Preset,
        Setting(
            label="Preset",
            tip=(
                "default: several scales and soft weights, the best we know for noisy and large stacks.\n"
                "quantitative: the same decision; each pixel is copied unchanged from one slice.\n"
                "paper: SESF-Fuse as published (one scale, hard choice, consistency verification)."
            ),
            main=True,
        ),
    ] = "default"
    scales: Annotated[
        Scales,
        Setting(
            label="Sharpness",
            tip=(
                "How sharpness is measured.\n"
                "learned: on the scales and in the neighbourhoods that the model has learned to trust.\n"
                "windows of one radius: plain spatial frequency, for comparison."
            ),
            offered=(("learned", "learned"), ("windows of one radius", "window")),
        ),
    ] = _FROM_PRESET
    radius: Annotated[
        int,
        Setting(
            label="Window radius",
            unit="px",
            tip="Radius of the window in which the sharpness of a slice is measured.\n"
            "Larger: more robust to noise and little texture. Smaller: more precise at depth edges.\n"
            "Only where sharpness is measured in windows of one radius.",
            least=0,
            most=50,
        ),
    ] = _FROM_PRESET
    levels: Annotated[
        int,
        Setting(
            label="Pyramid levels",
            tip="On how many scales the sharpness is measured: full, half and quarter size.\n"
            "More: far fewer wrong pixels under noise. 1: finest detail on clean images.\n"
            "Only where sharpness is measured in windows of one radius.",
            least=1,
            most=3,
        ),
    ] = _FROM_PRESET
    softness: Annotated[
        float,
        Setting(
            label="Weights",
            tip="How many slices share a pixel. Low powers average many: less noise, softer detail.\n"
            "High powers take little more than the sharpest; a hard choice takes one slice and verifies it.",
            least=0,
            offered=(
                ("adapt to the noise", 0.0),
                *((f"power {power}", float(power)) for power in (1, 2, 4, 8, 16)),
                ("hard choice", math.inf),
            ),
        ),
    ] = _FROM_PRESET
    prefer: Annotated[
        Prefer,
        Setting(
            label=("Between two depths"),
            tip=(
                "Which of two depths a pixel takes where both are sharp: transparent layers, depth edges.\n"
                "Only with learned sharpness, and not with a hard choice."
            ),
            offered=(
                ("the sharper", "sharper"),
                ("the nearer (larger z)", "nearer"),
                ("the farther (smaller z)", "farther"),
            ),
        ),
    ] = "sharper"
    min_region: Annotated[
        float,
        Setting(
            label="Smallest region",
            unit="%",
            tip="Patches smaller than this share of the image take the slice of their surroundings.\n"
            "Larger: a calmer decision map. 0: small objects are kept. Only with a hard choice.",
            least=0,
            most=0.5,
            step=0.1,
            digits=2,
        ),
    ] = _FROM_PRESET
    series: Annotated[
        bool,
        Setting(
            label="Fuse one by one",
            tip="Fuse the slices one after the other, as the paper does, instead of all at once.\n"
            "For comparison with the paper: slower and not better. Only with the preset paper.",
        ),
    ] = False
    tile: Annotated[int, Setting(least=64, most=8192)] = 512

    def __post_init__(self) -> None:
        one_of("preset", self.preset, get_args(Preset))
        softened = self.softness not in (_FROM_PRESET, math.inf)
        for name, value in _PRESETS[self.preset].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, 0.0 if name == "min_region" and softened else value)
        check(self)
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
