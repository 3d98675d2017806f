"""Presets and refusals."""

import math

import numpy as np
import pytest

from napari_focusfuse.config import (
    AlignConfig,
    BlockSFConfig,
    CandidateConfig,
    Flaws,
    FusionConfig,
    LoGConfig,
    RetouchConfig,
    SurfaceConfig,
    TrainConfig,
    WaveletConfig,
    WindowConfig,
)
from napari_focusfuse.errors import FocusFuseError


def test_the_paper_preset_is_the_paper():
    paper = FusionConfig(preset="paper")
    assert (paper.radius, paper.levels, paper.min_region, paper.series) == (5, 1, 0.01, False)
    assert paper.hard


def test_what_is_given_wins_over_the_preset():
    assert FusionConfig(preset="paper", radius=2).radius == 2
    assert FusionConfig(scales="window", radius=2, levels=1).radius == 2
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
        ({"scales": "many"}, "'many' is unknown: choose one of learned, window"),
        ({"radius": 7}, 'set scales to "window" as well'),
        ({"levels": 1}, 'set scales to "window" as well'),
        ({"preset": "paper", "scales": "learned"}, "windows of one radius"),
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


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (LoGConfig, {"sigma": "3"}, "sigma must be a number, not '3'"),
        (LoGConfig, {"sigma": math.nan}, "sigma must be from 0.3 to 20, not nan"),
        (WindowConfig, {"radius": 2.5}, "radius must be a whole number, not 2.5"),
        (WindowConfig, {"radius": True}, "radius must be a whole number, not True"),
        (WindowConfig, {"radius": None}, "radius must be a whole number, not None"),
        (BlockSFConfig, {"block": 2.5}, "block must be a whole number"),
        (WaveletConfig, {"wavelet": 2}, "wavelet must be a text, not 2"),
        (FusionConfig, {"series": "no"}, "series must be true or false, not 'no'"),
        (RetouchConfig, {"match_brightness": 1}, "match_brightness must be true or false"),
        (SurfaceConfig, {"fill": []}, "fill must be true or false"),
        (AlignConfig, {"tolerance": "1"}, "tolerance must be a number"),
        (AlignConfig, {"reference": True}, "reference must be a whole number"),
        (CandidateConfig, {"steps": 1.5}, "steps must be a whole number"),
        (Flaws, {"dust": "much"}, "dust must be a whole number"),
    ],
)
def test_settings_of_the_wrong_type(kind, options, message):
    with pytest.raises(FocusFuseError, match=message):
        kind(**options)


def test_numbers_of_numpy_are_numbers():
    assert LoGConfig(sigma=np.float32(1.5), radius=np.int64(3)).radius == 3
