"""Methods from words."""

import math

import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks.contenders import DEFAULT_METHODS, check_labels, parse_methods
from napari_focusfuse.core.simulate import Scene
from napari_focusfuse.errors import FocusFuseError


def test_names_and_settings() -> None:
    plain, log, soft, paper = parse_methods("sf, log:sigma=3,radius=7,sesf:softness=inf,series=no,sesf:preset=paper")
    assert (plain.label, plain.method, plain.config) == ("sf", "sf", None)
    assert (log.label, log.config) == ("log:sigma=3,radius=7", ff.LoGConfig(sigma=3.0, radius=7))
    assert soft.config == ff.FusionConfig(softness=math.inf)
    assert (paper.config, paper.model) == (ff.FusionConfig(preset="paper"), "sesf-cse")
    assert (soft.model, parse_methods("sesf:model=mine")[0].model) == ("default", "mine")


def test_the_default_choice_can_be_parsed() -> None:
    assert len(parse_methods(DEFAULT_METHODS)) > 6


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no method"),
        ("sesff", "there is no method 'sesff'"),
        ("log:sigm=3", "no setting 'sigm'"),
        ("log:radius=2.5", "whole number, not '2.5'"),
        ("log:sigma=wide", "must be a number, not 'wide'"),
        ("sesf:series=perhaps", "true or false"),
        ("log:model=x", "no setting 'model'"),
        ("mean:radius=3", "it has none"),
        ("log:sigma=0", "sigma must be"),
        ("sesf:preset=best", "preset 'best'"),
    ],
)
def test_what_is_not_understood(text: str, says: str) -> None:
    with pytest.raises(FocusFuseError, match=says):
        parse_methods(text)


def test_twice_the_same() -> None:
    with pytest.raises(FocusFuseError, match="'sf' takes part twice"):
        check_labels(parse_methods("sf,log,sf"))


def test_running_one(scene: Scene) -> None:
    (log,) = parse_methods("log:sigma=2")
    outcome = log.run(scene.stack)
    expected = ff.fuse(scene.stack, method="log", config=ff.LoGConfig(sigma=2.0))
    assert np.array_equal(outcome.image, expected.image)
    assert outcome.decision is not None
    assert outcome.seconds > 0
    assert (outcome.peak_mb, outcome.failure) == (None, "")
