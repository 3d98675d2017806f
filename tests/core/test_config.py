"""Presets and refusals."""

import math

import pytest

from napari_focusfuse.core.config import FusionConfig, TrainConfig
from napari_focusfuse.errors import FocusFuseError


def test_the_paper_preset_is_the_paper():
    paper = FusionConfig(preset="paper")
    assert (paper.radius, paper.levels, paper.min_region, paper.series) == (5, 1, 0.01, False)
    assert paper.hard


def test_what_is_given_wins_over_the_preset():
    assert FusionConfig(preset="paper", radius=2).radius == 2
    assert not FusionConfig().hard
    assert FusionConfig(preset="paper", softness=4).min_region == 0
    assert FusionConfig(softness=math.inf, min_region=0.02).min_region == 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "best"}, "'best' is unknown: choose one of default, quantitative, paper"),
        ({"radius": -1}, "radius must be from 0 to 50"),
        ({"levels": 4}, "levels must be from 1 to 3"),
        ({"softness": -2}, "softness must be at least 0"),
        ({"softness": math.nan}, "softness must be at least 0"),
        ({"tile": 10}, "tile must be from 64"),
        ({"min_region": 0.01}, "softness to inf"),
        ({"series": True}, "preset"),
        ({"preset": "paper", "series": True, "softness": 4}, "softness inf"),
        ({"preset": "paper", "levels": 2}, "one level"),
        ({"preset": "paper", "softness": 0}, "follow the noise"),
        ({"radius": 2.5}, "whole number, not 2.5"),
        ({"tile": "big"}, "whole number, not 'big'"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        FusionConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "x"}, "variant"),
        ({"epochs": 0}, "epochs"),
        ({"crop": 8}, "crop"),
        ({"learning_rate": 0}, "greater"),
    ],
)
def test_training_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        TrainConfig(**options)
